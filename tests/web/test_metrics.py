"""`GET /metrics`: who may read it, and that its figures are those of known deeds."""

import subprocess
import sys
import threading
import time
from collections import defaultdict
from datetime import timedelta
from itertools import accumulate

import pytest
from django.db import OperationalError, connections
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from ms5.accounts.keys import issue
from ms5.accounts.roles import Role
from ms5.events.log import renew
from ms5.events.losses import Loss
from ms5.events.models import Stream
from ms5.processes.leases import home, instance
from ms5.processes.models import Heartbeat, Run
from realtime.collector import Everything
from realtime.counts import DELIVERY_S, Counts, Spread, counts
from realtime.figures import figures
from telemetry.models import Plc, PlcLink
from tests import factories
from tests.socket.conftest import serving
from tests.socket.test_delivery import say
from tests.web import plant


def scrape(client):
    """Return the samples by name, and each by its labels, sorted; the answer is of Prometheus' form."""
    answer = client.get("/metrics")
    assert answer.status_code == 200, answer.content
    assert answer["Content-Type"].startswith("text/plain; version=")
    assert "no-store" in answer["Cache-Control"]
    found = defaultdict(dict)
    for family in text_string_to_metric_families(answer.content.decode()):
        for sample in family.samples:
            labels = tuple(sorted(sample.labels.items()))
            assert labels not in found[sample.name], (sample.name, labels)
            found[sample.name][labels] = sample.value
    return found


def one(found, name, **labels):
    return found[name][tuple(sorted(labels.items()))]


@pytest.fixture
def prometheus(db):
    """A program of someone who may see operations of the whole plant."""
    _, key = issue(factories.user(Role.ENGINEER), "prometheus")
    return Client(headers={"Authorization": f"Token {key}"})


@pytest.mark.django_db
class TestWhoMayRead:
    def test_nobody_without_a_credential_nor_with_a_wrong_one(self, client):
        for asking in (client, Client(headers={"Authorization": "Token wrong"})):
            answer = asking.get("/metrics")
            assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Token")
            assert b"ms5_" not in answer.content

    @pytest.mark.parametrize("role", Role.values)
    def test_who_may_see_operations_by_token_and_by_session(self, role, as_user, with_key):
        user = factories.user(role)
        expected = 200 if role in {Role.ENGINEER, Role.ADMIN} else 403
        for asking in (as_user(user), with_key(user)):
            assert asking.get("/metrics").status_code == expected

    def test_this_machine_only_when_it_is_told_to_be_open(self, client, settings):
        assert client.get("/metrics").status_code == 401
        settings.METRICS_OPEN = True
        assert client.get("/metrics").status_code == 200
        assert client.get("/metrics", REMOTE_ADDR="::1").status_code == 200
        for elsewhere in ("10.1.2.3", "", "testserver"):
            assert client.get("/metrics", REMOTE_ADDR=elsewhere).status_code == 401
        # A proxy of ours asks from the loopback, too; for whom it asks it says in a header.
        for header in ("X-Forwarded-For", "X-Real-IP", "Forwarded", "X-Forwarded-Proto"):
            assert client.get("/metrics", headers={header: "10.1.2.3"}).status_code == 401

    def test_it_is_read_only(self, prometheus):
        assert prometheus.post("/metrics").status_code == 405


@pytest.mark.django_db
class TestWhatTheDatabaseTells:
    def test_the_log_per_stream(self, prometheus, own):
        found = scrape(prometheus)
        assert one(found, "ms5_log_head", stream=plant.OWN) == 1
        assert one(found, "ms5_log_rows", stream=plant.OWN) == 1
        assert 0 <= one(found, "ms5_log_oldest_seconds", stream=plant.OWN) < 60
        Stream.objects.filter(name=plant.OWN).update(tail=2)
        found = scrape(prometheus)
        assert one(found, "ms5_log_rows", stream=plant.OWN) == 0
        assert found["ms5_log_oldest_seconds"] == {}

    def test_the_processors(self, prometheus):
        at = timezone.now() - timedelta(seconds=7)
        Heartbeat.objects.create(name="oee", period_s=5, instance="h:1", ok_at=at, took_ms=120)
        Heartbeat.objects.create(name="andon", period_s=1, instance="h:1")
        found = scrape(prometheus)
        last = "ms5_processor_last_success_timestamp_seconds"
        assert one(found, last, processor="oee") == pytest.approx(at.timestamp(), abs=0.001)
        assert len(found[last]) == 1
        assert one(found, "ms5_processor_period_seconds", processor="andon") == 1
        assert one(found, "ms5_processor_run_seconds", processor="oee") == 0.12

    def test_the_controllers(self, prometheus, own):
        now = timezone.now()
        Plc.objects.create(code="new", name="New", protocol="logix", host="127.0.0.1")
        Plc.objects.create(
            code="off", name="Off", protocol="logix", host="127.0.0.1", enabled=False
        )
        PlcLink.objects.update(status="connected", failures=0, last_ok_at=now)
        found = scrape(prometheus)
        assert one(found, "ms5_plc_up", plc=own.plc.code) == 1
        assert 0 <= one(found, "ms5_plc_reading_age_seconds", plc=own.plc.code) < 5
        assert one(found, "ms5_plc_up", plc="new") == 0
        assert len(found["ms5_plc_up"]) == 2
        PlcLink.objects.update(status="lost", failures=4)
        found = scrape(prometheus)
        assert one(found, "ms5_plc_up", plc=own.plc.code) == 0
        assert one(found, "ms5_plc_failures_in_a_row", plc=own.plc.code) == 4

    def test_of_foreign_lines_nothing(self, own, foreign, prometheus):
        _, key = issue(plant.person("here", "engineer", own.line), "of one line")
        answer = Client(headers={"Authorization": f"Token {key}"}).get("/metrics")
        text = answer.content.decode()
        assert f'stream="{plant.OWN}"' in text
        assert f'plc="{own.plc.code}"' in text
        assert plant.FOREIGN not in text
        # The control: who sees both is told of both.
        assert plant.FOREIGN in prometheus.get("/metrics").content.decode()

    def test_without_a_database_this_process_still_tells_its_own(self, client, settings):
        def gone(execute, sql, params, many, context):
            raise OperationalError("the database is gone")

        settings.METRICS_OPEN = True
        with connections["default"].execute_wrapper(gone):
            found = scrape(client)
        assert found["ms5_database_up"] == {(): 0}
        assert found["ms5_log_head"] == {}
        assert one(found, "ms5_socket_connections", process=instance()) == 0
        assert scrape(client)["ms5_database_up"] == {(): 1}

    def test_without_a_database_nobody_can_show_a_token(self, prometheus):
        def gone(execute, sql, params, many, context):
            raise OperationalError("the database is gone")

        with connections["default"].execute_wrapper(gone):
            assert prometheus.get("/metrics").status_code == 503


@pytest.mark.django_db
class TestSeveralProcesses:
    def other(self, **fields):
        now = timezone.now()
        spread = Spread(DELIVERY_S)
        spread.add(0.007)
        told = {
            "connections": 7,
            "closes": {"1012": 3},
            "tail_age_s": 0.25,
            "delivery": spread.told(),
        }
        defaults = {"name": "web", "instance": "h:1", "home": home(), "began_at": now}
        return Run.objects.create(**defaults | {"told_at": now, "figures": told} | fields)

    def test_whoever_is_asked_answers_for_those_of_its_machine(self, prometheus):
        self.other(told_at=timezone.now() - timedelta(seconds=10))
        self.other(instance="far:2", home="another machine")
        found = scrape(prometheus)
        assert one(found, "ms5_socket_connections", process="h:1") == 7
        assert one(found, "ms5_socket_closes_total", process="h:1", code="1012") == 3
        assert one(found, "ms5_tail_age_seconds", process="h:1") == 0.25
        ages = found["ms5_process_told_age_seconds"]
        assert set(ages) == {(("process", "h:1"),), (("process", instance()),)}
        assert ages[(("process", instance()),)] == 0
        assert 10 <= ages[(("process", "h:1"),)] < 15

    def test_one_that_hangs_stays_in_the_series_until_it_has_ended(self):
        hung = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        name = f"h:{hung.pid}"

        def ages(after_s):
            registry = CollectorRegistry()
            everything = Everything(None, told_at + timedelta(seconds=after_s))
            registry.register(everything)
            families = text_string_to_metric_families(generate_latest(registry).decode())
            (age,) = [each for each in families if each.name == "ms5_process_told_age_seconds"]
            return {sample.labels["process"]: sample.value for sample in age.samples}

        try:
            told_at = timezone.now()
            self.other(instance=name, told_at=told_at)
            assert ages(20) == {name: 20, instance(): 0}
            assert ages(3_600) == {name: 3_600, instance(): 0}
        finally:
            hung.communicate(b"\n")
        assert ages(20) == {instance(): 0}

    def test_another_process_with_the_same_pid_is_not_taken_for_one_that_has_ended(
        self, prometheus
    ):
        with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as new:
            before = timezone.now() - timedelta(hours=1)
            self.other(instance=f"h:{new.pid}", told_at=before)
            told = scrape(prometheus)["ms5_process_told_age_seconds"]
            assert set(told) == {(("process", instance()),)}
            new.communicate(b"\n")

    def test_a_histogram_of_another_process_is_summed_up_as_prometheus_wants_it(
        self, prometheus
    ):
        self.other()
        found = scrape(prometheus)
        of = {"process": "h:1"}
        assert one(found, "ms5_delivery_seconds_bucket", le="0.005", **of) == 0
        assert one(found, "ms5_delivery_seconds_bucket", le="0.01", **of) == 1
        assert one(found, "ms5_delivery_seconds_bucket", le="+Inf", **of) == 1
        assert one(found, "ms5_delivery_seconds_count", **of) == 1
        assert one(found, "ms5_delivery_seconds_sum", **of) == pytest.approx(0.007)


@pytest.mark.django_db(transaction=True, databases=["default", "snapshot"])
def test_the_sockets_of_this_process_after_known_deeds(settings):
    """Counts are those of the process, and so of the whole test run: what is asserted is the rise."""
    settings.METRICS_OPEN = True
    me = {"process": instance()}
    line = factories.line(code="L-OWN")
    factories.equipment(line=line, code="M.OWN")
    viewer = factories.user(Role.VIEWER)

    def now():
        return scrape(Client())

    before = now()

    def rise(found, name, **labels):
        return one(found, name, **me, **labels) - before[name].get(
            tuple(sorted((me | labels).items())), 0
        )

    with serving() as server:
        with server.client(viewer) as first, server.client(viewer) as second:
            first.subscribe("line", "L-OWN")
            second.subscribe("line", "all")
            for number in range(1, 6):
                say(number)
            for client in (first, second):
                client.expect("equipment_state", seq=5)
            first.expect("error", id=first.send("nonsense"), code="UNKNOWN_MESSAGE_TYPE")
            open_now = now()
            assert one(open_now, "ms5_socket_connections", **me) == 2
            assert one(open_now, "ms5_hub_groups", **me) == 2
            assert one(open_now, "ms5_hub_cohorts", **me) == 2
            assert one(open_now, "ms5_hub_events_total", **me) == 5
            assert one(open_now, "ms5_hub_deliveries_total", **me) == 10
            assert one(open_now, "ms5_tail_rows_total", **me) == 5
            assert one(open_now, "ms5_tail_looks_total", **me) >= 1
            assert 0 <= one(open_now, "ms5_tail_age_seconds", **me) < 5
            assert 0 <= one(open_now, "ms5_canary_age_seconds", **me) < 60
            assert one(open_now, "ms5_hub_layer_up", **me) == 0
            assert rise(open_now, "ms5_socket_connects_total", result="accepted") == 2
            assert rise(open_now, "ms5_log_facts_read_total", type="equipment_state") == 5
            assert rise(open_now, "ms5_delivery_seconds_count") == 5
            assert rise(open_now, "ms5_socket_errors_total", code="UNKNOWN_MESSAGE_TYPE") == 1
            assert rise(open_now, "ms5_socket_frames_in_total") == 3
            # Established, confirmed, snapshot and five facts each, one error; heartbeats besides.
            assert rise(open_now, "ms5_socket_frames_out_total") >= 17
            assert rise(open_now, "ms5_socket_out_bytes_total") > 17 * 50
        wrong_key = server.client(viewer)
        wrong_key.headers["Authorization"] = "Token wrong"
        with wrong_key:
            assert wrong_key.closed_with() == 4401
        wait_for_no_connection(server)
        after = now()
    assert one(after, "ms5_socket_connections", **me) == 0
    assert rise(after, "ms5_socket_frames_out_total") >= 17
    assert rise(after, "ms5_socket_closes_total", code="1000") == 2
    assert rise(after, "ms5_socket_closes_total", code="4401") == 1
    assert rise(after, "ms5_socket_connects_total", result="not_authenticated") == 1
    assert rise(after, "ms5_log_gaps_total") == 0


@pytest.mark.django_db(transaction=True, databases=["default", "snapshot"])
def test_resumes_and_a_new_life_of_the_log_are_counted(settings):
    settings.METRICS_OPEN = True
    me = {"process": instance()}
    line = factories.line(code="L-OWN")
    factories.equipment(line=line, code="M.OWN")
    viewer = factories.user(Role.VIEWER)
    want = [{"subscription_type": "line", "target_id": "L-OWN"}]
    before = scrape(Client())
    with serving() as server:
        with server.client(viewer) as client:
            epoch = client.expect("connection_established")["epoch"]
            client.subscribe("line", "L-OWN")
            say(1)
            last = client.expect("equipment_state", seq=1)
        for number in (2, 3, 4):
            say(number)
        places = {"L-OWN": {"seq": 1, "event_id": last["event_id"]}}
        with server.client(viewer) as client:
            client.send("resume", epoch=epoch, positions=places, subscriptions=want)
            client.expect("live")
        with server.client(viewer) as client:
            client.send("resume", epoch="e-other", positions=places, subscriptions=want)
            client.expect("live")
            renew("a test")
            assert client.closed_with() == 4510
        found = scrape(Client())

    def rise(name, **labels):
        return one(found, name, **me, **labels) - one(before, name, **me, **labels)

    assert rise("ms5_socket_resumes_total", reason="recovered") == 1
    assert rise("ms5_socket_resumes_total", reason="epoch") == 1
    assert rise("ms5_socket_replayed_facts_total") == 3
    assert rise("ms5_log_epoch_changes_total") == 1
    assert rise("ms5_socket_closes_total", code="4510") == 1


@pytest.mark.django_db(transaction=True, databases=["default", "snapshot"])
def test_what_was_sent_never_falls_while_connections_end():
    factories.line(code="L-OWN")
    viewer = factories.user(Role.VIEWER)
    told, ended = [], threading.Event()

    def look():
        while not ended.is_set():
            told.append(figures()["frames_out"])

    interval = sys.getswitchinterval()
    with serving() as server:
        looking = threading.Thread(target=look)
        looking.start()
        sys.setswitchinterval(1e-6)
        try:
            for _ in range(20):
                clients = [server.client(viewer) for _ in range(5)]
                for client in clients:
                    client.__enter__()
                    client.subscribe("line", "L-OWN")
                for client in clients:
                    client.__exit__(None, None, None)
            wait_for_no_connection(server)
        finally:
            sys.setswitchinterval(interval)
            ended.set()
            looking.join()
    assert told[-1] - told[0] >= 100 * 3
    assert told == sorted(told)


def test_a_new_life_and_a_gap_are_counted_and_a_mistake_of_ours_is_neither():
    fresh = Counts()
    for loss in Loss:
        fresh.lost(loss)
    assert (fresh.epochs, fresh.gaps) == (1, 1)


def wait_for_no_connection(server):
    deadline = time.monotonic() + 5
    while server.hub.connections:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_value_on_a_bound_counts_below_it_and_one_in_the_future_as_zero():
    spread = Spread((0.1, 1.0))
    for value in (0.1, 0.100001, 1.0, 5.0, -3.0):
        spread.add(value)
    assert spread.told() == {
        "bounds": [0.1, 1.0],
        "counts": [2, 2, 1],
        "sum": pytest.approx(6.200001),
    }


@given(
    st.lists(st.sampled_from((0.5, 1.0, 2.0)) | st.floats(0, 100), max_size=50),
    st.lists(st.floats(0.01, 50), min_size=1, max_size=8, unique=True),
)
def test_each_bound_counts_all_that_lie_at_or_below_it(values, bounds):
    spread = Spread(sorted(bounds))
    for value in values:
        spread.add(value)
    for bound, count in zip(spread.bounds, accumulate(spread.counts), strict=False):
        assert count == sum(value <= bound for value in values)
    assert sum(spread.counts) == len(values)


def test_what_never_happened_is_told_as_zero():
    fresh = Counts()
    assert fresh.closes["4508"] == fresh.errors["INTERNAL"] == fresh.resumes["too_far"] == 0
    assert {"4508", "1012", "1005"} - set(fresh.closes) == {"1005"}
    fresh.closed(1005)
    assert fresh.closes["1005"] == 1
    assert counts is not fresh

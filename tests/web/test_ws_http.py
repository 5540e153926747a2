"""`GET /ws/health` and `GET /ws/events`."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import jsonschema
import pytest
from django.db import OperationalError, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from ms5.accounts.keys import issue
from ms5.accounts.roles import Role
from ms5.once import Once
from ms5.processes.models import Heartbeat
from realtime import health
from realtime.hub import Hub, _hubs
from telemetry.models import Plc, Tag
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_kept():
    """Each test is its own: an answer of before is kept for two seconds otherwise."""
    health.latest.forget()
    yield
    health.latest.forget()


@pytest.fixture
def all_well(on_redis, settings):
    """Every processor has just run, and Redis answers."""
    settings.REDIS_URL = on_redis
    for name in health.expected():
        Heartbeat.objects.create(name=name, period_s=1, instance="t:1", ok_at=timezone.now())


def ask(*, anew=True, **headers):
    if anew:
        health.latest.forget()
    answer = Client(headers=headers).get("/ws/health")
    told = answer.json()
    checked_at = datetime.fromisoformat(told.pop("checked_at"))
    assert timedelta(0) <= timezone.now() - checked_at < timedelta(seconds=3)
    return answer.status_code, told


def details():
    _, key = issue(factories.user(Role.ENGINEER), "a watcher")
    status, answer = ask(authorization=f"Token {key}")
    return status, {
        name: part["wrong"] for name, part in answer["parts"].items() if part["wrong"]
    }


def test_when_all_is_well_it_is_ok_for_everyone(all_well):
    assert ask() == (200, {"status": "ok"})
    assert details() == (200, {})


def test_the_details_are_for_those_who_may_see_operations(all_well):
    _, key = issue(factories.user(Role.VIEWER), "a viewer")
    assert "parts" not in ask(authorization=f"Token {key}")[1]
    assert "parts" not in ask(authorization="Token wrong")[1]
    engineer = Client()
    engineer.force_login(factories.user(Role.ENGINEER))
    parts = engineer.get("/ws/health").json()["parts"]
    assert set(parts) == {
        "database",
        "tail",
        "channel_layer",
        "canary",
        "processors",
        "plc_links",
        "escalation",
    }


def test_a_processor_that_is_late_or_never_ran_degrades(all_well):
    Heartbeat.objects.filter(name="poll.0").update(ok_at=timezone.now() - timedelta(seconds=30))
    Heartbeat.objects.filter(name="production").delete()
    assert ask() == (200, {"status": "degraded"})
    status, wrong = details()
    assert status == 200
    assert wrong == {
        "processors": {"poll.0": "last succeeded 30 s ago", "production": "has never run"}
    }


def test_a_dead_plc_degrades_and_does_not_take_the_process_away(all_well):
    Plc.objects.create(code="bagger", name="Bagger", protocol="logix", host="127.0.0.1")
    assert ask() == (200, {"status": "degraded"})
    assert set(details()[1]["plc_links"]) == {"bagger"}


def test_an_engineer_of_one_line_is_told_of_its_controllers_by_name_and_of_others_by_number(
    all_well,
):
    mine, theirs = factories.line(), factories.line()
    for line, code in ((mine, "near"), (theirs, "far")):
        plc = Plc.objects.create(code=code, name=code, protocol="logix", host="127.0.0.1")
        machine = factories.equipment(line=line)
        Tag.objects.create(
            plc=plc, name="t", address="A", data_type="bool", equipment=machine, role="running"
        )
    engineer = factories.user(Role.ENGINEER, all_lines=False)
    engineer.line_access.create(line=mine)
    _, key = issue(engineer, "a watcher")
    health.latest.forget()
    answer = Client(headers={"Authorization": f"Token {key}"}).get("/ws/health")
    assert answer.json()["parts"]["plc_links"]["wrong"] == {
        "near": "has not been polled yet",
        "others": "1 on lines of others",
    }
    assert "far" not in answer.content.decode()
    # The control: who sees both lines is told both names.
    assert set(details()[1]["plc_links"]) == {"near", "far"}


def test_whoever_asks_again_within_two_seconds_gets_the_answer_of_before(all_well):
    assert ask() == (200, {"status": "ok"})
    Heartbeat.objects.all().delete()
    with CaptureQueriesContext(connections["default"]) as queries:
        for _ in range(20):
            assert ask(anew=False) == (200, {"status": "ok"})
    assert len(queries) == 0
    assert ask() == (200, {"status": "degraded"})


def test_a_thousand_who_ask_at_once_make_one_look():
    made = []
    began = threading.Barrier(8)

    def look():
        made.append(threading.get_ident())
        time.sleep(0.05)
        return len(made)

    once = Once(look, keep_s=60)

    def ask_often():
        began.wait(10)
        return [once.get() for _ in range(125)]

    with ThreadPoolExecutor(8) as threads:
        asked = [threads.submit(ask_often) for _ in range(8)]
        answers = [answer for one in asked for answer in one.result(10)]
    assert (len(answers), set(answers), len(made)) == (1000, {1}, 1)


def test_a_look_that_failed_is_not_kept():
    outcomes = iter([ValueError("away"), "here"])

    def look():
        outcome = next(outcomes)
        if isinstance(outcome, ValueError):
            raise outcome
        return outcome

    once = Once(look, keep_s=60)
    with pytest.raises(ValueError, match="away"):
        once.get()
    assert [once.get(), once.get()] == ["here", "here"]


def test_redis_away_degrades_within_its_200_ms(all_well, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    began = timezone.now()
    assert ask() == (200, {"status": "degraded"})
    assert timezone.now() - began < timedelta(seconds=2)
    assert set(details()[1]) == {"channel_layer"}


def test_a_database_that_is_gone_is_down_and_503(all_well):
    def gone(execute, sql, params, many, context):
        raise OperationalError("the database is gone")

    with connections["default"].execute_wrapper(gone):
        assert ask() == (503, {"status": "down"})


def test_a_stuck_tail_is_down(all_well, monkeypatch):
    async def hub_whose_tail_never_looked():
        return Hub()

    hub = asyncio.run(hub_whose_tail_never_looked())
    monkeypatch.setitem(_hubs, None, hub)
    assert ask() == (503, {"status": "down"})
    assert health.degraded_parts(timezone.now()) == ["tail"]
    hub.tail.ok_at = time.monotonic()
    assert ask() == (200, {"status": "ok"})


def test_health_is_read_only_and_never_cached():
    answer = Client().get("/ws/health")
    assert "no-store" in answer["Cache-Control"]
    assert Client().post("/ws/health").status_code == 405


def test_what_can_be_heard_is_told_to_whoever_is_signed_in():
    assert Client().get("/ws/events").status_code == 401
    viewer = Client()
    viewer.force_login(factories.user(Role.VIEWER))
    told = viewer.get("/ws/events").json()
    kinds = {event["type"]: event["kind"] for event in told["events"]}
    assert list(kinds.values()).count("fact") == 14
    assert {type_ for type_, kind in kinds.items() if kind == "gauge"} == {
        "production_update",
        "oee_update",
        "job_progress",
        "telemetry_update",
    }
    (started,) = (event for event in told["events"] if event["type"] == "changeover_started")
    assert {name: started[name] for name in ("kind", "family", "subject", "ended_when")} == {
        "kind": "fact",
        "family": "changeover",
        "subject": "id",
        "ended_when": "ended_at",
    }
    assert all(event["description"] for event in told["events"])
    for event in told["events"]:
        jsonschema.Draft202012Validator.check_schema(event["schema"])
    families = {family["type"]: family["targets"] for family in told["subscription_types"]}
    assert len(families) == 12
    assert families["downtime"] == ["all", "line:LINE", "equipment:CODE", "LINE"]
    assert set(told["messages"]) == {"client", "server"}

"""Ticks of a shard against simulated controllers: what they write, and what they never do."""

import json
import logging
import threading
import time

import pytest
from django.db.models.functions import Now

from ms5.events.models import Event
from ms5.processes.models import Heartbeat, Lease
from production.models import Condition, Context, Count, Fault, Span
from telemetry import health, snapshot
from telemetry.models import Plc, PlcLink, Sample, Tag, TagLatest
from telemetry.poll import BUSY, ELSEWHERE
from telemetry.wiring import load, version
from tests import factories
from tests.controllers import (
    MEMORY,
    bit,
    logix,
    machine_tags,
    modbus,
    plc,
    polling,
    tag,
    ticks,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def server():
    with logix() as running:
        yield running


@pytest.fixture
def poll():
    with polling() as worker:
        yield worker


@pytest.fixture
def bagger():
    return factories.equipment(code="BAG1", line=factories.line(code="L-1"))


@pytest.fixture
def wired(server, bagger):
    """A running machine whose PLC has never been polled."""
    row = plc(server)
    machine_tags(row, bagger)
    return row


def facts(type_):
    """The facts of this type in the order of their streams, as (line, data)."""
    rows = Event.objects.filter(type=type_).order_by("stream__name", "seq")
    return [(row.line_id, json.loads(row.text)["data"]) for row in rows]


def statuses():
    return [(line, data["status"]) for line, data in facts("plc_status")]


def states():
    return [data["state"] for _, data in facts("equipment_state")]


class TestATick:
    def test_it_turns_what_the_plc_shows_into_the_state_of_its_equipment(
        self, poll, wired, bagger, server
    ):
        loaf = factories.product(plc_number=1)
        assert poll.tick() == 1
        condition = Condition.objects.get(equipment=bagger)
        assert (condition.state, condition.speed, condition.quality) == ("running", 80, "good")
        assert Context.objects.get(equipment=bagger).product == loaf
        assert list(Count.objects.values_list("decision", "quantity", "value")) == [
            ("baseline", 0, 1000)
        ]
        server.set("Good", 1007)
        assert ticks(poll, 2) == [0, 1]
        assert [count.quantity for count in Count.objects.order_by("pk")] == [0, 7]

    def test_many_ticks_need_one_connection_and_never_write_to_the_plc(
        self, poll, wired, server
    ):
        assert ticks(poll, 10) == [1] * 10
        assert server.stats.connections == 1
        assert server.stats.writes == 0

    def test_a_prompt_does_not_make_a_stop_a_fault_and_a_fault_bit_does(
        self, poll, wired, server, bagger
    ):
        server.set("Running", value=False)
        server.set("Fault[22]", value=True)
        ticks(poll, 1)
        assert (states(), Fault.objects.count()) == (["stopped"], 0)
        server.set("Fault[31]", value=True)
        ticks(poll, 1)
        fault = Fault.objects.get()
        assert (fault.code, fault.text, fault.first_out) == ("Fault[31]", "Broken blade", True)
        assert states()[-1] == "faulted"
        assert Condition.objects.get(equipment=bagger).reason == "Broken blade"

    def test_a_fault_upstream_is_starved(self, poll, wired, server):
        server.set("Running", value=False)
        server.set("Fault[7]", value=True)
        ticks(poll, 1)
        assert states() == ["starved"]

    def test_it_writes_its_heartbeat(self, poll, wired):
        ticks(poll, 1)
        assert Heartbeat.objects.get(name="poll.0").period_s == 1

    def test_what_repeats_itself_adds_neither_facts_nor_samples(self, poll, wired):
        ticks(poll, 1)
        before = (Event.objects.count(), Sample.objects.count(), Span.objects.count())
        ticks(poll, 5)
        assert (Event.objects.count(), Sample.objects.count(), Span.objects.count()) == before
        assert before == (2, 6, 1)

    def test_a_period_of_ten_seconds_is_one_read_in_ten_ticks(self, poll, wired, server):
        Plc.objects.update(poll_period_s=10)
        assert ticks(poll, 21) == [1, *[0] * 9, 1, *[0] * 9, 1]

    def test_a_second_tick_while_one_is_under_way_does_nothing(self, poll, wired, server):
        server.faults.delay_s = 0.3
        second = []
        first = threading.Thread(target=lambda: second.append(_in_thread(poll)))
        first.start()
        time.sleep(0.15)
        assert poll.tick() == BUSY
        first.join()
        assert second == [1]

    def test_shards_wrap_around_so_that_no_plc_is_left_out(self, poll, wired, settings):
        Plc.objects.update(shard=4)
        settings.POLL_SHARDS = 2
        assert ticks(poll, 1) == [1]
        with polling(shard=1) as other:
            assert ticks(other, 1) == [0]

    def test_a_modbus_device_is_polled_alike(self, poll, bagger):
        places = [("State", "holding", 0, "uint16"), ("Total", "input", 2, "uint32", "CDAB")]
        with modbus(places, {"State": 1, "Total": 70000}, device_id=3) as device:
            row = plc(device)
            tag(row, "State", address="holding:0", data_type="uint16", of=bagger,
                role="state_word", device_id=3, state_map={"0": "stopped", "1": "running"})  # fmt: skip
            tag(row, "Total", address="input:2", data_type="uint32", byte_order="CDAB",
                of=bagger, role="total_count", device_id=3)  # fmt: skip
            ticks(poll, 1)
            device.set("State", 9)
            ticks(poll, 1)
        assert Count.objects.get().value == 70000
        assert states() == ["running", "no_data"]
        reason = Condition.objects.get().reason
        assert reason == "State shows 9, which its state map does not name."


def _in_thread(poll):
    from django.db import connection

    try:
        return poll.tick()
    finally:
        connection.close()


class TestAPlcThatIsLost:
    def test_it_is_lost_within_three_polls_and_its_equipment_is_no_data_from_the_last_reading(
        self, poll, wired, server, bagger
    ):
        ticks(poll, 2)
        last = Condition.objects.get(equipment=bagger).last_good_at
        server.stop()
        ticks(poll, 3)
        assert statuses() == [("L-1", "connected"), ("L-1", "lost")]
        _, data = facts("plc_status")[-1]
        assert data["equipment_codes"] == ["BAG1"]
        assert "127.0.0.1" in data["error"]
        assert states() == ["running", "no_data"]
        gap = Span.objects.get(equipment=bagger, state="no_data")
        assert (gap.started_at, gap.ended_at) == (last, None)
        assert gap.reason.startswith("Plc1 is lost: 127.0.0.1:")
        link = PlcLink.objects.get()
        assert (link.status, link.failures >= 1) == ("lost", True)
        assert health.links(link.last_try_at)["plc1"].startswith("lost for ")

    def test_its_tags_become_stale_once(self, poll, wired, server):
        ticks(poll, 1)
        server.stop()
        ticks(poll, 8)
        assert set(TagLatest.objects.values_list("quality", flat=True)) == {"stale"}
        assert Sample.objects.filter(quality="stale").count() == 6

    def test_its_return_is_another_fact_and_the_gap_stays_no_data(
        self, poll, wired, server, bagger
    ):
        ticks(poll, 2)
        server.stop()
        ticks(poll, 3)
        server.start()
        ticks(poll, 6)
        assert [status for _, status in statuses()] == ["connected", "lost", "connected"]
        assert states() == ["running", "no_data", "running"]
        spans = list(Span.objects.filter(equipment=bagger).order_by("started_at"))
        assert [span.state for span in spans] == ["running", "no_data", "running"]
        assert spans[0].ended_at == spans[1].started_at
        assert spans[1].ended_at == spans[2].started_at
        assert health.links(PlcLink.objects.get().last_ok_at) == {}

    def test_two_failed_polls_are_no_news(self, poll, wired, server):
        Plc.objects.update(poll_period_s=5)
        ticks(poll, 1)
        server.faults.drop = True
        server.faults.replies = 2
        ticks(poll, 12)
        assert statuses() == [("L-1", "connected")]
        assert PlcLink.objects.get().failures == 0

    def test_every_line_hears_it_with_its_own_equipment_only(self, poll, wired, server):
        second = factories.equipment(code="PACK1", line=factories.line(code="L-2"))
        tag(wired, "Second", address="Starved", of=second, role="running")
        ticks(poll, 1)
        assert {line: data["equipment_codes"] for line, data in facts("plc_status")} == {
            "L-1": ["BAG1"],
            "L-2": ["PACK1"],
        }

    def test_one_that_serves_no_line_is_told_to_the_plant(self, poll, server):
        tag(plc(server), "Speed", data_type="float32")
        ticks(poll, 1)
        assert statuses() == [(None, "connected")]
        assert Event.objects.get().stream.name == "plant"

    def test_it_is_tried_ever_less_often(self, poll, wired, server):
        ticks(poll, 1)
        server.stop()
        links = poll.links
        link = next(iter(links.by_plc.values()))
        ticks(poll, 100)
        # One failed read, then the pauses of 1, 2, 4, 8, 16, 30 s, give or take a quarter.
        assert 6 <= link.failures <= 10

    def test_another_error_of_a_lost_plc_is_said_so_that_boards_show_it(
        self, poll, wired, server
    ):
        ticks(poll, 1)
        server.faults.drop = True
        ticks(poll, 6)
        server.stop()
        ticks(poll, 40)
        errors = [data["error"] for _, data in facts("plc_status")]
        assert errors[0] is None
        assert "did not answer within 0.5 s" in errors[1]
        assert "refused the connection" in errors[-1]
        since = {data["since"] for _, data in facts("plc_status") if data["status"] == "lost"}
        assert len(since) == 1

    def test_the_snapshot_of_its_line_is_what_was_last_said(self, poll, wired, server, bagger):
        def newest():
            return facts("plc_status")[-1][1]

        def shown():
            import msgspec

            (item,) = snapshot.items(bagger.line)
            return json.loads(msgspec.json.encode(item.data))

        assert snapshot.items(bagger.line) == []
        ticks(poll, 2)
        assert shown() == newest()
        server.stop()
        ticks(poll, 1)
        assert shown() == newest()
        ticks(poll, 5)
        assert shown() == newest()
        assert shown()["status"] == "lost"


class TestBadInput:
    def test_a_plc_that_is_off_from_the_start_is_lost_and_the_others_are_polled(
        self, poll, wired
    ):
        off = plc(port=1, name="Oven")
        tag(off, "Speed", data_type="float32")
        # The pauses of about 1 and 2 seconds lie between its three polls.
        assert ticks(poll, 5) == [1, 1, 1, 1, 1]
        assert statuses() == [("L-1", "connected"), (None, "lost")]
        link = PlcLink.objects.get(plc=off)
        assert link.error == "127.0.0.1:1 refused the connection."
        assert link.last_ok_at is None

    def test_a_host_that_nobody_knows_is_said_in_a_sentence(self, poll):
        row = plc(port=44818, host="no-such-host.invalid")
        tag(row, "Speed", data_type="float32")
        ticks(poll, 5)
        error = PlcLink.objects.get(plc=row).error
        assert error == "no-such-host.invalid:44818 has a name that cannot be resolved."

    def test_a_tag_that_does_not_exist_or_is_of_another_type_is_bad_and_the_others_good(
        self, poll, wired, caplog
    ):
        tag(wired, "Missing", address="No_Such_Tag", data_type="int32")
        tag(wired, "Mistyped", address="Speed", data_type="int32")
        tag(wired, "Malformed", address="not a tag", data_type="int32")
        with caplog.at_level(logging.INFO):
            ticks(poll, 4)
        rows = {row.tag.name: row for row in TagLatest.objects.select_related("tag")}
        bad = {name: row.error for name, row in rows.items() if row.quality == "bad"}
        assert bad == {
            "Missing": "No_Such_Tag was not read: no such tag in the PLC.",
            "Mistyped": "Speed is REAL in the PLC, the tag says int32.",
            "Malformed": "'not a tag' is not the name of a Logix tag.",
        }
        assert {rows[name].value for name in bad} == {None}
        assert (rows["Speed"].quality, rows["Speed"].value) == ("good", 80)
        assert states() == ["running"]
        said = [record.tag for record in caplog.records if record.message == "tag bad"]
        assert sorted(said) == ["Malformed", "Missing", "Mistyped"]

    def test_a_tag_that_decides_the_state_and_cannot_be_read_leaves_the_equipment_unknown(
        self, poll, server, bagger
    ):
        row = plc(server)
        tag(row, "Running", address="No_Such_Tag", of=bagger, role="running")
        tag(row, "Good", data_type="int32", of=bagger, role="good_count")
        ticks(poll, 3)
        condition = Condition.objects.get(equipment=bagger)
        assert (condition.state, condition.quality) == ("no_data", "bad")
        assert condition.trouble == "No_Such_Tag was not read: no such tag in the PLC."
        assert (Count.objects.count(), Span.objects.count()) == (0, 0)
        assert statuses() == [("L-1", "connected")]

    def test_a_wrong_modbus_address_is_bad_and_its_neighbours_good(self, poll):
        with modbus([("Speed", "holding", 0, "uint16")], {"Speed": 7}) as device:
            row = plc(device)
            tag(row, "Speed", address="holding:0", data_type="uint16")
            tag(row, "Beyond", address="holding:9", data_type="uint16")
            ticks(poll, 2)
        rows = {row.tag.name: row for row in TagLatest.objects.select_related("tag")}
        assert (rows["Speed"].value, rows["Speed"].quality) == (7, "good")
        assert rows["Beyond"].error == "holding:9: illegal data address."

    def test_a_state_map_that_means_nothing_is_said_and_nothing_is_invented(self, poll, bagger):
        with modbus([("State", "holding", 0, "uint16")], {"State": 1}) as device:
            row = plc(device)
            tag(row, "State", address="holding:0", data_type="uint16", of=bagger,
                role="state_word", state_map={"one": "running"})  # fmt: skip
            ticks(poll, 1)
        assert Condition.objects.get().state == "no_data"
        assert "which its state map does not name" in Condition.objects.get().reason

    def test_a_plc_without_tags_is_not_polled_and_health_says_so(self, poll, server):
        row = plc(server)
        ticks(poll, 2)
        assert server.stats.connections == 0
        assert health.links(row.updated_at) == {"plc1": "has no tags to be read"}


class TestADeadPlc:
    def test_one_that_hangs_delays_no_tick_of_the_others(self, poll, wired, server):
        with logix() as hanging:
            row = plc(hanging, timeout_s=30)
            tag(row, "Speed", data_type="float32")
            assert ticks(poll, 1) == [2]
            hanging.faults.delay_s = 4
            assert ticks(poll, 3) == [1, 1, 1]
            assert poll.links.flying == 1
            poll.links.forget()

    def test_a_late_answer_is_taken_over_by_the_next_tick(self, poll, server):
        row = plc(server, timeout_s=5)
        tag(row, "Speed", data_type="float32")
        ticks(poll, 1)
        server.faults.delay_s = 1.0
        assert ticks(poll, 1) == [0]
        assert ticks(poll, 1) == [1]

    def test_ten_that_never_accept_leave_the_readers_to_the_living(self, poll, wired, server):
        import socket

        holes = [socket.create_server(("127.0.0.1", 0)) for _ in range(10)]
        try:
            for hole in holes:
                row = plc(port=hole.getsockname()[1], timeout_s=0.2)
                tag(row, "Speed", data_type="float32")
            answered = ticks(poll, 5)
        finally:
            for hole in holes:
                hole.close()
        assert sum(answered[1:]) == 4
        assert states() == ["running"]


class TestWorkers:
    def test_only_the_one_with_the_lease_has_a_connection(self, wired, server):
        with polling(holder="one:1") as one, polling(holder="two:2") as two:
            assert [one.tick(), two.tick(), one.tick(), two.tick()] == [
                1,
                ELSEWHERE,
                0,
                ELSEWHERE,
            ]
            assert server.stats.connections == 1
            assert two.links.by_plc == {}

    def test_another_takes_over_when_the_holder_has_died(self, wired, server):
        with polling(holder="one:1") as one, polling(holder="two:2") as two:
            one.tick()
            assert two.tick() == ELSEWHERE
            assert Lease.objects.get(name="poll.0").holder == "one:1"
            # Five seconds without a tick of the holder.
            Lease.objects.update(until=Now())
            time.sleep(0.01)
            assert two.tick() == 1
            assert one.tick() == ELSEWHERE
            assert one.links.by_plc == {}
            assert (server.stats.connections, statuses()) == (2, [("L-1", "connected")])

    def test_an_orderly_end_frees_the_shard_at_once(self, wired, server):
        with polling(holder="one:1") as one:
            one.tick()
        with polling(holder="two:2") as two:
            assert two.tick() == 1

    def test_a_tick_that_came_to_the_wrong_worker_is_passed_on_a_few_times(
        self, wired, redis_url
    ):
        import redis

        from ms5.celery import app
        from telemetry import tasks

        before = app.conf.broker_url
        app.conf.broker_url = redis_url
        try:
            with polling(holder="one:1") as one:
                one.tick()
                assert tasks.poll(0) == ELSEWHERE
                assert tasks.poll(0, 0) == ELSEWHERE
            with redis.Redis.from_url(redis_url) as client:
                keys = client.keys("*poll*")
                queued = [
                    json.loads(each)
                    for key in keys
                    if client.type(key) == b"list"
                    for each in client.lrange(key, 0, -1)
                ]
        finally:
            app.conf.broker_url = before
        assert [message["headers"]["argsrepr"] for message in queued] == ["(0, 2)"]


class TestEdits:
    LOOK = 2.0

    def later(self, poll, count=1):
        poll.links.clock.now += self.LOOK
        return ticks(poll, count)

    def test_another_address_is_taken_up(self, poll, wired, server):
        ticks(poll, 1)
        with logix(values={"Running": False}) as moved:
            row = Plc.objects.get()
            row.port = moved.port
            row.save()
            self.later(poll, 2)
            assert moved.stats.connections == 1
        assert states() == ["running", "stopped"]

    def test_an_edited_tag_keeps_the_connection(self, poll, wired, server):
        ticks(poll, 1)
        speed = Tag.objects.get(name="Speed")
        speed.scale = 2
        speed.save()
        self.later(poll)
        assert server.stats.connections == 1
        assert Sample.objects.filter(tag=speed).latest("pk").value == 160

    def test_an_edited_bit_or_threshold_is_taken_up(self, poll, server, bagger):
        row = plc(server)
        tag(row, "Speed", data_type="float32", of=bagger, role="speed")
        messages = tag(row, "Fault", length=64, of=bagger, role="message_bits")
        ticks(poll, 1)
        bagger.running_above = 90
        bagger.save()
        self.later(poll)
        server.set("Fault[5]", value=True)
        bit(messages, 5, "Guard")
        self.later(poll)
        assert states() == ["running", "stopped", "faulted"]

    def test_nothing_is_read_anew_while_nothing_was_edited(self, poll, wired, monkeypatch):
        ticks(poll, 1)
        wiring = poll._wiring
        self.later(poll, 10)
        assert poll._wiring is wiring

    def test_a_disabled_plc_is_let_go_and_its_equipment_is_no_data(
        self, poll, wired, server, bagger
    ):
        ticks(poll, 1)
        wired.enabled = False
        wired.save()
        assert self.later(poll, 2) == [0, 0]
        assert statuses()[-1] == ("L-1", "disabled")
        assert states() == ["running", "no_data"]
        assert Condition.objects.get().reason == "Plc1 is disabled."
        assert health.links(wired.updated_at) == {}
        (item,) = snapshot.items(bagger.line)
        assert item.data.status == "disabled"
        wired.enabled = True
        wired.save()
        self.later(poll, 2)
        assert [status for _, status in statuses()] == ["connected", "disabled", "connected"]
        assert states()[-1] == "running"

    def test_a_removed_plc_is_let_go_and_its_equipment_is_no_data(self, poll, wired, bagger):
        ticks(poll, 1)
        wired.delete()
        assert self.later(poll, 2) == [0, 0]
        assert statuses() == [("L-1", "connected"), ("L-1", "disabled")]
        assert states() == ["running", "no_data"]
        assert snapshot.items(bagger.line) == []

    def test_a_plc_that_moves_to_another_shard_is_no_news(self, poll, wired, settings):
        settings.POLL_SHARDS = 2
        ticks(poll, 1)
        wired.shard = 1
        wired.save()
        self.later(poll)
        with polling(shard=1) as other:
            assert ticks(other, 1) == [1]
        assert poll.links.by_plc == {}
        assert (statuses(), states()) == ([("L-1", "connected")], ["running"])

    def test_a_new_name_is_told_to_the_boards(self, poll, wired):
        ticks(poll, 1)
        wired.name = "Slicer"
        wired.save()
        self.later(poll)
        assert [data["name"] for _, data in facts("plc_status")] == ["Plc1", "Slicer"]

    def test_a_tag_deleted_under_a_poll_costs_nobody_a_state(self, poll, wired, server, caplog):
        ticks(poll, 1)
        Tag.objects.get(name="Good").delete()
        server.set("Good", 2000)
        server.set("Running", value=False)
        ticks(poll, 1)
        assert states() == ["running", "stopped"]
        assert "the configuration changed under a poll" in caplog.text
        server.set("Speed", 1.0)
        ticks(poll, 1)
        assert Sample.objects.filter(tag__name="Speed").latest("pk").value == 1


class TestAnEquipmentInTwoPlcs:
    @pytest.fixture
    def counting(self, wired, bagger):
        """A second PLC that counts and has a message array of the same name."""
        Tag.objects.filter(plc=wired, role="good_count").delete()
        with logix(values={"Good": 50}) as second:
            row = plc(second)
            tag(row, "Good", data_type="int32", of=bagger, role="good_count")
            messages = tag(row, "Fault", length=64, of=bagger, role="message_bits")
            bit(messages, 31, "Counter dirty")
            yield second

    def test_it_is_observed_with_what_both_say(self, poll, wired, counting, server):
        ticks(poll, 2)
        assert states() == ["running"]
        assert Count.objects.get().value == 50
        for each in (server, counting):
            each.set("Fault[31]", value=True)
        ticks(poll, 1)
        ticks(poll, 1)
        assert set(Fault.objects.values_list("code", flat=True)) == {
            "Fault[31]",
            "plc2.Fault[31]",
        }

    def test_it_lives_on_without_the_one_that_only_counts(self, poll, wired, counting):
        ticks(poll, 2)
        counting.stop()
        ticks(poll, 4)
        assert statuses() == [("L-1", "connected"), ("L-1", "connected"), ("L-1", "lost")]
        assert states() == ["running"]

    def test_it_is_lost_with_the_one_that_tells_its_state(self, poll, wired, counting, server):
        ticks(poll, 2)
        server.stop()
        ticks(poll, 4)
        assert states() == ["running", "no_data"]


class TestFreshness:
    def test_a_line_without_tags_has_no_plc(self, bagger):
        fresh = snapshot.freshness(factories.T0)
        assert fresh == {"L-1": snapshot.Freshness(plc="none", age_ms=None, quality="bad")}

    def test_it_is_as_old_as_the_oldest_last_reading(self, poll, wired, bagger):
        ticks(poll, 1)
        at = Condition.objects.get().last_good_at
        fresh = snapshot.freshness(at + factories.timedelta(milliseconds=640))["L-1"]
        assert fresh == snapshot.Freshness(plc="connected", age_ms=640, quality="good")

    def test_a_lost_plc_shows(self, poll, wired, server):
        ticks(poll, 1)
        server.stop()
        ticks(poll, 4)
        at = Condition.objects.get().last_good_at
        fresh = snapshot.freshness(at)["L-1"]
        assert fresh == snapshot.Freshness(plc="lost", age_ms=0, quality="bad")


def test_the_version_of_the_wiring_moves_with_every_kind_of_edit(wired, bagger):
    seen = [version()]

    def note():
        seen.append(version())

    wired.save()
    note()
    speed = Tag.objects.get(name="Speed")
    speed.save()
    note()
    bit(Tag.objects.get(name="Fault"), 1, "x").delete()
    assert version() == seen[-1]
    bit(Tag.objects.get(name="Fault"), 1, "x")
    note()
    bagger.running_above = 3
    bagger.save()
    note()
    speed.delete()
    note()
    assert len(set(seen)) == len(seen)


def test_memory_and_tags_agree(wired):
    assert {name for name, _, _ in MEMORY} == {
        tag.meaning.name for tag in load(0).plcs[wired.pk].tags
    }


def test_the_heartbeat_of_a_poll_says_how_late_its_reads_began(poll, wired):
    ticks(poll, 1)
    beat = Heartbeat.objects.get(name="poll.0")
    assert beat.detail == {"answered": 1}, "the first read had to connect"
    ticks(poll, 1)
    beat.refresh_from_db()
    assert set(beat.detail) == {"answered", "late_p50_ms", "late_p99_ms"}
    assert 0 <= beat.detail["late_p50_ms"] <= beat.detail["late_p99_ms"]

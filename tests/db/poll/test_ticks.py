"""Ticks of a shard against simulated controllers: what they write, and what they never do."""

import threading
import time

import pytest

from ms5.events.models import Event
from ms5.processes.models import Heartbeat
from production.models import Condition, Context, Count, Fault, Span
from telemetry import snapshot
from telemetry.models import Plc, Sample, Tag
from telemetry.poll import BUSY
from telemetry.wiring import load, version
from tests import factories
from tests.controllers import (
    MEMORY,
    bit,
    logix,
    modbus,
    plc,
    polling,
    tag,
    ticks,
)
from tests.db.poll.said import states, statuses

pytestmark = pytest.mark.django_db(transaction=True)


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

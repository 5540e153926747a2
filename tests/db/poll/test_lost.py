"""A controller that is lost, dead or back again."""

import json

import pytest

from ms5.events.models import Event
from production.models import Condition, Span
from telemetry import health, snapshot
from telemetry.models import Plc, PlcLink, Sample, TagLatest
from tests import factories
from tests.controllers import (
    logix,
    plc,
    tag,
    ticks,
)
from tests.db.poll.said import facts, states, statuses

pytestmark = pytest.mark.django_db(transaction=True)


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

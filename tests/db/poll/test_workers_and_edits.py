"""One worker to a shard, and edits that are picked up while it polls."""

import json
import time
from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from ms5.events.models import Gauge
from ms5.processes.models import Lease
from production.models import Condition, IdealCycle
from telemetry import health, snapshot
from telemetry.models import Plc, Sample, Tag, TagLatest
from telemetry.poll import ELSEWHERE
from telemetry.wiring import version
from tests import factories
from tests.controllers import (
    bit,
    logix,
    plc,
    polling,
    tag,
    ticks,
)
from tests.db.poll.said import facts, states, statuses

pytestmark = pytest.mark.django_db(transaction=True)


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

    def test_one_that_gets_its_shard_back_begins_with_what_the_other_kept(self, wired, server):
        with polling(holder="one:1") as one, polling(holder="two:2") as two:
            ticks(one, 1)
            server.set("Speed", 81.0)
            ticks(one, 1)
            Lease.objects.update(until=Now())
            time.sleep(0.01)
            server.set("Running", value=False)
            ticks(two, 1)
            assert one.tick() == ELSEWHERE
            server.set("Speed", 98.0)
            ticks(two, 1)
            # The other dies before it has written its latest; its samples are there.
            assert TagLatest.objects.get(tag__name="Speed").value != 98.0
            Lease.objects.update(until=Now())
            time.sleep(0.01)
            server.set("Speed", 81.0)
            server.set("Running", value=True)
            ticks(one, 1)
        last = dict(Sample.objects.order_by("pk").values_list("tag__name", "value"))
        assert (last["Running"], last["Speed"]) == (1.0, 81.0)


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

    def test_an_edit_with_an_older_time_that_commits_later_is_taken_up(self, poll, wired):
        """Of two transactions the one that began first may commit last."""
        ticks(poll, 1)
        first = Tag.objects.get(name="Speed")
        first.scale = 2
        stamp = Tag._meta.get_field("stamp").pre_save(first, add=False)
        Tag.objects.get(name="Good").save()
        self.later(poll)
        Tag.objects.filter(name="Speed").update(scale=2, stamp=stamp)
        self.later(poll)
        assert Sample.objects.filter(tag__name="Speed").latest("pk").value == 160

    def test_an_edit_leaves_slow_tags_as_they_were_read(self, poll, wired, server, bagger):
        Tag.objects.filter(name__in=["Fault", "Product"]).update(period_s=60, phase_s=20)
        server.set("Running", value=False)
        ticks(poll, 25)
        speed = Tag.objects.get(name="Speed")
        speed.scale = 2
        speed.save()
        self.later(poll)
        assert Condition.objects.get().quality == "good"
        server.set("Speed", 5.0)
        ticks(poll, 3)
        told = json.loads(Gauge.objects.get(type="telemetry_update").text)["data"]["readings"]
        assert {"Speed", "Product", "Fault"} <= {each["tag"] for each in told}

    def test_a_tag_that_was_added_is_read_at_once_whatever_its_rhythm(self, poll, wired):
        Tag.objects.filter(name="Product").update(period_s=60)
        ticks(poll, 2)
        tag(wired, "Another", address="Good", data_type="int32", period_s=60)
        self.later(poll)
        assert Sample.objects.filter(tag__name="Another", quality="good").exists()

    def test_a_cycle_that_comes_into_force_is_taken_up(self, poll, wired, bagger):
        ticks(poll, 1)
        before = version()
        cycle = IdealCycle.objects.create(
            equipment=bagger,
            product=factories.product(),
            seconds=2,
            effective_from=timezone.now() + timedelta(hours=1),
        )
        assert version() == before
        IdealCycle.objects.filter(pk=cycle.pk).update(
            effective_from=timezone.now() - timedelta(seconds=1)
        )
        assert version() != before

    def test_a_line_that_is_served_no_more_is_told(self, poll, wired, bagger):
        second = factories.equipment(code="PACK1", line=factories.line(code="L-2"))
        ticks(poll, 1)
        for each in Tag.objects.all():
            each.equipment = second
            each.save()
        self.later(poll, 2)
        last = dict(facts("plc_status"))
        assert last["L-1"]["left_at"] is not None
        assert (last["L-2"]["left_at"], last["L-2"]["equipment_codes"]) == (None, ["PACK1"])
        assert snapshot.items(bagger.line) == []

    @pytest.mark.parametrize(
        "how", ["while disabled", "and disabled", "and removed", "unseen", "to another shard"]
    )
    def test_a_line_that_was_left_is_told_whatever_else_happened(
        self, poll, wired, bagger, settings, how
    ):
        second = factories.equipment(code="PACK1", line=factories.line(code="L-2"))
        ticks(poll, 1)
        if how == "while disabled":
            wired.enabled = False
            wired.save()
            self.later(poll, 2)
        elif how == "unseen":
            poll.close()
        for each in Tag.objects.all():
            each.equipment = second
            each.save()
        if how == "and removed":
            wired.delete()
        elif how == "and disabled":
            wired.enabled = False
            wired.save()
        elif how == "to another shard":
            settings.POLL_SHARDS = 2
            wired.shard = 1
            wired.save()
        if how != "unseen":
            self.later(poll, 2)
        if how in {"unseen", "to another shard"}:
            with polling(shard=wired.shard, holder="another:1") as other:
                ticks(other, 2)
        last = dict(facts("plc_status"))
        assert last["L-1"]["left_at"] is not None
        assert snapshot.items(bagger.line) == []
        if how != "and removed":
            (item,) = snapshot.items(second.line)
            assert last["L-2"]["status"] == item.data.status

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
        assert health.links(timezone.now()) == {}
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

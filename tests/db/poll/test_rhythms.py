"""Tags in rhythms of their own, controllers that bear no more, and programs that change."""

import struct
from datetime import timedelta

import pytest
from django.utils import timezone

from production.models import Condition
from telemetry import health
from telemetry.models import ConfigurationWarning, Plc, PlcLink, Sample, Tag, TagLatest
from tests.controllers import plc, polling, tag, ticks
from tests.db.poll.said import statuses
from tests.plc.peers import ScriptedPeer, registers_for

pytestmark = pytest.mark.django_db(transaction=True)


def samples_of(name):
    return Sample.objects.filter(tag__name=name, quality="good").count()


def shown(server, poll, count):
    """Tick so many times, with another value of everything each time."""
    for number in range(count):
        server.set("Speed", 10.0 * number)
        server.set("Product", number)
        ticks(poll, 1)


class TestRhythms:
    def test_a_slow_tag_is_read_at_its_own_pace_and_the_others_at_theirs(
        self, poll, wired, server
    ):
        Tag.objects.filter(name="Product").update(period_s=5)
        shown(server, poll, 10)
        assert 8 <= samples_of("Speed") <= 10
        assert samples_of("Product") == 2

    def test_a_phase_puts_the_reads_of_a_rhythm_off(self, poll, wired, server):
        Tag.objects.filter(name="Product").update(period_s=5, phase_s=3)
        # Once at once, so that nothing is unread; then a period and a phase later.
        shown(server, poll, 8)
        assert samples_of("Product") == 1
        server.set("Product", 99)
        ticks(poll, 1)
        assert samples_of("Product") == 2

    def test_what_was_edited_goes_on_in_its_rhythm(self, poll, wired, server):
        Tag.objects.filter(name="Product").update(period_s=60)
        shown(server, poll, 2)
        speed = Tag.objects.get(name="Speed")
        speed.scale = 2
        speed.save()
        shown(server, poll, 4)
        assert samples_of("Product") == 1
        assert 4 <= samples_of("Speed") <= 6

    @pytest.mark.parametrize("edited", [False, True])
    def test_after_an_outage_a_slow_class_is_read_at_once(self, poll, wired, server, edited):
        Tag.objects.filter(name="Fault").update(period_s=3600, phase_s=60)
        server.set("Running", value=False)
        ticks(poll, 5)
        server.stop()
        ticks(poll, 20)
        server.start()
        (link,) = poll.links.by_plc.values()
        link.held_until = poll.links.clock.now + 3
        if edited:
            speed = Tag.objects.get(name="Speed")
            speed.scale = 2
            speed.save()
        ticks(poll, 10)
        assert Condition.objects.get().quality == "good"

    def test_what_was_being_read_when_it_was_edited_is_read_again(
        self, poll, wired, server, monkeypatch
    ):
        Tag.objects.filter(name="Good").update(period_s=3600)
        ticks(poll, 3)
        poll.links.clock.now += 3600
        server.set("Good", 1500)
        server.faults.delay_s = 0.3
        monkeypatch.setattr("telemetry.poll.BUDGET_S", 0.1)
        poll.tick()
        (link,) = poll.links.by_plc.values()
        assert link.busy
        speed = Tag.objects.get(name="Speed")
        speed.scale = 2
        speed.save()
        poll.links.clock.now += 2
        poll.tick()
        server.faults.delay_s = 0
        monkeypatch.setattr("telemetry.poll.BUDGET_S", 0.8)
        ticks(poll, 20)
        assert Sample.objects.filter(tag__name="Good", raw=1500).exists()

    def test_one_failed_poll_of_tags_that_are_read_rarely_is_no_lost_controller(
        self, poll, wired, server
    ):
        Tag.objects.update(period_s=10)
        ticks(poll, 10)
        server.faults.drop, server.faults.replies = True, 1
        ticks(poll, 1)
        assert poll.links.by_plc[wired.pk].failures == 1
        ticks(poll, 3)
        assert statuses() == [("L-1", "connected")]
        assert health.links(timezone.now() + timedelta(seconds=20)) == {}
        assert "was last read" in health.links(timezone.now() + timedelta(seconds=40))["plc1"]

    def test_after_a_failure_the_phases_are_as_far_apart_as_before(self, poll, wired, server):
        Tag.objects.filter(name="Product").update(period_s=5, phase_s=3)
        Tag.objects.filter(name="Speed").update(period_s=5)
        ticks(poll, 5)
        server.faults.drop, server.faults.replies = True, 1
        ticks(poll, 4)
        (link,) = poll.links.by_plc.values()
        due = {each.phase_s: each.due for each in link.classes if each.period_s == 5}
        assert due[3] - due[0] == 3

    def test_one_that_breaks_off_at_each_poll_is_left_alone_longer_and_longer(self, poll):
        """What comes before it breaks off counts; connecting anew at each poll would keep others waiting."""

        def answer(request):
            start, count = struct.unpack(">HH", request[8:12])
            return registers_for(request, *range(count)) if start < 1000 else None

        with ScriptedPeer(answer) as peer:
            row = plc(protocol="modbus_tcp", port=peer.port)
            tag(row, "near", address="holding:1", data_type="uint16")
            tag(row, "far", address="holding:2000", data_type="uint16")
            ticks(poll, 40)
            assert 5 <= peer.connections <= 10
        qualities = dict(TagLatest.objects.values_list("tag__name", "quality"))
        assert qualities == {"near": "good", "far": "bad"}


class TestCaps:
    def test_a_controller_is_asked_no_more_than_its_cap_and_says_so(self, poll, wired, server):
        ticks(poll, 1)
        Plc.objects.update(max_requests_per_s=0.25)
        Plc.objects.get().save()
        shown(server, poll, 12)
        assert 3 <= samples_of("Speed") <= 6
        said = PlcLink.objects.get().load
        assert said.startswith(
            "It is polled every 4.0 s and not every 1 s: a poll costs 1 request"
        )
        link = PlcLink.objects.get()
        assert health.links(link.last_ok_at) == {"plc1": said}

    def test_rhythms_of_two_phases_share_the_cap(self, poll, server):
        row = plc(server, max_requests_per_s=0.5)
        tag(row, "Speed", data_type="float32", period_s=2)
        tag(row, "Good", data_type="int32", period_s=2, phase_s=1)
        ticks(poll, 20)
        assert server.stats.services[0x4C] <= 12
        assert PlcLink.objects.get().load.startswith(
            "It is polled every 2.0 s and not every 1 s"
        )

    def test_without_a_cap_nothing_is_said(self, poll, wired):
        ticks(poll, 2)
        assert PlcLink.objects.get().load == ""


class TestPrograms:
    def test_the_mark_of_a_program_outlives_the_worker(self, wired, server):
        with polling(holder="one") as poll:
            ticks(poll, 1)
        known = PlcLink.objects.get().program
        assert known
        server.download()
        with polling(holder="two") as poll:
            ticks(poll, 1)
        assert Sample.objects.filter(tag__name="Good", quality="good").count() == 1
        assert Sample.objects.latest("pk").quality == "bad"
        assert "program in Plc1 has changed" in Sample.objects.latest("pk").error

    def test_a_controller_that_counts_no_changes_is_read_all_the_same(
        self, poll, wired, server
    ):
        server.controller.counts_changes = False
        ticks(poll, 2)
        assert samples_of("Good") == 1
        assert PlcLink.objects.get().program == "4d533501 32.11"

    def test_a_refusal_to_tell_of_changes_is_no_change(self, poll, wired, server):
        ticks(poll, 2)
        known = PlcLink.objects.get().program
        server.controller.counts_changes = False
        server.set("Good", 7)
        ticks(poll, 1)
        server.controller.counts_changes = True
        ticks(poll, 2)
        assert not ConfigurationWarning.objects.exists()
        assert Sample.objects.latest("pk").quality == "good"
        assert PlcLink.objects.get().program == known

    def test_a_change_behind_a_refusal_is_seen_when_it_is_told(self, poll, wired, server):
        ticks(poll, 2)
        server.controller.counts_changes = False
        server.download()
        ticks(poll, 1)
        assert not ConfigurationWarning.objects.exists()
        server.controller.counts_changes = True
        ticks(poll, 1)
        assert ConfigurationWarning.objects.exists()

"""Tags in rhythms of their own, controllers that bear no more, and programs that change."""

import pytest

from telemetry import health
from telemetry.models import Plc, PlcLink, Sample, Tag
from tests.controllers import polling, ticks

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
        shown(server, poll, 3)
        assert samples_of("Product") == 0
        shown(server, poll, 1)
        assert samples_of("Product") == 1

    def test_what_was_edited_goes_on_in_its_rhythm(self, poll, wired, server):
        Tag.objects.filter(name="Product").update(period_s=60)
        shown(server, poll, 2)
        Tag.objects.get(name="Speed").save()
        shown(server, poll, 4)
        assert samples_of("Product") == 1
        assert 4 <= samples_of("Speed") <= 6


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

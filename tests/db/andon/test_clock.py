"""The engine's clock over the database: shared by a mark, and each process knows what has passed."""

from datetime import timedelta

import pytest
from django.utils import timezone

from andon import clock
from andon.clock import Clock
from andon.models import EngineClock
from tests.factories import at

pytestmark = pytest.mark.django_db


class Time:
    def __init__(self):
        self.wall_s = self.passed_s = 0.0

    def clock(self):
        return Clock(database=lambda: at(self.wall_s), monotonic=lambda: self.passed_s)

    def passes(self, seconds):
        self.wall_s += seconds
        self.passed_s += seconds


def test_a_clock_that_is_set_back_goes_on_also_for_a_process_that_begins_later():
    time = Time()
    first = time.clock()
    first.keep(first.read().at)
    time.passes(100)
    time.wall_s -= 3600
    reading = first.read()
    assert reading.at == at(100)
    assert reading.note == "The clock is 3600 s behind what has passed."
    first.keep(reading.at)
    second = time.clock()
    assert second.read().at == at(100)
    time.passes(7)
    assert (first.read().at, second.read().at) == (at(107), at(107))


def test_a_jump_forward_is_said_for_a_minute():
    time = Time()
    only = time.clock()
    assert only.read().note == ""
    time.wall_s += 600
    told = "The clock went forward by 600 s."
    assert (only.read().at, only.read().note) == (at(600), told)
    time.passes(59)
    assert only.read().note == told
    time.passes(2)
    assert only.read().note == ""


def test_the_mark_only_rises_and_not_for_every_look():
    time = Time()
    only = time.clock()
    only.keep(at(10))
    only.keep(at(11))
    only.keep(at(5))
    assert EngineClock.objects.get().high_at == at(10)
    only.keep(at(12))
    assert EngineClock.objects.get().high_at == at(12)


def test_the_clock_of_the_process_is_that_of_the_database():
    assert abs(clock.now() - timezone.now()) < timedelta(seconds=60)

"""Samples in the database: kept by exception, the newest of each tag beside them, gone in time."""

from datetime import timedelta

import pytest
from django.db import transaction

from telemetry.drivers.base import Quality, Reading
from telemetry.models import Sample, TagLatest
from telemetry.retention import prune
from telemetry.samples import LATEST_EVERY_S, Samples
from telemetry.wiring import load
from tests.controllers import Clock, plc, tag
from tests.factories import T0, at

pytestmark = pytest.mark.django_db(transaction=True)


class Rig:
    """One tag, kept by a `Samples` whose clock the test moves."""

    def __init__(self, **fields):
        self.row = tag(plc(port=1), "Speed", data_type="float32", **fields)
        self.clock = Clock()
        self.begin()

    def begin(self):
        self.samples = Samples(self.clock)
        (self.tag,) = load(0).plcs[self.row.plc_id].tags
        self.samples.follow([self.tag.id])

    def read(self, value, seconds=0.0, quality=Quality.GOOD, error=""):
        reading = Reading("Speed", value, quality, at(seconds), error)
        return self.samples.keep([(self.tag, reading)], at(seconds + 0.01))

    def fail(self, seconds, error="No such tag."):
        return self.read(None, seconds, Quality.BAD, error)


def pruned(**bounds):
    return prune(Sample.objects.all(), "received_at", now=T0, **bounds)


def stored():
    return list(Sample.objects.order_by("pk").values_list("value", "quality", "error"))


def test_a_sample_has_raw_and_engineering_value_and_both_times():
    Rig(scale=0.5, offset=1).read(80, 3)
    sample = Sample.objects.get()
    assert (sample.raw, sample.value, sample.quality) == (80, 41, "good")
    assert (sample.source_at, sample.received_at) == (at(3), at(3.01))


def test_a_change_within_the_deadband_is_not_stored():
    rig = Rig(deadband=0.5)
    assert [rig.read(value, n) for n, value in enumerate((80, 80.5, 79.5, 80.6))] == [
        1,
        0,
        0,
        1,
    ]
    assert [value for value, _, _ in stored()] == [80, 80.6]


def test_a_steady_value_is_stored_once_in_its_longest_interval():
    rig = Rig(longest_interval_s=10)
    assert sum(rig.read(80, second) for second in range(31)) == 4


def test_a_steady_value_is_stored_as_often_after_the_clock_was_set_back():
    rig = Rig(longest_interval_s=10)
    assert sum(rig.read(80, 86_400 + second) for second in range(21)) == 3
    assert sum(rig.read(80, second) for second in range(21)) == 3


def test_a_failure_is_stored_once_for_each_error_and_its_end_too():
    rig = Rig(longest_interval_s=1)
    rig.read(80, 0)
    assert [rig.fail(second) for second in range(1, 30)] == [1] + [0] * 28
    rig.fail(30, "Another type.")
    rig.read(80, 31)
    assert stored() == [
        (80, "good", ""),
        (None, "bad", "No such tag."),
        (None, "bad", "Another type."),
        (80, "good", ""),
    ]


def test_the_newest_is_at_hand_at_once_when_its_quality_changed_and_else_soon():
    rig = Rig()
    rig.read(80, 0)
    assert TagLatest.objects.get().value == 80
    rig.read(81, 1)
    assert TagLatest.objects.get().value == 80
    rig.clock.now += LATEST_EVERY_S
    rig.read(81, 5)
    assert (TagLatest.objects.get().value, TagLatest.objects.get().source_at) == (81, at(1))
    rig.fail(6)
    latest = TagLatest.objects.get()
    assert (latest.value, latest.quality, latest.error) == (None, "bad", "No such tag.")


def test_what_a_rollback_undid_is_kept_by_the_next_reading():
    rig = Rig()
    with transaction.atomic():
        rig.read(80, 0)
        transaction.set_rollback(True)
    assert Sample.objects.count() == 0
    assert rig.read(80, 1) == 1


def test_a_worker_that_starts_anew_keeps_on_from_what_is_stored():
    rig = Rig()
    rig.read(80, 0)
    rig.begin()
    assert [rig.read(80, 1), rig.read(81, 2)] == [0, 1]


def test_a_text_and_an_array_are_stored_as_text():
    rig = Rig()
    rig.read((True, False, True), 0)
    rig.read("loaf", 1)
    assert list(Sample.objects.order_by("pk").values_list("text", flat=True)) == [
        "on: 0, 2",
        "loaf",
    ]


class TestRetention:
    def rows(self, *ages):
        row = tag(plc(port=1), "Speed", data_type="float32")
        Sample.objects.bulk_create(
            Sample(
                tag=row,
                value=age,
                quality="good",
                source_at=T0 - timedelta(days=age),
                received_at=T0 - timedelta(days=age),
            )
            for age in ages
        )

    def test_old_samples_go_and_others_stay(self):
        self.rows(5, 4, 3, 2, 1)
        assert pruned(before=T0 - timedelta(days=2.5), chunk=2) == 3
        assert sorted(Sample.objects.values_list("value", flat=True)) == [1, 2]

    def test_one_run_is_bounded(self):
        self.rows(*range(20, 10, -1))
        assert pruned(before=T0, chunk=2, chunks=3) == 6
        assert Sample.objects.count() == 4

    def test_nothing_old_is_nothing_to_do(self):
        self.rows(1)
        assert pruned(before=T0 - timedelta(days=2)) == 0

    def test_samples_of_a_clock_that_was_ahead_do_not_keep_old_ones_alive(self):
        self.rows(-365, -364, -363, 5, 4, 1)
        assert pruned(before=T0 - timedelta(days=2), chunk=2, chunks=1) == 2
        left = sorted(Sample.objects.values_list("value", flat=True))
        assert left == [-365, -364, -363, 1]

"""Minutes of samples and the trends made of them: idempotent, late samples too, and gaps stay gaps."""

from datetime import timedelta

import pytest

from telemetry import minutes
from telemetry.models import Plc, Sample, SampleMinute, Tag
from telemetry.trends import BadSpan, holds, trend
from tests.floor import T0, later

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def speed():
    plc = Plc.objects.create(code="P", name="P", protocol="logix", host="127.0.0.1")
    return Tag.objects.create(
        plc=plc, name="Speed", address="Speed", data_type="float32", longest_interval_s=60
    )


def keep(tag, second, value, quality="good", received=None):
    at = later(second)
    got = at if received is None else later(received)
    Sample.objects.create(tag=tag, value=value, quality=quality, source_at=at, received_at=got)


def summed():
    rows = SampleMinute.objects.order_by("minute")
    return [
        (
            (row.minute - T0).total_seconds(),
            row.least,
            row.most,
            row.mean,
            row.count,
            row.quality,
        )
        for row in rows
    ]


def test_minutes_that_are_over_are_summed_up_weighted_by_time(speed):
    keep(speed, 0, 0.0)
    keep(speed, 30, 60.0)
    keep(speed, 75, 20.0)
    keep(speed, 90, None, "bad")
    keep(speed, 121, 5.0)
    assert minutes.roll_up(later(125)) == 2
    assert summed() == [
        (0, 0.0, 60.0, 30.0, 2, "good"),
        (60, 20.0, 60.0, 40.0, 2, "bad"),
    ]


def test_summing_up_again_changes_nothing_and_a_late_sample_is_summed_up_too(speed):
    keep(speed, 0, 10.0)
    keep(speed, 60, 10.0)
    minutes.roll_up(later(300))
    first = summed()
    assert minutes.roll_up(later(360)) == 0
    assert summed() == first
    keep(speed, 30, 30.0, received=400)
    assert minutes.roll_up(later(420)) == 1
    assert summed()[0] == (0, 10.0, 30.0, 20.0, 2, "good")


def test_texts_have_no_minutes_and_old_ones_go(speed):
    Sample.objects.create(tag=speed, text="abc", quality="good", source_at=T0, received_at=T0)
    assert minutes.roll_up(later(300)) == 0
    keep(speed, 60, 1.0)
    keep(speed, 180, 1.0)
    minutes.roll_up(later(600))
    assert minutes.prune(before=later(120)) == 1
    assert [row[0] for row in summed()] == [180]


def spans(found):
    return [
        ((point.at - T0).total_seconds(), (point.until - T0).total_seconds(), point.mean)
        for point in found.points
    ]


def test_a_short_trend_is_of_samples_and_ends_now(speed):
    keep(speed, -10, 1.0)
    keep(speed, 20, 2.0)
    found = trend(speed, T0, later(600), 100, now=later(40))
    assert found.source == "raw"
    assert spans(found) == [(0, 20, 1.0), (20, 40, 2.0)]


def test_a_value_that_was_not_stored_again_is_a_gap(speed):
    keep(speed, 0, 1.0)
    keep(speed, 500, 2.0)
    found = trend(speed, T0, later(520), 100, now=later(520))
    held = holds(speed).total_seconds()
    assert spans(found) == [(0, held, 1.0), (500, 520, 2.0)]


def test_a_long_trend_is_of_minutes_with_what_holds_between_and_the_newest_of_samples(speed):
    speed.longest_interval_s = 600
    speed.save()
    for second, value in ((0, 1.0), (300, 2.0), (5000, 3.0)):
        keep(speed, second, value)
    minutes.roll_up(later(4000))
    found = trend(speed, later(-60), later(-60) + 3 * HOUR, 2000, now=later(5100))
    assert found.source == "minutes"
    assert spans(found) == [
        (0, 60, 1.0),
        (60, 300, 1.0),
        (300, 360, 2.0),
        (360, 903, 2.0),
        (5000, 5100, 3.0),
    ]


@pytest.mark.parametrize(
    ("start", "end", "points", "why"),
    [
        (0, 0, 100, "begins before it ends"),
        (0, 32 * 86400, 100, "at most 31 days"),
        (0, 60, 2, "3 to 2000"),
        (0, 60, 2001, "3 to 2000"),
    ],
)
def test_a_trend_is_bounded(speed, start, end, points, why):
    with pytest.raises(BadSpan, match=why):
        trend(speed, later(start), later(end), points, now=T0)

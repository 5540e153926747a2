"""Minutes of samples and the trends made of them: idempotent, late samples too, and gaps stay gaps."""

import random
from datetime import timedelta
from itertools import pairwise

import pytest

from telemetry import minutes, trends
from telemetry.models import Plc, RollUp, Sample, SampleMinute, Tag
from telemetry.retention import prune
from telemetry.rolling import MINUTE, Kept, merged, stretches
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


def test_samples_of_a_clock_that_was_ahead_hold_up_no_minute(speed):
    keep(speed, 10_000, 9.0)
    keep(speed, 0, 1.0)
    keep(speed, 60, 1.0)
    minutes.roll_up(later(300))
    assert RollUp.objects.get().after == Sample.objects.latest("pk").pk
    # Time has come to where the clock was; its minute is summed up anew.
    keep(speed, 10_010, 3.0)
    minutes.roll_up(later(10_300))
    (*_, last) = summed()
    assert (last[0], last[1:4]) == (9960, (3.0, 9.0, 6.0))


def other_tags(speed, count):
    return [
        Tag.objects.create(
            plc=speed.plc,
            name=f"T{n}",
            address=f"T{n}",
            data_type="float32",
            longest_interval_s=50,
        )
        for n in range(count)
    ]


def expected(tag):
    """The sums of a tag by themselves, from all its samples."""
    kept = [
        Kept(row.source_at, row.value, row.quality)
        for row in Sample.objects.filter(tag=tag).order_by("source_at", "pk")
    ]
    found = []
    for start in sorted({each.at.replace(second=0) for each in kept}):
        own = [each for each in kept if start <= each.at < start + MINUTE]
        carried = [each for each in kept if each.at < start][-1:]
        held = stretches(carried + own, start + MINUTE, holds(tag))
        point = merged(held, start, start + MINUTE)
        found.append((tag.pk, start, point.least, point.most, point.mean, point.last, len(own)))
    return found


# Less than is there, so that minutes and tags lie across the borders of what is looked at at once.
@pytest.mark.parametrize(("most", "tag_minutes"), [(1_000_000, 1500), (40, 1500), (50, 3)])
def test_many_tags_sum_up_as_each_by_itself(speed, monkeypatch, most, tag_minutes):
    monkeypatch.setattr(minutes, "MOST", most)
    monkeypatch.setattr(minutes, "_TAG_MINUTES", tag_minutes)
    chance = random.Random(8)
    tags = [speed, *other_tags(speed, 6)]
    for second in range(0, 400, 3):
        # Some tags hardly ever move, so that what they begin a minute with is long ago.
        for number, tag in enumerate(tags):
            if chance.random() < 0.7 / (number + 1):
                is_bad = chance.random() < 0.1
                keep(
                    tag,
                    second,
                    None if is_bad else chance.uniform(-5, 5),
                    "bad" if is_bad else "good",
                )
    wanted = [row for tag in tags for row in expected(tag)]
    runs = [minutes.roll_up(later(1000)) for _ in range(10)]
    assert sum(runs) >= len(wanted)
    assert runs[-1] == 0
    rows = SampleMinute.objects.order_by("tag", "minute").values_list(
        "tag_id", "minute", "least", "most", "mean", "last", "count"
    )
    assert list(rows) == wanted


@pytest.mark.parametrize("most", [1_000_000, 4])
def test_what_a_minute_begins_with_may_come_late_in_another_look(speed, monkeypatch, most):
    keep(speed, 40, 10.0)
    keep(speed, 90, 20.0)
    minutes.roll_up(later(130))
    assert summed()[1][3] == 15.0
    for other in other_tags(speed, 4):
        keep(other, 100, 1.0, received=130)
    keep(speed, 50, 30.0, received=131)
    monkeypatch.setattr(minutes, "MOST", most)
    minutes.roll_up(later(135))
    mean = SampleMinute.objects.get(tag=speed, minute=later(60)).mean
    assert mean == pytest.approx(25.0)


def test_more_tags_are_no_more_queries(speed, django_assert_max_num_queries):
    for tag in [speed, *other_tags(speed, 60)]:
        keep(tag, 0, 1.0)
        keep(tag, 70, 2.0)
    with django_assert_max_num_queries(19):
        assert minutes.roll_up(later(300)) == 122


def test_texts_have_no_minutes_and_old_ones_go(speed):
    Sample.objects.create(tag=speed, text="abc", quality="good", source_at=T0, received_at=T0)
    assert minutes.roll_up(later(300)) == 0
    keep(speed, 60, 1.0)
    keep(speed, 180, 1.0)
    minutes.roll_up(later(600))
    rows = SampleMinute.objects.all()
    assert prune(rows, "minute", before=later(120), now=later(600)) == 1
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
    for second, value in ((0, 1.0), (300, 2.0)):
        keep(speed, second, value)
    minutes.roll_up(later(4000))
    keep(speed, 5000, 3.0)
    found = trend(speed, later(-60), later(-60) + 3 * HOUR, 2000, now=later(5100))
    assert found.source == "minutes"
    assert spans(found) == [
        (0, 60, 1.0),
        (60, 300, 1.0),
        (300, 360, 2.0),
        (360, 903, 2.0),
        (5000, 5100, 3.0),
    ]


def test_a_trend_has_its_newest_end_however_far_the_sums_have_fallen_behind(speed, monkeypatch):
    monkeypatch.setattr(trends, "MOST_RAW", 50)
    for second in range(60):
        keep(speed, second, 1.0)
    minutes.roll_up(later(400))
    for second in range(60, 9000, 20):
        keep(speed, second, float(second))
    found = trend(speed, T0, later(9000), 2000, now=later(9000))
    assert found.source == "minutes"
    at = [(point.at - T0).total_seconds() for point in found.points]
    # What is known has no gap, and ends where as much as can be looked at does.
    assert at[:3] == [0, 60, 80]
    assert all(point.until == after.at for point, after in pairwise(found.points))
    assert (found.points[-1].until, found.points[-1].last) == (later(9000), 8980.0)
    assert sum(point.count for point in found.points) == 60 + 447


def test_a_trend_looks_at_no_more_than_so_many_samples(speed, monkeypatch):
    monkeypatch.setattr(trends, "MOST_RAW", 10)
    for second in range(0, 9000, 20):
        keep(speed, second, float(second))
    found = trend(speed, T0, later(9000), 2000, now=later(9000))
    assert found.points[-1].until == later(10 * 10 * 20)


@pytest.mark.parametrize("longest", [60, 90, 300])
def test_what_is_stored_again_in_time_has_no_gap_in_its_minutes(speed, longest):
    speed.longest_interval_s = longest
    speed.save()
    step, many = longest + 0.5, 3 * 3600 // longest
    for place in range(many):
        keep(speed, place * step, 7.0)
    minutes.roll_up(later(many * step + 200))
    found = trend(speed, T0, later(many * step), 2000, now=later(many * step))
    assert found.source == "minutes"
    assert [after.at - point.until for point, after in pairwise(found.points)] == [
        timedelta()
    ] * (len(found.points) - 1)


def test_minutes_without_a_sample_are_a_gap(speed):
    keep(speed, 59, 7.0)
    keep(speed, 180, 8.0)
    minutes.roll_up(later(400))
    found = trend(speed, T0, later(0) + 3 * HOUR, 2000, now=later(240))
    assert spans(found) == [(0, 60, 7.0), (60, 63, 7.0), (180, 240, 8.0)]


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

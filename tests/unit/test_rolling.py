"""Samples by the minute and as points of a trend: weighted by time, and never a line over what nobody knew."""

from datetime import timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.rolling import MINUTE, Kept, merged, stretches, summed, thinned, worst
from tests.floor import T0, later

S = timedelta(seconds=1)
HOUR = timedelta(hours=1)


def kept(second, value, quality="good"):
    return Kept(later(second), value, quality)


def spans(points):
    return [((each.at - T0) / S, (each.until - T0) / S, each.mean) for each in points]


def test_a_value_holds_until_the_next_one_and_no_longer_than_it_may():
    points = stretches([kept(0, 5.0), kept(10, 7.0), kept(100, 8.0)], later(110), 30 * S)
    assert spans(points) == [(0, 10, 5.0), (10, 40, 7.0), (100, 110, 8.0)]


def test_a_bad_reading_ends_what_held_and_is_a_point_without_a_number():
    points = stretches([kept(0, 5.0), kept(4, None, "stale"), kept(9, 6.0)], later(12), HOUR)
    assert spans(points) == [(0, 4, 5.0), (4, 9, None), (9, 12, 6.0)]


def test_a_minute_is_weighted_by_time_and_as_good_as_its_worst():
    points = stretches(
        [kept(15, 40.0), kept(45, None, "bad")], later(60), HOUR, carried=kept(-5, 0.0)
    )
    point = merged(points, T0, T0 + MINUTE)
    assert (point.least, point.most, point.mean, point.last) == (0.0, 40.0, 40 * 30 / 45, 40.0)
    assert (point.quality, point.count) == ("bad", 3)


@given(
    st.lists(
        st.tuples(
            st.integers(-90, 70_000_000),
            st.one_of(st.none(), st.floats(-1e6, 1e6)),
            st.sampled_from(["good", "bad", "stale", "uncertain"]),
        ),
        max_size=30,
    ),
    st.one_of(
        st.none(), st.tuples(st.integers(-4000, 0), st.one_of(st.none(), st.floats(-9, 9)))
    ),
    st.integers(1, 4000),
)
def test_a_minute_in_one_go_is_what_its_stretches_merge_to(read, before, longest):
    samples = [
        Kept(T0 + timedelta(microseconds=at), value, quality)
        for at, value, quality in sorted(read, key=lambda each: each[0])
        if 0 <= at < 60_000_000
    ]
    carried = None if before is None else kept(*before)
    held = stretches(samples, T0 + MINUTE, longest * S, carried=carried)
    expected = merged(held, T0, T0 + MINUTE)
    assert summed(samples, T0, T0 + MINUTE, longest * S, carried=carried) == expected


def test_nothing_is_no_point_and_no_quality_is_bad():
    assert summed([], T0, T0 + MINUTE, HOUR) is None
    assert merged([], T0, T0 + MINUTE) is None
    assert worst([]) == "bad"
    assert worst(["good", "uncertain"]) == "uncertain"


def test_a_thinned_trend_keeps_peaks_and_gaps():
    samples = [kept(second, 100.0 if second == 777 else 1.0) for second in range(1000)]
    samples += [kept(second, 2.0) for second in range(3000, 3600)]
    points = thinned(stretches(samples, later(3600), 5 * S), T0, later(3600), 30)
    assert len(points) <= 30
    assert max(point.most for point in points) == 100.0
    gaps = [
        (later_one.at - before.until) / S
        for before, later_one in pairwise(points)
        if later_one.at > before.until
    ]
    assert gaps == [3000 - 1004]


ROWS = st.lists(
    st.tuples(
        st.integers(0, 600),
        st.one_of(st.none(), st.floats(-1e6, 1e6)),
        st.sampled_from(["good", "uncertain", "bad", "stale"]),
    ),
    max_size=40,
    unique_by=lambda row: row[0],
)


@given(ROWS, st.integers(1, 120), st.integers(3, 60))
@settings(max_examples=80, deadline=None)
def test_a_trend_is_in_order_and_within_what_was_read(rows, longest, most):
    samples = [Kept(later(at), value, quality) for at, value, quality in rows]
    whole = stretches(samples, later(600), longest * S)
    points = thinned(whole, T0, later(600), most)
    assert len(points) <= most
    for before, after in pairwise(points):
        assert before.until <= after.at
    seen = [each for each in points if each.mean is not None]
    assert bool(seen) == any(each.mean is not None for each in whole)
    values = [value for _, value, _ in rows if value is not None]
    for each in points:
        assert each.until > each.at
        if each.mean is not None:
            assert min(values) - 1e-6 <= each.least <= each.most <= max(values) + 1e-6

"""How calls were answered, as arithmetic: medians, percentiles, never, floods, repeat offenders."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from andon.response import Course, Flood, Offender, answering, floods, grouped, offenders
from tests.floor import T0, later


def _course(raised_s=0, acknowledged_s=None, resolved_s=None, ended_s=None, **fields):
    def at(seconds):
        return None if seconds is None else later(seconds)

    said = {
        "line": "L-BAG1",
        "line_name": "Bagging line 1",
        "equipment": "M1",
        "category": "stop",
        "priority": "high",
        "shift": "Early",
        "occurrences": 1,
        "arrived_at": None,
    } | fields
    return Course(
        raised_at=later(raised_s),
        acknowledged_at=at(acknowledged_s),
        resolved_at=at(resolved_s),
        ended_at=at(resolved_s if ended_s is None else ended_s),
        **said,
    )


def test_nothing_was_called_and_nothing_is_told():
    told = answering([])
    assert (told.calls, told.acknowledge.median_s, told.acknowledge.p90_s) == (0, None, None)


def test_median_is_between_and_the_ninetieth_percentile_is_a_time_that_was():
    told = answering([_course(acknowledged_s=s, resolved_s=600) for s in range(10, 110, 10)])
    assert told.acknowledge.median_s == 55
    assert told.acknowledge.p90_s == 90
    assert (told.acknowledge.taken, told.resolve.median_s) == (10, 600)


def test_a_call_that_ended_unanswered_is_never_and_an_open_one_is_pending():
    told = answering(
        [
            _course(acknowledged_s=30, resolved_s=90),
            _course(ended_s=50),  # cancelled
            _course(),  # open
        ]
    )
    assert (told.acknowledge.taken, told.acknowledge.never, told.acknowledge.pending) == (
        1,
        1,
        1,
    )
    assert (told.arrive.taken, told.arrive.never, told.arrive.pending) == (0, 2, 1)
    assert (told.resolve.taken, told.resolve.never, told.resolve.pending) == (1, 1, 1)


def test_groups_are_told_apart():
    told = grouped(
        [_course(category="stop", acknowledged_s=10), _course(category="safety")],
        lambda course: course.category,
    )
    assert {name: each.acknowledge.taken for name, each in told.items()} == {
        "stop": 1,
        "safety": 0,
    }


def test_ten_in_ten_minutes_are_no_flood_and_eleven_are():
    spread = [later(s * 60) for s in range(10)]
    assert floods(spread) == []
    assert floods([*spread, later(599)]) == [
        Flood(started_at=T0, ended_at=later(599), calls=11)
    ]
    # Half open: the eleventh exactly ten minutes after the first is outside.
    assert floods([*spread, later(600)]) == []


def test_floods_that_share_a_call_are_one_and_others_are_two():
    burst = [later(s) for s in range(11)]
    longer = [later(s * 30) for s in range(30)]
    assert [flood.calls for flood in floods(longer)] == [30]
    apart = [at + timedelta(hours=1) for at in burst]
    assert [flood.calls for flood in floods([*apart, *burst])] == [11, 11]


@given(st.lists(st.integers(min_value=0, max_value=5000), max_size=60))
def test_a_moment_is_flooded_exactly_when_more_than_ten_lie_within_ten_minutes_of_it(seconds):
    times = sorted(later(s) for s in seconds)
    told = floods(times)
    for place, at in enumerate(times):
        windows = (
            times[first : first + 11]
            for first in range(max(0, place - 10), place + 1)
            if first + 11 <= len(times)
        )
        is_flooded = any(window[-1] - window[0] < timedelta(minutes=10) for window in windows)
        assert is_flooded == any(flood.started_at <= at <= flood.ended_at for flood in told)
    assert sum(flood.calls for flood in told) <= len(times)


def test_what_calls_again_is_told_with_how_long_it_stood_open():
    told = offenders(
        [
            _course(0, resolved_s=60, occurrences=3),
            _course(100),
            _course(0, resolved_s=60, equipment=None),
        ],
        later(400),
    )
    assert told == [
        Offender(
            line="L-BAG1",
            line_name="Bagging line 1",
            equipment="M1",
            category="stop",
            calls=2,
            occurrences=4,
            open_s=360.0,
        )
    ]

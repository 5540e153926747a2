"""Slow cycles: longer than the threshold, no stop, running throughout; told from reading to reading."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from production.oee import Seen
from production.slow import Pause, slow_cycles
from production.timeline import Stretch

T0 = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def at(second):
    return T0 + second * SECOND


def pause(start, end, *, slow=5, stop=60, cycle=0.6):
    ideal = None if cycle is None else cycle * SECOND
    return Pause(at(start), at(end), slow * SECOND, stop * SECOND, ideal)


def states(*stays):
    return [Stretch(Seen(state), at(start), at(end)) for state, start, end in stays]


def told(pauses, *stays):
    stays = stays or (("running", 0, 1000),)
    return [
        ((each.started_at - T0) / SECOND, each.lost / SECOND)
        for each in slow_cycles(pauses, states(*stays))
    ]


def test_one_longer_than_the_threshold_is_slow_and_loses_what_its_piece_did_not_need():
    assert told([pause(10, 15), pause(20, 25.5), pause(30, 90), pause(100, 160.001)]) == [
        (20.0, 4.9),
        (30.0, 59.4),
    ]


def test_without_an_ideal_cycle_it_is_counted_and_nobody_knows_what_it_lost():
    assert told([pause(10, 20, cycle=None)]) == [(10.0, 0.0)]


def test_a_threshold_within_the_ideal_cycle_tells_nothing():
    assert told([pause(10, 20, cycle=8)]) == []
    assert told([pause(10, 20, cycle=5)]) == [(10.0, 5.0)]


def test_what_stood_or_was_not_measured_in_between_is_no_slow_cycle():
    stood = (("running", 0, 12), ("stopped", 12, 15), ("running", 15, 100))
    assert told([pause(10, 20), pause(14, 20), pause(20, 30)], *stood) == [(20.0, 9.4)]
    hole = (("running", 0, 12), ("running", 13, 100))
    assert told([pause(10, 20), pause(13, 20)], *hole) == [(13.0, 6.4)]


@given(
    st.lists(st.tuples(st.integers(0, 90), st.integers(1, 80)), max_size=8),
    st.lists(st.tuples(st.booleans(), st.integers(1, 30)), min_size=1, max_size=8),
    st.integers(0, 20),
    st.integers(20, 60),
)
def test_slow_cycles_are_those_that_a_second_by_second_look_finds(pairs, stays, slow, stop):
    seconds, laid = [], []
    for runs, length in stays:
        start = len(seconds)
        seconds += [runs] * length
        laid.append(("running" if runs else "idle", start, start + length))
    pauses = [
        pause(start, start + length, slow=slow, stop=stop, cycle=None)
        for start, length in pairs
    ]
    expected = [
        float(start)
        for start, length in pairs
        if slow < length <= stop
        and start + length <= len(seconds)
        and all(seconds[start : start + length])
    ]
    assert [start for start, _ in told(pauses, *laid)] == expected

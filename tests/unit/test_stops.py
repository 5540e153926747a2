"""A stop lasts until it runs again, whatever it is called and whether or not somebody looked."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from production.stops import NO_DATA, RUNNING, Stop, of, stops
from production.timeline import Stretch

T0 = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
STATES = [RUNNING, "stopped", "faulted", "idle", NO_DATA]


def at(seconds):
    return T0 + timedelta(seconds=seconds)


def timeline(*pairs):
    """Return stretches from (state, seconds) one after another; None is a hole."""
    found, began = [], 0
    for state, length in pairs:
        if state is not None:
            found.append(Stretch(state, at(began), at(began + length)))
        began += length
    return found


def stop(began, ended, known=None, *, lasts=False):
    length = ended - began if known is None else known
    return Stop(at(began), at(ended), timedelta(seconds=length), lasts)


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ([], []),
        ([("running", 60)], []),
        ([("no_data", 60)], []),
        (
            [("running", 10), ("stopped", 20), ("faulted", 30), ("running", 5)],
            [stop(10, 60)],
        ),
        (
            [("stopped", 20), ("running", 1), ("stopped", 30)],
            [stop(0, 20), stop(21, 51, lasts=True)],
        ),
        ([("stopped", 20), ("no_data", 100), ("idle", 30), ("running", 1)], [stop(0, 150, 50)]),
        ([("stopped", 20), (None, 100), ("idle", 30), ("running", 1)], [stop(0, 150, 50)]),
        ([("stopped", 20), ("no_data", 100), ("running", 1)], [stop(0, 20)]),
        ([("stopped", 20), ("no_data", 100)], [stop(0, 20, lasts=True)]),
        ([("no_data", 5), ("stopped", 20), ("running", 1)], [stop(5, 25)]),
    ],
)
def test_successive_states_in_which_it_does_not_run_are_one_stop(states, expected):
    assert stops(timeline(*states)) == expected


def test_a_stop_as_long_as_the_threshold_is_a_micro_stop_and_a_longer_one_is_not():
    assert stop(0, 120).is_small(timedelta(seconds=120))
    assert not stop(0, 120.000001).is_small(timedelta(seconds=120))
    assert stop(0, 1000, 100).is_small(timedelta(seconds=120))


def test_two_stops_that_overlap_on_paper_are_one_of_half_an_hour():
    """10:00 to 10:20 and 10:10 to 10:30 cannot both be states of one equipment; cut apart they are one stop."""
    states = timeline(("stopped", 600), ("faulted", 1200), ("running", 60))
    assert [each.known for each in stops(states)] == [timedelta(minutes=30)]


def test_a_moment_lies_in_one_stop_or_none():
    found = [stop(10, 20), stop(30, 40)]
    assert of(found, at(10)) == found[0]
    assert of(found, at(20)) is None
    assert of(found, at(35)) == found[1]
    assert of([], at(0)) is None


cases = st.lists(st.tuples(st.sampled_from([*STATES, None]), st.integers(1, 300)), max_size=15)


@given(cases, st.randoms(use_true_random=False))
def test_stops_hold_all_known_time_in_which_it_did_not_run(pairs, random):
    states = timeline(*pairs)
    shuffled = list(states)
    random.shuffle(shuffled)
    found = stops(shuffled)
    assert found == stops(states)
    still = [each for each in states if each.what not in {RUNNING, NO_DATA}]
    assert sum((each.known for each in found), timedelta()) == sum(
        (each.length for each in still), timedelta()
    )
    for each in still:
        assert of(found, each.started_at) is not None
    for each in states:
        if each.what == RUNNING:
            assert of(found, each.started_at) is None
    assert all(a.ended_at < b.started_at and not a.lasts for a, b in pairwise(found))
    assert all(timedelta() < each.known <= each.ended_at - each.started_at for each in found)
    last = next((each.what for each in reversed(states) if each.what != NO_DATA), RUNNING)
    assert (bool(found) and found[-1].lasts) == (last != RUNNING)

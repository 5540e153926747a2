"""Time given to a stop, and taken from it."""

from datetime import timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from production.recutting import (
    Told,
    give,
    has_no_data,
    stands_from,
    stood_until,
    take,
)
from production.timeline import Stretch
from tests.floor import later

JAM = Told("stopped", "jam")


def parts(*told):
    """Return adjoining parts from (state, seconds)."""
    at, found = 0, []
    for state, seconds in told:
        found.append(Stretch(Told(state), later(at), later(at + seconds)))
        at += seconds
    return found


def plain(cut):
    return [
        (
            each.what.state,
            (each.started_at - later(0)) / timedelta(seconds=1),
            (each.ended_at - later(0)) / timedelta(seconds=1),
        )
        for each in cut
    ]


def test_time_given_to_a_stop_stands_as_its_neighbour_does():
    cut = give(parts(("running", 60), ("stopped", 60)), later(40), later(60), Told("stopped"))
    assert plain(cut) == [("running", 0, 40), ("stopped", 40, 120)]


def test_what_stood_already_in_the_time_given_stays_what_it_was():
    before = parts(("running", 20), ("starved", 10), ("running", 10), ("stopped", 20))
    assert plain(give(before, later(10), later(40), JAM)) == [
        ("running", 0, 10),
        ("stopped", 10, 20),
        ("starved", 20, 30),
        ("stopped", 30, 40),
        ("stopped", 40, 60),
    ]


def test_time_taken_from_a_stop_ran():
    cut = take(parts(("running", 60), ("stopped", 30), ("idle", 30)), later(60), later(100))
    assert plain(cut) == [("running", 0, 100), ("idle", 100, 120)]


def test_time_without_data_is_changed_only_when_that_is_said():
    before = parts(("running", 10), ("no_data", 10), ("stopped", 10))
    assert plain(give(before, later(5), later(20), JAM)) == [
        ("running", 0, 5),
        ("stopped", 5, 10),
        ("no_data", 10, 20),
        ("stopped", 20, 30),
    ]
    assert plain(give(before, later(5), later(20), JAM, over_no_data=True))[1] == (
        "stopped",
        5,
        20,
    )
    assert has_no_data(before, later(5), later(20))
    assert not has_no_data(before, later(0), later(10))


def test_a_hole_is_time_that_nobody_measured():
    known = [Stretch(JAM, later(0), later(10)), Stretch(JAM, later(20), later(30))]
    assert has_no_data(known, later(0), later(30))
    assert not has_no_data(known, later(20), later(30))
    assert has_no_data([], later(0), later(1))


def test_how_it_stood_at_a_moment():
    known = parts(("running", 10), ("stopped", 10), ("no_data", 10))
    assert stands_from(known, later(10)) == Told("stopped")
    assert stands_from(known, later(20)) is None
    assert stands_from(known, later(99)) is None
    assert stood_until(known, later(20)) == Told("stopped")
    assert stood_until(known, later(10)) is None
    assert stood_until(known, later(0)) is None


STATES = st.sampled_from(["running", "stopped", "idle", "no_data"])
ANY_PARTS = st.lists(st.tuples(STATES, st.integers(1, 30)), min_size=1, max_size=8)


@given(ANY_PARTS, st.integers(0, 100), st.integers(0, 100), st.booleans(), st.booleans())
def test_the_cut_parts_are_the_same_time(told, one, other, giving, over):
    before = parts(*told)
    start, end = later(min(one, other)), later(max(one, other))
    cut = (
        give(before, start, end, JAM, over_no_data=over)
        if giving
        else take(before, start, end, over_no_data=over)
    )
    assert cut[0].started_at == before[0].started_at
    assert cut[-1].ended_at == before[-1].ended_at
    assert all(each.ended_at == following.started_at for each, following in pairwise(cut))
    inside = [each for each in cut if each.started_at < end and each.ended_at > start]
    states = {each.what.state for each in inside if start <= each.started_at}
    wrong = {"running"} if giving else {"stopped", "idle"}
    assert not states & (wrong | ({"no_data"} if over else set())) or not start < end

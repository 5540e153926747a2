"""Time is cut, joined and measured without losing a microsecond."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from production.timeline import Mark, Stretch, between, clip, measure, merge, without

T0 = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


def at(microseconds):
    return T0 + timedelta(microseconds=microseconds)


def stretch(what, start, end):
    return Stretch(what, at(start), at(end))


states = st.sampled_from(["running", "stopped", "no_data"])


@st.composite
def timelines(draw):
    """Contiguous stretches, as the spans of an equipment are."""
    cuts = sorted(draw(st.sets(st.integers(0, 10**6), min_size=1, max_size=20)))
    return [stretch(draw(states), start, end) for start, end in pairwise(cuts)]


def test_what_lies_outside_of_the_window_is_cut_off():
    parts = [stretch("running", 0, 10), stretch("stopped", 10, 20), stretch("running", 20, 30)]
    assert list(clip(parts, at(5), at(20))) == [
        stretch("running", 5, 10),
        stretch("stopped", 10, 20),
    ]


def test_a_window_that_touches_takes_nothing():
    assert list(clip([stretch("running", 0, 10)], at(10), at(20))) == []


def test_stretches_that_touch_and_are_the_same_are_one():
    parts = [stretch("stopped", 20, 30), stretch("running", 0, 10), stretch("running", 10, 20)]
    assert merge(parts) == [stretch("running", 0, 20), stretch("stopped", 20, 30)]


def test_a_hole_keeps_them_apart():
    parts = [stretch("running", 0, 10), stretch("running", 11, 20)]
    assert merge(parts) == parts


def test_a_mark_holds_until_the_next_one():
    marks = [Mark("b", at(10)), Mark("a", at(0)), Mark("late", at(40))]
    assert between(marks, at(30)) == [stretch("a", 0, 10), stretch("b", 10, 30)]


def test_of_two_marks_at_one_moment_the_last_said_holds():
    assert between([Mark("a", at(0)), Mark("b", at(0))], at(5)) == [stretch("b", 0, 5)]


def test_holes_are_taken_out_of_a_stretch_wherever_they_begin():
    holes = [stretch("no_data", 40, 60), stretch("no_data", 0, 10), stretch("no_data", 15, 20)]
    assert without(stretch("measured", 5, 50), holes) == [
        stretch("measured", 10, 15),
        stretch("measured", 20, 40),
    ]
    assert without(stretch("measured", 5, 50), []) == [stretch("measured", 5, 50)]
    assert without(stretch("measured", 50, 5), []) == []


@given(timelines(), st.integers(0, 10**6), st.integers(0, 10**6))
def test_what_is_left_and_the_holes_make_up_the_whole(parts, start, length):
    whole = stretch("measured", start, start + length)
    left = without(whole, [part for part in parts if part.what == "no_data"])
    holes = clip(parts, whole.started_at, whole.ended_at)
    taken = measure(holes).get("no_data", timedelta())
    assert sum((part.length for part in left), taken) == whole.length


@given(timelines(), st.integers(0, 10**6))
def test_two_windows_that_touch_measure_as_much_as_one(parts, cut):
    whole = measure(parts)
    left = measure(clip(parts, at(0), at(cut)))
    right = measure(clip(parts, at(cut), at(10**6)))
    assert {
        state: left.get(state, timedelta()) + right.get(state, timedelta())
        for state in left.keys() | right.keys()
    } == whole


@given(timelines(), st.randoms(use_true_random=False))
def test_merging_changes_no_length_whatever_the_order(parts, random):
    shuffled = list(parts)
    random.shuffle(shuffled)
    assert merge(shuffled) == merge(parts)
    assert measure(merge(parts)) == measure(parts)
    assert merge(merge(parts)) == merge(parts)


@given(timelines())
def test_the_lengths_add_up_to_the_whole_exactly(parts):
    whole = parts[-1].ended_at - parts[0].started_at if parts else timedelta()
    assert sum(measure(parts).values(), timedelta()) == whole


@given(st.lists(st.tuples(states, st.integers(0, 1000))), st.integers(1001, 2000))
def test_marks_leave_no_hole_and_no_overlap(pairs, end):
    held = between([Mark(what, at(moment)) for what, moment in pairs], at(end))
    assert all(
        earlier.ended_at == later.started_at and earlier.what != later.what
        for earlier, later in pairwise(held)
    )
    if pairs:
        assert held[0].started_at == at(min(moment for _, moment in pairs))
        assert held[-1].ended_at == at(end)


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 5))), st.integers(0, 6))
def test_what_held_between_marks_is_that_of_the_last_mark_of_every_moment(pairs, end):
    """Told moment by moment, and then merged."""
    pairs.sort(key=lambda pair: pair[1])
    told = []
    for moment in range(end):
        known = [what for what, since in pairs if since <= moment]
        if known:
            told.append(stretch(known[-1], moment, moment + 1))
    assert between([Mark(what, at(since)) for what, since in pairs], at(end)) == merge(told)

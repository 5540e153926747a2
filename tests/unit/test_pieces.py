"""Good, reject and total from whichever are counted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from production.pieces import KINDS, Pieces, joined, pieces, together


@pytest.mark.parametrize(
    ("counted", "expected"),
    [
        ({}, Pieces(0, 0, 0)),
        ({"good": 90}, Pieces(90, 0, 90)),
        ({"total": 100}, Pieces(100, 0, 100)),
        ({"reject": 7}, Pieces(0, 7, 7)),
        ({"good": 90, "reject": 7}, Pieces(90, 7, 97)),
        ({"good": 90, "total": 100}, Pieces(90, 10, 100)),
        ({"total": 100, "reject": 7}, Pieces(93, 7, 100)),
        ({"good": 90, "reject": 7, "total": 100}, Pieces(90, 7, 100)),
    ],
)
def test_what_is_not_counted_follows_from_what_is(counted, expected):
    assert pieces(counted) == expected


def test_pieces_between_two_counters_never_make_a_count_negative():
    assert pieces({"total": 3, "reject": 5}) == Pieces(0, 5, 3)
    assert pieces({"good": 5, "total": 3}) == Pieces(5, 0, 3)


@given(st.dictionaries(st.sampled_from(["good", "reject", "total"]), st.integers(0, 10**9)))
def test_a_counter_is_believed_and_nothing_is_negative(counted):
    made = pieces(counted)
    assert min(made.good, made.reject, made.total) >= 0
    for kind, quantity in counted.items():
        assert getattr(made, kind) == quantity


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_any_two_counters_give_the_third(good, reject):
    whole = Pieces(good, reject, good + reject)
    assert pieces({"good": good, "reject": reject}) == whole
    assert pieces({"good": good, "total": good + reject}) == whole
    assert pieces({"reject": reject, "total": good + reject}) == whole


KIND_SETS = st.frozensets(st.sampled_from(KINDS))


@given(KIND_SETS)
def test_a_set_of_counters_is_written_in_one_way(kinds):
    assert joined(kinds) == joined(sorted(kinds)) == " ".join(k for k in KINDS if k in kinds)
    assert set(joined(kinds).split()) == kinds


@given(st.lists(st.tuples(KIND_SETS, st.integers(0, 99), st.integers(0, 9)), max_size=6))
def test_times_of_different_counters_add_up(times):
    """Of each time as much is known as its own counters tell, whatever the others have."""
    counted, expected = {}, Pieces(0, 0, 0)
    told = {joined(kinds): (good, reject) for kinds, good, reject in times}
    for counters, (good, reject) in told.items():
        shown = {"good": good, "reject": reject, "total": good + reject}
        own = {kind: shown[kind] for kind in counters.split()}
        # A counter that has not moved has written nothing.
        counted |= {(counters, kind): pieces_ for kind, pieces_ in own.items() if pieces_}
        if any(own.values()):
            made = pieces(own)
            expected = Pieces(
                expected.good + made.good,
                expected.reject + made.reject,
                expected.total + made.total,
            )
    assert together(counted) == expected


def test_nothing_of_a_kind_without_a_counter_is_no_zero():
    """The baseline of a counter of rejects that only begins says nothing of the rejects up to it."""
    counted = {("good total", "good"): 9, ("good total", "total"): 10}
    assert together(counted | {("good total", "reject"): 0}) == Pieces(9, 1, 10)

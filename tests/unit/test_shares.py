"""What a count of each kind is of the good pieces and of all: the sums are those of whole counters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from production.pieces import GOOD, REJECT, TOTAL
from production.shares import shares

KINDS = (GOOD, REJECT, TOTAL)
SETS = [
    {kind for kind, is_counted in zip(KINDS, counted, strict=True) if is_counted}
    for counted in ((g, r, t) for g in (0, 1) for r in (0, 1) for t in (0, 1))
]


def made(kinds, counted):
    """Return good and total of what was counted by kind."""
    of = shares(kinds)
    good = sum(of[kind].good * number for kind, number in counted.items())
    return good, sum(of[kind].total * number for kind, number in counted.items())


@given(st.integers(0, 10**9), st.data())
def test_a_machine_is_known_by_any_two_of_its_counters_or_by_all(total, data):
    reject = data.draw(st.integers(0, total))
    whole = {GOOD: total - reject, REJECT: reject, TOTAL: total}
    for kinds in ({GOOD, REJECT}, {REJECT, TOTAL}, {GOOD, TOTAL}, set(KINDS)):
        assert made(kinds, {kind: whole[kind] for kind in kinds}) == (total - reject, total)


@pytest.mark.parametrize("kind", [GOOD, TOTAL])
def test_one_counter_alone_counts_good_pieces(kind):
    assert made({kind}, {kind: 7}) == (7, 7)


def test_rejects_alone_are_pieces_that_are_not_good():
    assert made({REJECT}, {REJECT: 7}) == (0, 7)


@pytest.mark.parametrize("kinds", SETS, ids=lambda kinds: "-".join(sorted(kinds)) or "none")
@given(counted=st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 999))))
def test_sums_of_parts_are_the_sum_of_the_whole(kinds, counted):
    parts = [made(kinds, {kind: number}) for kind, number in counted]
    summed = {kind: sum(n for each, n in counted if each == kind) for kind in KINDS}
    whole = tuple(sum(column) for column in zip(*parts, strict=True)) or (0, 0)
    assert made(kinds, summed) == whole
    assert set(shares(kinds)) == set(KINDS)


def test_a_piece_that_somebody_enters_where_none_of_its_kind_is_counted_is_one_more():
    # Counted: good pieces and rejects. Entered: 3 good ones as total.
    assert made({GOOD, REJECT}, {GOOD: 10, REJECT: 2, TOTAL: 3}) == (13, 15)
    # Counted: all pieces and rejects. Entered: 3 good ones.
    assert made({REJECT, TOTAL}, {TOTAL: 12, REJECT: 2, GOOD: 3}) == (13, 15)

"""A changeover is over when good pieces stand in a row, at rate; its target is the most particular one."""

from dataclasses import dataclass
from decimal import Decimal
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from production.changing import (
    Lasted,
    Row,
    lengthen,
    lengths,
    made,
    most_particular,
    slowest,
)
from production.pieces import Pieces


def batch(good, reject=0):
    return Pieces(good, reject, good + reject)


def rows(*readings, needed=10, at_rate=True):
    """Return how many stand in a row after each reading."""
    row, found = Row(), []
    for reading in readings:
        row = lengthen(row, reading, needed=needed, at_rate=at_rate)
        found.append(row.good)
    return row, found


class TestTheRow:
    def test_it_is_enough_with_the_nth_good_piece(self):
        row, found = rows(batch(4), batch(5), batch(1))
        assert (found, row.is_enough) == ([4, 9, 10], True)

    def test_one_reading_may_bring_more_than_are_needed(self):
        assert lengthen(Row(8), batch(5), needed=10, at_rate=True) == Row(13, is_enough=True)

    def test_a_reject_begins_it_anew(self):
        row, found = rows(batch(9), batch(1, 1), batch(9))
        assert (found, row.is_enough) == ([9, 0, 9], False)

    def test_a_reject_that_is_counted_after_its_piece_begins_it_anew_too(self):
        late = made({"reject": 1}, {"total", "reject"}, {"total", "reject"})
        assert late == Pieces(0, 1, 0)
        assert lengthen(Row(9), late, needed=10, at_rate=True) == Row()

    def test_a_reading_below_rate_begins_it_anew(self):
        assert lengthen(Row(9), batch(5), needed=10, at_rate=False) == Row()

    def test_a_reading_without_a_piece_says_nothing_whatever_its_rate(self):
        assert lengthen(Row(9), batch(0), needed=10, at_rate=False) == Row(9)

    def test_what_is_over_stays_over(self):
        over = Row(10, is_enough=True)
        assert lengthen(over, batch(0, 5), needed=10, at_rate=False) == over

    def test_a_single_piece_is_a_row_where_one_is_needed(self):
        assert lengthen(Row(), batch(1, 7), needed=1, at_rate=True).is_enough

    @pytest.mark.parametrize(("good", "expected"), [(27, False), (28, True)])
    def test_a_long_reading_is_enough_when_no_order_of_its_rejects_could_prevent_it(
        self, good, expected
    ):
        # Two rejects make three rooms for nine good pieces each.
        assert lengthen(Row(), batch(good, 2), needed=10, at_rate=True).is_enough is expected

    @given(st.integers(0, 4), st.integers(0, 5), st.integers(0, 3), st.integers(1, 4))
    def test_it_is_enough_exactly_when_it_is_in_every_order_of_the_pieces(
        self, before, good, reject, needed
    ):
        before = min(before, needed - 1)

        def ends(order):
            row = before
            for piece in order:
                row = row + 1 if piece == "g" else 0
                if row >= needed:
                    return True
            return False

        orders = set(permutations("g" * good + "r" * reject))
        row = lengthen(Row(before), batch(good, reject), needed=needed, at_rate=True)
        assert row.is_enough == all(ends(order) for order in orders)

    @given(st.lists(st.integers(1, 20), max_size=12), st.integers(1, 60))
    def test_how_the_readings_are_cut_does_not_matter(self, pieces, needed):
        row, _ = rows(*(batch(number) for number in pieces), needed=needed)
        one_by_one, _ = rows(*(batch(1) for _ in range(sum(pieces))), needed=needed)
        assert row.is_enough == one_by_one.is_enough == (sum(pieces) >= needed)


class TestThePiecesOfAReading:
    def test_good_is_believed_before_a_difference(self):
        assert made({"good": 3, "total": 4}, {"good", "total"}, {"good", "total"}) == Pieces(
            3, 1, 4
        )

    def test_a_counter_that_did_not_move_counted_nothing(self):
        assert made({"total": 2}, {"good", "total"}, {"good", "total"}) == Pieces(0, 2, 2)

    def test_all_that_is_not_rejected_is_good_where_only_these_are_counted(self):
        assert made({"total": 5, "reject": 2}, {"total", "reject"}, {"total"}) == Pieces(
            3, 2, 5
        )

    def test_what_was_not_read_makes_up_no_good_piece_and_no_reject(self):
        assert made({"total": 5}, {"total"}, {"total", "reject"}) == Pieces(0, 0, 5)
        assert made({"good": 5}, {"good"}, {"good", "total"}) == Pieces(5, 0, 5)


class TestTheRate:
    def test_it_is_half_of_the_ideal_rate(self):
        assert slowest(Decimal("0.6")) == 50.0

    def test_any_rate_is_one_without_an_ideal_cycle(self):
        assert slowest(None) == 0.0


@dataclass(frozen=True)
class Aim:
    line_id: int | None = None
    from_product_id: int | None = None
    to_product_id: int | None = None


LINE, BEFORE, AFTER = 1, 10, 20


class TestTheMostParticularTarget:
    ORDER = (
        Aim(LINE, BEFORE, AFTER),
        Aim(LINE, None, AFTER),
        Aim(LINE, BEFORE, None),
        Aim(LINE),
        Aim(None, BEFORE, AFTER),
        Aim(None, None, AFTER),
        Aim(None, BEFORE, None),
        Aim(),
    )

    def test_the_line_comes_first_and_then_how_many_products_are_named(self):
        for number, expected in enumerate(self.ORDER):
            held = most_particular(reversed(self.ORDER[number:]), LINE, BEFORE, AFTER)
            assert held == expected

    def test_one_of_another_line_or_product_never_holds(self):
        foreign = (Aim(2, BEFORE, AFTER), Aim(LINE, 11, AFTER), Aim(LINE, BEFORE, 21))
        assert most_particular(foreign, LINE, BEFORE, AFTER) is None

    def test_from_nothing_only_a_target_from_any_product_holds(self):
        assert most_particular(self.ORDER, LINE, None, AFTER) == Aim(LINE, None, AFTER)

    @given(st.permutations(ORDER))
    def test_the_order_of_the_rows_does_not_matter(self, aims):
        assert most_particular(aims, LINE, BEFORE, AFTER) == self.ORDER[0]


class TestLengths:
    def test_the_median_the_ninetieth_percentile_and_the_share_within_the_target(self):
        told = lengths([Lasted(float(number * 60), 300.0) for number in range(1, 11)])
        assert (told.count, told.median_s, told.p90_s) == (10, 330.0, 540.0)
        assert (told.shortest_s, told.longest_s) == (60.0, 600.0)
        assert (told.target_s, told.within) == (300.0, 0.5)

    def test_one_alone_is_its_own_median(self):
        told = lengths([Lasted(90.0, None)])
        assert (told.median_s, told.p90_s, told.target_s, told.within) == (90, 90, None, None)

    def test_the_newest_target_is_told(self):
        assert lengths([Lasted(1, 5.0), Lasted(1, 4.0), Lasted(1, None)]).target_s == 4.0

    def test_none_have_no_length(self):
        with pytest.raises(ValueError, match="no changeover"):
            lengths([])

    @given(st.lists(st.floats(0, 1e6), min_size=1, max_size=40))
    def test_they_lie_in_order(self, seconds):
        told = lengths([Lasted(each, None) for each in seconds])
        assert told.shortest_s <= told.median_s <= told.longest_s
        assert told.shortest_s <= told.p90_s <= told.longest_s
        assert sum(each <= told.p90_s for each in seconds) >= 0.9 * len(seconds)

"""Measured time over the ideal cycles in force, exactly."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from production.standards import Standard, allowed, in_force
from production.timeline import Stretch

T0 = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
LONG_AGO = T0 - timedelta(days=1)


def at(minutes):
    return T0 + timedelta(minutes=minutes)


def ran(start, end):
    return Stretch("running", at(start), at(end))


def made(product, start, end):
    return Stretch(product, at(start), at(end))


def test_a_minute_at_six_tenths_of_a_second_allows_a_hundred_pieces():
    standard = Standard(1, Decimal("0.6"), LONG_AGO)
    assert allowed([ran(0, 1)], [made(1, 0, 10)], [standard]) == (Decimal(100), set())


def test_each_product_counts_at_its_own_cycle():
    standards = [Standard(1, Decimal("0.6"), LONG_AGO), Standard(2, Decimal(1), LONG_AGO)]
    products = [made(1, 0, 5), made(2, 5, 10)]
    assert allowed([ran(0, 10)], products, standards) == (Decimal(800), set())


def test_a_new_standard_holds_from_its_moment():
    standards = [Standard(1, Decimal("0.6"), LONG_AGO), Standard(1, Decimal(1), at(4))]
    assert allowed([ran(0, 10)], [made(1, 0, 10)], standards) == (Decimal(760), set())
    assert in_force(standards, 1, at(4)) == Decimal(1)
    assert in_force(standards, 1, at(3)) == Decimal("0.6")
    assert in_force(standards, 2, at(3)) is None


def test_measured_time_of_a_product_without_a_standard_is_named():
    assert allowed([ran(0, 10)], [made(None, 0, 5), made(7, 5, 10)], [])[1] == {None, 7}


def test_a_product_that_no_measured_time_was_spent_on_needs_no_standard():
    standard = Standard(1, Decimal(1), LONG_AGO)
    assert allowed([ran(5, 6)], [made(7, 0, 5), made(1, 5, 10)], [standard]) == (
        Decimal(60),
        set(),
    )


def test_a_standard_that_takes_effect_later_leaves_the_time_before_without_one():
    standard = Standard(1, Decimal(1), at(5))
    assert allowed([ran(0, 10)], [made(1, 0, 10)], [standard]) == (Decimal(300), {1})


@given(st.integers(1, 599), st.integers(1, 599))
def test_any_cut_of_the_time_allows_as_much(cut, change):
    standards = [
        Standard(1, Decimal("0.75"), LONG_AGO),
        Standard(1, Decimal("0.5"), at(change)),
    ]
    whole, _ = allowed([ran(0, 600)], [made(1, 0, 600)], standards)
    parts, _ = allowed(
        [ran(0, cut), ran(cut, 600)], [made(1, 0, cut), made(1, cut, 600)], standards
    )
    assert whole == parts

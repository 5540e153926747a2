"""Which ideal cycle is in force."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from production.standards import Standard, in_force

T0 = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


def at(minutes):
    return T0 + timedelta(minutes=minutes)


def test_a_new_standard_holds_from_its_moment_on():
    standards = [Standard(1, Decimal("0.6"), at(-9)), Standard(1, Decimal(1), at(4))]
    assert in_force(standards, 1, at(4)) == Decimal(1)
    assert in_force(standards, 1, at(3)) == Decimal("0.6")


def test_before_the_first_of_a_product_and_for_another_there_is_none():
    standards = [Standard(1, Decimal("0.6"), at(0))]
    assert in_force(standards, 1, at(0) - timedelta(microseconds=1)) is None
    assert in_force(standards, 2, at(3)) is None
    assert in_force(standards, None, at(3)) is None


@given(
    st.lists(st.tuples(st.integers(1, 2), st.integers(0, 99)), unique=True),
    st.integers(1, 2),
    st.integers(0, 99),
)
def test_of_all_that_have_begun_the_last_holds_in_whatever_order_they_stand(
    begun, product, now
):
    standards = [Standard(of, Decimal(minute + 1), at(minute)) for of, minute in begun]
    minutes = [minute for of, minute in begun if of == product and minute <= now]
    expected = Decimal(max(minutes) + 1) if minutes else None
    assert in_force(standards, product, at(now)) == expected
    assert in_force(reversed(standards), product, at(now)) == expected

"""Caps on what a PLC is asked."""

from hypothesis import given
from hypothesis import strategies as st

from telemetry.load import Caps, least_period_s, stretched

some = st.none() | st.floats(0.1, 1e4)


@given(some, some, st.integers(0, 1000), st.integers(0, 100_000))
def test_at_the_least_period_no_cap_is_exceeded(requests_per_s, bytes_per_s, requests, size):
    period_s = least_period_s(Caps(requests_per_s, bytes_per_s), requests, size)
    assert requests_per_s is None or requests <= requests_per_s * period_s * 1.000001
    assert bytes_per_s is None or size <= bytes_per_s * period_s * 1.000001


def test_what_is_stretched_says_why_and_what_is_not_says_nothing():
    assert stretched(Caps(), 50, 9000, 1) == ""
    assert stretched(Caps(requests_per_s=4), 4, 9000, 1) == ""
    assert stretched(Caps(requests_per_s=4), 12, 900, 1) == (
        "It is polled every 3.0 s and not every 1 s: "
        "a poll costs 12 requests and 900 bytes, and its caps allow no more."
    )

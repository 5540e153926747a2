"""How long a PLC that does not answer is left alone, and when it is lost."""

from hypothesis import given
from hypothesis import strategies as st

from telemetry.backoff import back_off_s, is_lost


def test_the_first_retries_are_quick_and_the_last_half_a_minute_apart():
    assert [back_off_s(n, 0.5) for n in (1, 2, 3, 4, 5, 6, 7, 5000)] == [
        1, 2, 4, 8, 16, 30, 30, 30,
    ]  # fmt: skip


@given(st.integers(1, 10**9), st.floats(0, 1, exclude_max=True))
def test_the_pause_is_spread_by_a_quarter_both_ways(failures, jitter):
    steady = back_off_s(failures, 0.5)
    assert 0.75 * steady <= back_off_s(failures, jitter) < 1.25 * steady + 1e-9


def test_a_plc_is_lost_at_the_third_failure_in_a_row():
    assert not is_lost(2, None, 1)
    assert is_lost(3, None, 1)
    assert is_lost(3, 0.1, 60)


def test_a_failing_plc_is_lost_three_periods_after_its_last_answer():
    assert not is_lost(1, 2.9, 1)
    assert is_lost(1, 3.0, 1)
    assert not is_lost(1, 29.0, 10)


def test_a_plc_that_has_not_failed_is_not_lost_however_long_it_is_between_two_polls():
    assert not is_lost(0, 3600, 1)

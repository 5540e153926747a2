"""How long a process that ended waits before it is started again."""

from hypothesis import given
from hypothesis import strategies as st

from ms5.children.backoff import Backoff


def test_it_doubles_from_one_second_to_ten():
    backoff = Backoff()
    assert [backoff.after(0.1) for _ in range(6)] == [1, 2, 4, 8, 10, 10]


def test_half_a_minute_of_life_is_a_fresh_start():
    backoff = Backoff()
    assert [backoff.after(lived) for lived in (1, 1, 29.9, 30, 1)] == [1, 2, 4, 1, 2]


@given(st.lists(st.floats(0, 1e6), max_size=50))
def test_no_wait_is_below_a_second_or_above_ten(lives):
    backoff = Backoff()
    assert all(1 <= backoff.after(lived) <= 10 for lived in lives)

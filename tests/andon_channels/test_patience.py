"""When a delivery is tried again, when it is given up, and what goes together."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from andon.notify.packing import MOST_A_MINUTE, packed
from andon.notify.patience import (
    DEADLINE_S,
    GIVEN_UP_AFTER,
    LEASE,
    spread_of,
    wait_after,
)


def test_it_waits_longer_each_time_and_is_given_up_after_ten_failures():
    waits = [wait_after(failures, 0) for failures in range(1, GIVEN_UP_AFTER + 1)]
    assert waits[:4] == [timedelta(seconds=each) for each in (10, 30, 120, 600)]
    assert waits[-1] is None
    assert None not in waits[:-1]
    assert waits[:-1] == sorted(waits[:-1])


def test_a_mail_server_that_is_away_for_two_hours_loses_nothing():
    waited = sum(
        (wait_after(failures, 0) for failures in range(1, GIVEN_UP_AFTER)), timedelta()
    )
    assert waited > timedelta(hours=2)


def test_a_lease_outlives_the_attempt():
    assert timedelta(seconds=2 * DEADLINE_S) < LEASE


@given(st.text(), st.integers(1, GIVEN_UP_AFTER - 1))
def test_the_spread_adds_up_to_a_tenth(key, failures):
    assert 0 <= spread_of(key) < 1
    steady = wait_after(failures, 0)
    assert steady <= wait_after(failures, spread_of(key)) <= 1.1 * steady


@given(st.lists(st.integers(), max_size=30), st.integers(0, 9))
def test_nothing_is_left_out_and_no_more_goes_than_may(waiting, sent):
    letters = packed(waiting, sent)
    assert len(letters) + sent <= max(MOST_A_MINUTE, sent)
    carried = [one for letter in letters for one in letter]
    assert carried == (waiting if sent < MOST_A_MINUTE else [])
    assert all(len(letter) == 1 for letter in letters[:-1])


def test_the_last_that_may_go_carries_the_rest():
    assert packed("abcdefgh", 0) == [("a",), ("b",), ("c",), ("d",), ("e", "f", "g", "h")]
    assert packed("abcde", 0) == [("a",), ("b",), ("c",), ("d",), ("e",)]
    assert packed("ab", 4) == [("a", "b")]
    assert packed("ab", 5) == []

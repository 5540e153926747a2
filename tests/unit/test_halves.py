"""Who came and who mended it go with the half in which they did, and come back when halves are one again."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from production.halves import TIMES, joined, parted, parted_again

moments = st.integers(0, 20).map(
    lambda minutes: datetime(2026, 11, 23, tzinfo=UTC) + timedelta(minutes=minutes)
)
times = st.fixed_dictionaries(dict.fromkeys(TIMES, st.none() | moments))


@given(times, moments)
def test_each_time_is_of_the_half_in_which_it_lies(said, moment):
    first, second = parted(said, moment)
    assert all(came < moment for came in first.values() if came)
    assert all(came >= moment for came in second.values() if came)
    assert joined(first, second) == said


@given(times, times, moments)
def test_halves_that_were_one_for_a_while_are_as_they_were(first, second, moment):
    assert parted_again(joined(first, second), (first, second), moment) == (first, second)


@given(times, moments)
def test_what_was_said_of_the_whole_since_is_of_the_half_in_which_it_lies(said, moment):
    silent = dict.fromkeys(TIMES)
    assert parted_again(said, (silent, silent), moment) == parted(said, moment)


@given(moments, moments)
def test_of_both_the_first_came_and_the_last_mended(one, two):
    halves = [dict.fromkeys(TIMES, each) for each in (one, two)]
    assert joined(*halves) == {"responded_at": min(one, two), "repaired_at": max(one, two)}

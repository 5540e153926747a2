"""The engine's clock: set back it delays nothing, set forward it is believed and said."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from andon.clock_rule import Reading, reckon
from tests.factories import T0, at

SECONDS = st.floats(-10_000, 10_000, allow_nan=False)


def elapsed(seconds):
    return timedelta(seconds=seconds)


def test_the_first_look_believes_the_database_or_the_mark():
    assert reckon(at(5), None, None, elapsed(0)) == Reading(at(5))
    assert reckon(at(5), at(3), None, elapsed(99)) == Reading(at(5))
    assert reckon(at(5), at(8), None, elapsed(99)) == Reading(at(8))
    assert reckon(at(500), at(3), None, elapsed(0)) == Reading(at(500))


def test_a_clock_set_back_delays_nothing_and_is_said():
    found = reckon(at(-3600), None, at(0), elapsed(10))
    assert found == Reading(at(10), "The clock is 3610 s behind what has passed.")
    assert reckon(at(-3600), at(20), at(0), elapsed(10)).at == at(20)


def test_a_clock_set_forward_is_believed_and_said():
    assert reckon(at(3610), None, at(0), elapsed(10)) == Reading(
        at(3610), "The clock went forward by 3600 s."
    )
    assert reckon(at(12), at(4), at(0), elapsed(10)) == Reading(at(12))


@settings(deadline=None, max_examples=50)
@given(SECONDS, st.none() | SECONDS, st.none() | SECONDS, st.floats(0, 1000))
def test_it_is_the_greatest_of_the_three(database, high, last, passed):
    known = [T0 + elapsed(database)]
    known += [T0 + elapsed(high)] if high is not None else []
    known += [T0 + elapsed(last) + elapsed(passed)] if last is not None else []
    found = reckon(
        at(database),
        None if high is None else at(high),
        None if last is None else at(last),
        elapsed(passed),
    )
    assert found.at == max(known)

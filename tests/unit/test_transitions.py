"""What a reading does to the state: a gap before it is `no_data`, never running and never stopped."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from production.observation import (
    STATES,
    BadObservation,
    CounterReading,
    FaultMessage,
    Observation,
)
from production.transitions import Move, Present, change, gap, is_ahead, is_silent, lost

T0 = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
AFTER = timedelta(seconds=3)


def at(seconds):
    return T0 + timedelta(seconds=seconds)


def test_a_gap_begins_at_the_last_reading_that_told_the_state():
    assert gap(Present("running", T0), at(3.000001), AFTER) == Move("no_data", T0)


def test_a_state_that_a_single_reading_told_was_so_for_an_instant():
    once = Present("running", T0, since=T0)
    instant = timedelta(microseconds=1)
    assert gap(once, at(60), AFTER) == lost(once, T0) == Move("no_data", T0 + instant)
    twice = Present("running", at(2), since=T0)
    assert gap(twice, at(60), AFTER) == lost(twice, at(2)) == Move("no_data", at(2))


def test_a_reading_more_than_a_minute_ahead_is_the_fault_of_our_clock():
    assert not is_ahead(None, T0)
    assert not is_ahead(at(60), T0)
    assert is_ahead(at(60.000001), T0)


def test_a_reading_within_the_allowed_silence_finds_no_gap():
    assert gap(Present("running", T0), at(3), AFTER) is None


def test_what_is_not_known_cannot_be_lost_again():
    assert gap(Present("no_data", T0), at(60), AFTER) is None
    assert gap(Present("no_data", None), at(60), AFTER) is None
    assert not is_silent(Present("no_data", T0), at(60), AFTER)


def test_the_first_reading_begins_the_timeline_whatever_it_tells():
    assert change("no_data", "running", T0, has_begun=False) == Move("running", T0)
    assert change("no_data", "no_data", T0, has_begun=False) == Move("no_data", T0)
    assert change("no_data", None, T0, has_begun=False) == Move("no_data", T0)


def test_a_reading_that_tells_no_state_leaves_it_as_it_is():
    assert change("running", None, T0, has_begun=True) is None
    assert change("no_data", None, T0, has_begun=True) is None


@given(st.sampled_from(sorted(STATES)), st.sampled_from(sorted(STATES)))
def test_a_told_state_is_a_change_when_it_is_another_one(state, told):
    move = change(state, told, T0, has_begun=True)
    assert move == (None if state == told else Move(told, T0))


@pytest.mark.parametrize(
    "wrong",
    [
        {"source_at": datetime(2026, 11, 23, 10, 0)},  # noqa: DTZ001 - what is refused
        {"received_at": datetime(2026, 11, 23, 10, 0)},  # noqa: DTZ001 - what is refused
        {"state": "flying"},
        {"quality": "stale"},
        {"speed": float("inf")},
        {"speed": float("nan")},
        {"product_number": 2**31},
        {"product_number": -(2**31) - 1},
    ],
)
def test_an_observation_that_cannot_be_is_refused(wrong):
    right = {"equipment_id": 1, "source_at": T0, "received_at": T0, "quality": "good"}
    with pytest.raises(BadObservation):
        Observation(**right | wrong)


def test_a_code_that_is_longer_than_its_column_and_a_modulus_that_is_none_are_refused():
    fault = {"text": "Jam", "severity": "low", "source": "internal"}
    FaultMessage(code="x" * 100, reason_code="y" * 40, **fault)
    for codes in ({"code": "x" * 101}, {"code": "x", "reason_code": "y" * 41}):
        with pytest.raises(BadObservation):
            FaultMessage(**codes, **fault)
    with pytest.raises(BadObservation):
        CounterReading(kind="good", value=1, modulus=0)

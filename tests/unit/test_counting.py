"""A counter's movement becomes an increment that is never negative and never invented."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from production.counting import (
    BLIND_SHARE,
    MOST,
    SLACK,
    TO_ZERO,
    CounterState,
    Decision,
    step,
)
from production.observation import CounterReading

T0 = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def run(values, *, start=None, period=SECOND, **setting):
    """Return the steps of a counter that shows these values, one a period."""
    state, steps = start, []
    for number, value in enumerate(values):
        taken = step(
            state,
            CounterReading(kind="good", value=value, **setting),
            T0 + (number + 1) * period,
        )
        steps.append(taken)
        state = taken.state if taken else state
    return steps


def quantities(values, **setting):
    return [(taken.quantity, taken.decision) for taken in run(values, **setting)]


def standing_at(value):
    return CounterState(value, T0)


def test_the_first_value_seen_is_a_baseline_and_counts_nothing():
    assert quantities([84231]) == [(0, Decision.BASELINE)]


def test_a_counter_that_passes_its_modulus_has_rolled_over():
    assert quantities([5], start=standing_at(32760), modulus=32768) == [(13, Decision.ROLLOVER)]


def test_a_rollover_at_a_known_speed_is_judged_by_the_speed():
    fast = {"start": standing_at(32760), "modulus": 32768, "max_per_minute": 600}
    assert quantities([5], **fast) == [(13, Decision.ROLLOVER)]
    assert quantities([40], **fast) == [(0, Decision.RESET)]
    assert quantities([16], **fast) == [(16, Decision.RESET)]


def test_a_counter_set_to_zero_counts_what_it_shows_afterwards():
    assert quantities([0, 12], start=standing_at(5000), modulus=32768) == [
        (0, Decision.RESET),
        (12, Decision.COUNTED),
    ]
    assert quantities([12], start=standing_at(5000), modulus=32768) == [(12, Decision.RESET)]


def test_without_a_modulus_every_drop_is_a_reset():
    assert quantities([5], start=standing_at(32760)) == [(5, Decision.RESET)]


def test_a_setting_says_that_what_is_shown_after_a_reset_does_not_count():
    assert quantities([12, 15], start=standing_at(5000), count_after_reset=False) == [
        (0, Decision.RESET),
        (3, Decision.COUNTED),
    ]


def test_a_reset_to_an_implausible_value_counts_nothing():
    assert quantities([3000], start=standing_at(5000), max_per_minute=120) == [
        (0, Decision.RESET)
    ]


def test_an_implausible_rise_counts_nothing_and_the_count_goes_on_from_there():
    assert quantities([101, 9000, 9002], start=standing_at(100), max_per_minute=120) == [
        (1, Decision.COUNTED),
        (0, Decision.JUMP),
        (2, Decision.COUNTED),
    ]


def test_a_rise_is_plausible_up_to_the_margin_and_two_pieces():
    # 120 a minute is 2 in a second; half as many again and two pieces are believed.
    assert quantities([5], start=standing_at(0), max_per_minute=120) == [(5, Decision.COUNTED)]
    assert quantities([6], start=standing_at(0), max_per_minute=120) == [(0, Decision.JUMP)]


def test_the_longer_the_gap_the_more_is_plausible():
    minute = {"period": timedelta(minutes=1), "max_per_minute": 120}
    assert quantities([180], start=standing_at(0), **minute) == [(180, Decision.COUNTED)]


@pytest.mark.parametrize(
    ("before", "value", "setting"),
    [
        (0, MOST + 1, {}),
        (2**62, 2**62 - 1, {"modulus": 2**62}),
        (2**62 + 1, 2**62, {}),
        (0, MOST + 1, {"max_per_minute": 1e15}),
    ],
)
def test_more_pieces_than_any_machine_makes_are_none_however_they_are_read(
    before, value, setting
):
    (taken,) = run([value], start=standing_at(before), **setting)
    assert (taken.quantity, taken.decision) == (0, Decision.JUMP)
    assert taken.state == CounterState(value, T0 + SECOND, away_from=before)


def test_the_most_that_is_believed_is_counted():
    assert quantities([MOST], start=standing_at(0)) == [(MOST, Decision.COUNTED)]


@pytest.mark.parametrize("value", [-1, -32768, 2**63])
def test_an_impossible_value_is_refused_and_the_counter_stays_as_it_was(value):
    refused, next_one = run([value, 107], start=standing_at(100))
    assert refused is None
    assert (next_one.quantity, next_one.after) == (7, T0)


def test_a_reading_that_is_not_newer_is_refused():
    reading = CounterReading(kind="good", value=9)
    assert step(standing_at(5), reading, T0) is None
    assert step(standing_at(5), reading, T0 - SECOND) is None


@pytest.mark.parametrize("setting", [{}, {"modulus": 2**17}, {"count_after_reset": False}])
def test_a_counter_that_shows_zeros_after_a_power_up_goes_on_from_where_it_stood(setting):
    stood = {"start": standing_at(84231), **setting}
    assert quantities([0, 84231], **stood) == [(0, Decision.RESET), (0, Decision.RESUMED)]
    assert quantities([0, 0, 0, 84236, 84237], **stood) == [
        (0, Decision.RESET),
        (0, Decision.COUNTED),
        (0, Decision.COUNTED),
        (5, Decision.RESUMED),
        (1, Decision.COUNTED),
    ]


def test_a_counter_that_comes_back_says_from_where_it_counts():
    _, _, back = run([0, 0, 84236], start=standing_at(84231))
    assert (back.value_before, back.value, back.after, back.at) == (
        84231,
        84236,
        T0 + 2 * SECOND,
        T0 + 3 * SECOND,
    )
    assert back.state == CounterState(84236, back.at, back.at)
    assert back.is_noteworthy


def test_a_counter_that_moves_to_below_where_it_stood_was_reset_for_good():
    steps = run([0, 12, 84000], start=standing_at(84231))
    assert [taken.quantity for taken in steps] == [0, 12, 83988]
    assert [taken.state.away_from for taken in steps] == [84231, None, None]


def test_a_counter_of_known_speed_that_comes_back_too_far_on_has_jumped():
    fast = {"start": standing_at(84231), "max_per_minute": 120}
    assert quantities([0, 84236], **fast) == [(0, Decision.RESET), (5, Decision.RESUMED)]
    assert quantities([0, 84237], **fast) == [(0, Decision.RESET), (0, Decision.JUMP)]


@pytest.mark.parametrize("speed", [{}, {"max_per_minute": 60_000}])
def test_zeros_close_below_the_modulus_are_a_rollover_only_of_a_few_pieces(speed):
    turns = {"modulus": 32768, **speed}
    assert quantities([0, 5], start=standing_at(32768 - TO_ZERO), **turns) == [
        (TO_ZERO, Decision.ROLLOVER),
        (5, Decision.COUNTED),
    ]
    assert quantities([0, 32751], start=standing_at(32750), **turns) == [
        (18, Decision.ROLLOVER),
        (0, Decision.RESUMED),
    ]
    assert quantities([0, 32701], start=standing_at(32700), **turns) == [
        (0, Decision.RESET),
        (1, Decision.RESUMED),
    ]


def test_a_counter_that_jumped_and_comes_back_goes_on_from_where_it_stood():
    known = {"start": standing_at(100), "max_per_minute": 60}
    assert quantities([9000, 9000, 102], **known) == [
        (0, Decision.JUMP),
        (0, Decision.COUNTED),
        (2, Decision.RESUMED),
    ]
    assert quantities([2**32 - 1, 102], start=standing_at(100)) == [
        (0, Decision.JUMP),
        (2, Decision.RESUMED),
    ]


def test_a_counter_that_begins_anew_takes_its_next_value_for_a_baseline():
    anew = CounterState(84231, T0, T0, 90000, begins_anew=True)
    steps = run([500, 503], start=anew)
    assert [(taken.quantity, taken.decision) for taken in steps] == [
        (0, Decision.BASELINE),
        (3, Decision.COUNTED),
    ]
    assert steps[0].state == CounterState(500, T0 + SECOND)
    assert step(anew, CounterReading(kind="good", value=500), T0) is None


def test_a_signed_word_counts_on_into_its_negative_half_and_around():
    word = {"span": 1 << 16}
    assert quantities([32768], start=standing_at(32767), **word) == [(1, Decision.COUNTED)]
    assert quantities([5], start=standing_at(65530), **word) == [(11, Decision.ROLLOVER)]
    assert quantities([5], start=standing_at(32767), **word) == [(5, Decision.RESET)]


def test_more_than_half_a_turn_of_a_signed_word_is_a_step_back_and_counts_nothing():
    word = {"span": 1 << 16}
    assert quantities([65535, 101], start=standing_at(100), **word) == [
        (0, Decision.JUMP),
        (1, Decision.RESUMED),
    ]
    down = run([0, 65535, 65534, 65533], start=standing_at(1), **word)
    assert [taken.quantity for taken in down] == [0, 0, 0, 0]


def test_an_increment_carries_what_was_read_and_when():
    (taken,) = run([103], start=standing_at(100))
    assert (taken.value_before, taken.value, taken.after, taken.at) == (
        100,
        103,
        T0,
        T0 + SECOND,
    )
    assert taken.state == CounterState(103, T0 + SECOND, T0 + SECOND)


def test_a_counter_remembers_when_it_last_counted_as_far_as_anybody_knows():
    first, still, moved, jumped, after = run([100, 100, 101, 9000, 9000], max_per_minute=60)
    assert [each.state.moved_at for each in (first, still)] == [None, None]
    assert moved.state.moved_at == moved.at
    assert [each.state.moved_at for each in (jumped, after)] == [None, None]


def test_a_counter_that_stands_still_is_not_worth_a_row():
    (taken,) = run([100], start=standing_at(100))
    assert (taken.quantity, taken.decision, taken.is_noteworthy) == (0, Decision.COUNTED, False)


counts = st.integers(0, 2**40)
settings_ = st.fixed_dictionaries(
    {},
    optional={
        "modulus": st.integers(1, 2**32),
        "max_per_minute": st.floats(0, 1e6),
        "count_after_reset": st.booleans(),
    },
)


@given(st.lists(counts, max_size=30), settings_)
def test_no_increment_is_negative_and_only_the_first_is_a_baseline(values, setting):
    steps = run(values, **setting)
    assert all(taken.quantity >= 0 for taken in steps)
    assert [taken.decision is Decision.BASELINE for taken in steps] == [
        number == 0 for number in range(len(values))
    ]


@given(counts, st.lists(st.integers(0, 1000), max_size=30))
def test_the_increments_of_a_rising_counter_add_up_to_its_rise(first, rises):
    values = [first]
    for rise in rises:
        values.append(values[-1] + rise)
    assert sum(taken.quantity for taken in run(values)) == values[-1] - first


@given(
    st.integers(100, 2**32),
    st.data(),
    st.lists(st.integers(0, 20), max_size=50),
    st.booleans(),
)
def test_the_increments_of_a_counter_that_rolls_over_are_what_was_made(
    modulus, data, made, has_speed
):
    start = data.draw(st.integers(0, modulus - 1))
    most = int(modulus * BLIND_SHARE)
    made = [min(pieces, most) for pieces in made]
    total, values = start, [start]
    for pieces in made:
        total += pieces
        values.append(total % modulus)
    setting = {"modulus": modulus} | ({"max_per_minute": 1200.0} if has_speed else {})
    assert sum(taken.quantity for taken in run(values, **setting)) == sum(made)


@given(st.lists(counts, min_size=2, max_size=30), st.floats(0, 1e5), settings_)
def test_no_counter_of_known_speed_counts_more_than_it_could_have_made(
    values, fastest, setting
):
    steps = run(values, **setting | {"max_per_minute": fastest})
    assert all(taken.quantity <= fastest / 60 * 1.5 + SLACK for taken in steps)


@given(
    st.integers(1, 2**40),
    st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 3)), max_size=30),
    st.booleans(),
)
def test_zeros_between_its_readings_change_nothing_of_what_a_counter_has_made(
    first, moves, count_after_reset
):
    value, values = first, [first]
    for rise, zeros in moves:
        value += rise
        values += [0] * zeros + [value]
    steps = run(values, count_after_reset=count_after_reset)
    assert sum(taken.quantity for taken in steps) == value - first


@given(
    st.integers(100, 2**32),
    st.data(),
    st.lists(st.integers(1, 3), max_size=10),
    st.booleans(),
)
def test_a_standing_counter_that_only_loses_its_power_makes_next_to_nothing(
    modulus, data, outages, has_speed
):
    stands = data.draw(st.integers(1, modulus - 1))
    values = [stands] + [value for zeros in outages for value in (*[0] * zeros, stands)]
    setting = {"modulus": modulus} | ({"max_per_minute": 1e6} if has_speed else {})
    made = sum(taken.quantity for taken in run(values, **setting))
    assert made <= TO_ZERO * len(outages)
    assert made == 0 or modulus - stands <= TO_ZERO


@given(
    st.sampled_from([8, 16, 32]),
    st.data(),
    st.lists(st.integers(0, 20), max_size=50),
    st.booleans(),
)
def test_the_increments_of_a_signed_word_are_what_was_made_wherever_it_stands(
    bits, data, made, has_speed
):
    span = 1 << bits
    # Around its two ends; a turn within its positive half is none that anybody has told of.
    start = data.draw(st.integers(0, 1000).map(lambda n: (span // 2 - 500 + n) % span))
    total, values = start, [start]
    for pieces in made:
        total += pieces
        values.append(total % span)
    setting = {"span": span} | ({"max_per_minute": 1200.0} if has_speed else {})
    assert sum(taken.quantity for taken in run(values, **setting)) == sum(made)

"""How a call climbs: levels in order, reminders without end, two clocks, and who would be told."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from andon.choices import EscalationStatus, StepKind
from andon.escalation import (
    Ladder,
    Level,
    Outcome,
    Present,
    Recipient,
    Step,
    advance,
    anew,
    climb,
    next_due,
    second_clock,
    thawed,
    who_would_be_told,
)
from tests.factories import T0, at

LEVEL, REMINDER, RESOLVE_DUE, SHELF_END = StepKind
MANAGER = Recipient(kind="role", key="shift_manager", name="Shift manager")


def ladder(*after, every=60, resolve=600):
    return Ladder(
        name="Test",
        acknowledge_within_s=60,
        resolve_within_s=resolve,
        levels=tuple(
            Level(
                number=number,
                after_s=seconds,
                reminder_every_s=every,
                channels=("live",),
                recipients=(MANAGER,),
            )
            for number, seconds in enumerate(after, 1)
        ),
    )


THREE = ladder(0, 100, 200)
LADDERS = st.builds(
    lambda gaps, every, resolve: ladder(
        *[sum(gaps[: place + 1]) for place in range(len(gaps))], every=every, resolve=resolve
    ),
    st.lists(st.integers(0, 300), min_size=1, max_size=4),
    st.integers(1, 120),
    st.integers(1, 900),
)


def said(outcome):
    return [(each.step.kind, each.step.level, each.step.n) for each in outcome.fired]


def due(steps):
    return [(step.kind, step.level, (step.due_at - T0).total_seconds()) for step in steps]


def test_the_schedule_of_a_call_is_written_with_it():
    assert due(climb(THREE, 1, 1, T0)) == [(LEVEL, 1, 0), (LEVEL, 2, 100), (LEVEL, 3, 200)]
    late = ladder(30, 90)
    assert due(climb(late, 1, 1, T0)) == [(LEVEL, 1, 30), (LEVEL, 2, 90)]


def test_a_later_level_begins_at_once_and_the_ones_above_keep_their_distance():
    assert due(climb(THREE, 2, 2, T0)) == [(LEVEL, 2, 0), (LEVEL, 3, 100)]
    assert due(climb(THREE, 2, 9, T0)) == [(LEVEL, 3, 0)]


def test_reminders_are_between_the_levels_and_never_end_on_the_last():
    present, pending = Present(), climb(THREE, 1, 1, T0)
    told = []
    for seconds in range(0, 400, 10):
        outcome = advance(THREE, present, pending, at(seconds))
        present, pending = outcome.present, outcome.pending
        told += [(seconds, *each) for each in said(outcome)]
    assert told == [
        (0, LEVEL, 1, 0),
        (60, REMINDER, 1, 1),
        (100, LEVEL, 2, 0),
        (160, REMINDER, 2, 1),
        (200, LEVEL, 3, 0),
        (260, REMINDER, 3, 1),
        (320, REMINDER, 3, 2),
        (380, REMINDER, 3, 3),
    ]
    assert present == Present(1, 3, EscalationStatus.OPEN, 3)
    assert due(pending) == [(REMINDER, 3, 440)]


def test_missed_levels_fire_in_order_and_late_and_missed_reminders_collapse():
    first = advance(THREE, Present(), climb(THREE, 1, 1, T0), T0)
    later = advance(THREE, first.present, first.pending, at(500))
    assert said(later) == [(LEVEL, 2, 0), (LEVEL, 3, 0)]
    assert [each.late for each in later.fired] == [
        timedelta(seconds=400),
        timedelta(seconds=300),
    ]
    assert due(later.collapsed) == [(REMINDER, 1, 60)]
    assert due(later.pending) == [(REMINDER, 3, 560)]
    latest = advance(THREE, later.present, later.pending, at(1000))
    assert said(latest) == [(REMINDER, 3, 1)]
    assert due(latest.pending) == [(REMINDER, 3, 1040)]


def test_a_level_takes_the_reminder_of_the_one_below_away():
    slow = ladder(0, 100, every=150)
    first = advance(slow, Present(), climb(slow, 1, 1, T0), T0)
    second = advance(slow, first.present, first.pending, at(100))
    assert due(second.cancelled) == [(REMINDER, 1, 150)]
    both = ladder(0, 0)
    at_once = advance(both, Present(), climb(both, 1, 1, T0), T0)
    assert said(at_once) == [(LEVEL, 1, 0), (LEVEL, 2, 0)]
    assert (due(at_once.planned), at_once.cancelled) == ([(REMINDER, 2, 60)], [])


def test_an_answer_that_solves_nothing_in_time_climbs_to_the_next_level():
    present = Present(1, 2, EscalationStatus.ACKNOWLEDGED, 3)
    step = second_clock(THREE, present, T0)
    assert due([step]) == [(RESOLVE_DUE, 2, 600)]
    outcome = advance(THREE, present, [step], at(601))
    assert said(outcome) == [(RESOLVE_DUE, 2, 0), (LEVEL, 3, 0)]
    assert outcome.present == Present(2, 3, EscalationStatus.OPEN, 0)
    top = Present(1, 3, EscalationStatus.ACKNOWLEDGED)
    again = advance(THREE, top, [second_clock(THREE, top, T0)], at(600))
    assert said(again) == [(RESOLVE_DUE, 3, 0), (LEVEL, 3, 0)]


def test_a_shelf_that_ends_lets_the_call_climb_from_the_level_it_had():
    for level, expected in ((0, 1), (2, 2)):
        step = Step(2, SHELF_END, level, 0, T0)
        outcome = advance(THREE, Present(2, level), [step], T0)
        assert said(outcome) == [(SHELF_END, level, 0), (LEVEL, expected, 0)]
        assert outcome.present.gen == 3


def test_nothing_is_due_of_nothing():
    assert next_due([]) is None
    assert advance(THREE, Present(), [], T0) == Outcome(Present(), [])


def test_a_frozen_policy_thaws_as_it_was():
    assert thawed(THREE.frozen()) == THREE
    assert THREE.level(0).number == 1
    assert THREE.level(7).number == THREE.top == 3


def test_who_would_be_told_if_nobody_reacts():
    told = who_would_be_told(THREE, T0, lambda level, moment: moment, at(330))
    assert [(each.kind, each.level.number, each.whom) for each in told] == [
        (LEVEL, 1, at(0)),
        (REMINDER, 1, at(60)),
        (LEVEL, 2, at(100)),
        (REMINDER, 2, at(160)),
        (LEVEL, 3, at(200)),
        (REMINDER, 3, at(260)),
        (REMINDER, 3, at(320)),
    ]


@settings(deadline=None, max_examples=50)
@given(LADDERS, st.lists(st.integers(0, 2000), max_size=30))
def test_whenever_sweeps_come_levels_fire_once_in_order_and_never_early(given_ladder, moments):
    present, pending = Present(), climb(given_ladder, 1, 1, T0)
    levels = []
    for seconds in sorted(moments):
        now = at(seconds)
        outcome = advance(given_ladder, present, pending, now)
        assert advance(given_ladder, outcome.present, outcome.pending, now) == Outcome(
            outcome.present, outcome.pending
        )
        assert all(each.late >= timedelta() for each in outcome.fired)
        assert all(step.due_at > now for step in outcome.pending)
        assert len({step.key for step in outcome.pending}) == len(outcome.pending) >= 1
        levels += [each.step.level for each in outcome.fired if each.step.kind is LEVEL]
        assert sum(each.step.kind is REMINDER for each in outcome.fired) <= 1
        present, pending = outcome.present, outcome.pending
    assert levels == list(range(1, len(levels) + 1))


@settings(deadline=None, max_examples=50)
@given(LADDERS, st.integers(1, 1200))
def test_the_question_and_the_sweep_give_the_same_answer(given_ladder, horizon):
    asked = [
        (each.at, each.kind, each.level.number)
        for each in who_would_be_told(given_ladder, T0, lambda *_: None, at(horizon))
    ]
    swept = []
    present, pending = Present(), climb(given_ladder, 1, 1, T0)
    for seconds in range(horizon + 1):
        outcome = advance(given_ladder, present, pending, at(seconds))
        present, pending = outcome.present, outcome.pending
        swept += [(each.step.due_at, each.step.kind, each.step.level) for each in outcome.fired]
    assert asked == swept


@pytest.mark.parametrize("status", EscalationStatus)
def test_what_begins_anew_is_open_on_its_level(status):
    assert anew(Present(4, 2, status, 5)) == Present(5, 2, EscalationStatus.OPEN, 0)

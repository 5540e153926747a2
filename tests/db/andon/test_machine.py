"""No call is missed, doubled or told too late, whatever happens in whatever order; a broken one is caught."""

import pytest
from django.db import connection
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.db.andon import machine as plant
from tests.db.andon.machine import Machine

pytestmark = pytest.mark.django_db

# Fewer on PostgreSQL, where each statement is a journey; both engines run the same machine.
EXAMPLES = 8 if connection.vendor == "postgresql" else 15


def test_whatever_happens_every_level_takes_effect_once_in_order_and_in_time():
    run_state_machine_as_test(
        Machine,
        settings=settings(
            deadline=None,
            derandomize=True,
            database=None,
            max_examples=EXAMPLES,
            stateful_step_count=30,
            suppress_health_check=list(HealthCheck),
        ),
    )


def calls_and_sweeps(given, *moments):
    given.somebody_calls(0, None)
    for seconds in moments:
        given.time_passes(seconds)
        given.a_worker_sweeps(0)


def the_clock_goes_back(given):
    calls_and_sweeps(given, 1)
    given.the_clock_is_set(-3600)
    calls_and_sweeps(given, 100)


def nobody_answers(given):
    calls_and_sweeps(given, 1, 60, 60, 40, 40, 40)


def nothing_runs_for_a_while(given):
    calls_and_sweeps(given, 500)


def it_is_looked_at_before_its_time(given):
    calls_and_sweeps(given, 30)


def somebody_answers(given):
    calls_and_sweeps(given, 1)
    given.somebody_answers(0, 1, None)


def the_policy_is_edited(given):
    calls_and_sweeps(given, 1)
    given.somebody_edits_the_policy(7)
    calls_and_sweeps(given, 100)


STORIES = {
    plant.TwiceSaid: (nobody_answers, "P9|P10"),
    plant.BackInTime: (the_clock_goes_back, "P3"),
    plant.SilentAtTheTop: (nobody_answers, "P10"),
    plant.LevelsSkipped: (nothing_runs_for_a_while, "P5"),
    plant.TooEarly: (it_is_looked_at_before_its_time, "P6"),
    plant.AnswerIgnored: (somebody_answers, "P4"),
    plant.PolicyNotFrozen: (the_policy_is_edited, "P8"),
    plant.DeliveriesLost: (nobody_answers, "P2"),
}


@pytest.mark.parametrize("mutant", STORIES)
def test_a_broken_one_is_caught_by_what_a_whole_one_holds(mutant):
    story, caught = STORIES[mutant]
    with plant.plant(Machine) as whole:
        story(whole)
    with plant.plant(mutant) as broken, pytest.raises(AssertionError, match=caught):
        story(broken)

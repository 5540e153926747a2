"""No call is missed, doubled or told too late, whatever happens in whatever order; and the test would see it."""

import pytest
from django.db import connection
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.db.andon.machine import MUTANTS, Machine

pytestmark = pytest.mark.django_db

# Fewer on PostgreSQL, where each statement is a journey; both engines run the same machine.
EXAMPLES = 12 if connection.vendor == "postgresql" else 25
_COMMON = settings(
    deadline=None,
    derandomize=True,
    database=None,
    stateful_step_count=30,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)


def test_whatever_happens_every_level_takes_effect_once_in_order_and_in_time():
    run_state_machine_as_test(Machine, settings=settings(_COMMON, max_examples=EXAMPLES))


@pytest.mark.skipif(
    connection.vendor == "postgresql", reason="what the test sees does not depend on the engine"
)
@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_broken_one_is_caught(mutant):
    with pytest.raises(AssertionError, match=r"P\d|fact|open"):
        run_state_machine_as_test(
            mutant,
            settings=settings(_COMMON, max_examples=200, phases=[Phase.generate]),
        )

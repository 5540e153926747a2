"""The chaos smoke of the gate: a whole stack is hurt on the database of this run, and nothing is lost.

On PostgreSQL it starts a server of its own, since the one of the other tests must not be crashed.
"""

import os

import pytest

from tests.faults import mutants
from tests.faults.floor import LINES
from tests.faults.hurts import base, guests, layer, web
from tests.faults.run import Result, run_row
from tests.faults.stack import Stack
from tests.faults.table import AWAY, BROKER, Row, whole
from tests.faults.talk import Talker

SEED = 20_261_123
CLIENTS = 12

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def engine():
    url = os.environ.get("DATABASE_URL", "")
    return "postgresql" if url.startswith("postgres") else "sqlite"


@pytest.fixture(scope="module")
def stack(engine):
    with Stack(engine, plcs=False) as running:
        yield running


def hurt(stack, name, what, check, **fields) -> Result:
    """Run a row; return what it came to, once it is known that it held."""
    row = Row(name, what, "nothing is lost", check, **fields)
    result = run_row(stack, row, SEED, CLIENTS)
    assert result.failed == ""
    assert result.verdict.faults() == {}
    assert result.verdict.secrets_seen > 0
    return result


def test_killed_web_processes_cost_nobody_a_fact(stack):
    result = hurt(stack, "web killed", lambda case: web.killed(case, 2), whole)
    assert result.injections == 2
    assert result.verdict.resumes >= CLIENTS / 2


def test_a_restarted_redis_costs_nobody_a_fact(stack):
    result = hurt(stack, "Redis", layer.restarted_quietly, whole, errors=BROKER)
    assert (result.injections, result.verdict.reconnects) == (2, 0)


def test_a_database_that_is_crashed_or_locked_costs_no_committed_fact(stack, engine):
    if engine == "sqlite":
        result = hurt(
            stack, "locked", lambda case: base.locked(case, (4.0,)), whole, errors=AWAY
        )
    else:
        result = hurt(stack, "crashed", lambda case: base.crashed(case, 1), whole, errors=AWAY)
    assert result.injections == 1


def test_clients_that_were_away_are_brought_all_they_missed(stack):
    result = hurt(stack, "away", lambda case: guests.away(case, 5.0), whole, fronts=True)
    assert result.verdict.resumes >= CLIENTS


def test_what_is_appended_during_a_look_is_no_hole(stack):
    observer = stack.observer
    with Talker("tests.faults.observer", stack.environment, stack.root) as busy:
        busy.ask("say", line=LINES[0], count=1)
        before = observer.ask("heads")[LINES[0]][1]
        busy.say("say", line=LINES[0], count=400)
        looks = [observer.ask("holes") for _ in range(40)]
        busy.hear()
    assert observer.ask("heads")[LINES[0]][1] >= before + 400
    assert [look for look in looks if look] == []


def test_a_server_that_leaves_a_gap_after_the_replay_is_found_out(engine):
    verdict = mutants.caught(mutants.GAP, SEED)
    assert verdict.lost > 0

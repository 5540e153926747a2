"""A small run under kill -9: each level once, in order, none after an answer, nothing lost on the way out.

How late things are is measured by the large run (`make andon-kills`); a busy machine stretches times.
"""

from dataclasses import replace

import pytest
from django.db import connection

from tests.andon_kills.play import Plan
from tests.andon_kills.running import play

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(400)]

PLAN = Plan(
    calls=30,
    kills=6,
    outages=1,
    length_s=12,
    outage_s=(1.0, 2.0),
    sweepers=2,
    senders=1,
    lines=5,
    settle_s=200,
    seed=4,
    wait_for_leases=False,
)


def test_a_few_calls_under_kills_take_effect_once_and_in_order():
    # SQLite has one writer at a time, whom five programs wait for.
    plan = PLAN if connection.vendor != "sqlite" else replace(PLAN, calls=15, kills=4, lines=3)
    ledger, verdict = play(plan)
    assert verdict.wrong == {}
    assert verdict.calls == plan.calls
    assert ledger.kills >= plan.kills
    assert len(ledger.outages) == plan.outages
    assert verdict.levels >= plan.calls
    assert verdict.webhooks > 0
    assert verdict.mails > 0

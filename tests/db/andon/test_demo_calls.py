"""The demo's calls: a rule for its jams, and a past of answered calls that no sweep finds open."""

import pytest

from andon.demo import load_rule, write_past
from andon.models import AndonCall, EscalationStep, Rule
from ms5.accounts.roles import Role
from production.models import Downtime, Reason
from tests.factories import at, equipment, user

pytestmark = pytest.mark.django_db


def test_long_stops_of_the_last_day_were_called_and_answered():
    machine = equipment()
    user(), user(Role.SHIFT_MANAGER)
    for begin, end in ((0, 60), (1_000, 1_600), (4_000, 4_900)):
        Downtime.objects.create(equipment=machine, started_at=at(begin), ended_at=at(end))
    Downtime.objects.create(equipment=machine, started_at=at(6_000))
    assert write_past(at(7_000)) == 2
    first, second = AndonCall.objects.order_by("raised_at")
    assert (first.raised_at, first.resolved_at, first.status) == (
        at(1_060),
        at(1_600),
        "resolved",
    )
    assert first.raised_at < first.acknowledged_at < first.resolved_at
    assert second.downtime.started_at == at(4_000)
    assert not EscalationStep.objects.filter(state="pending").exists()
    assert write_past(at(7_000)) == 0


def test_jams_raise_calls_by_a_rule_that_people_may_change():
    assert load_rule() is False  # without reasons there is nothing to go by
    Reason.objects.create(code="MAT_JAM", name="Material jam")
    assert load_rule() is True
    Rule.objects.update(is_active=False)
    assert load_rule() is False
    assert Rule.objects.get().is_active is False

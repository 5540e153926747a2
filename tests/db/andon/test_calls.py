"""Calls as people raise and answer them: guarded, idempotent, audited; each move with its fact."""

import json

import pytest

from andon.actions import calls
from andon.choices import StepState
from andon.models import CallEvent, EscalationStep
from ms5.accounts.models import AuditEntry
from ms5.accounts.roles import Role
from ms5.events.models import Event
from tests.factories import at, equipment, user

pytestmark = pytest.mark.django_db


class Floor:
    """A line with a machine, who works there, and who comes."""

    def __init__(self):
        self.machine = equipment(is_constraint=True)
        self.line = self.machine.line
        self.operator = user(first_name="Ada", last_name="Baker")
        self.boss = user(Role.SHIFT_MANAGER, first_name="Eve", last_name="Shift")
        self.fitter = user(Role.MAINTENANCE, first_name="Max", last_name="Fitter")

    def raised(self, seconds=0, **fields):
        given = {"category": "maintenance", "priority": "high", "description": "Film tears"}
        given |= {"equipment": self.machine, "actor": self.operator} | fields
        return calls.raise_call(self.line, at=at(seconds), **given)

    def said(self, type_="andon_event"):
        rows = Event.objects.filter(line_id=self.line.code, type=type_).order_by("seq")
        return [json.loads(row.text)["data"] for row in rows]


@pytest.fixture
def floor():
    return Floor()


def pending(call):
    rows = EscalationStep.objects.filter(
        escalation__call=call, state=StepState.PENDING
    ).order_by("due_at", "kind", "level")
    return [(row.gen, row.kind, row.level, row.due_at) for row in rows]


def test_a_call_goes_its_way_and_each_step_is_said(floor):
    call = floor.raised()
    call = calls.acknowledge(call, actor=floor.fitter, at=at(60), text="I come")
    call = calls.arrive(call, actor=floor.fitter, at=at(120))
    call = calls.resolve(call, actor=floor.fitter, at=at(600), text="New film")
    assert [(each["status"], each["version"]) for each in floor.said()] == [
        ("open", 1),
        ("acknowledged", 2),
        ("arrived", 3),
        ("resolved", 4),
    ]
    happened = [each["happened"] for each in floor.said("escalation_update")]
    assert happened == ["acknowledged", "closed"]
    assert floor.said()[-1] | {"id": 0, "escalation_id": 0} == {
        "id": 0,
        "equipment_code": floor.machine.code,
        "category": "maintenance",
        "priority": "high",
        "description": "Film tears",
        "status": "resolved",
        "raised_by": "Ada Baker",
        "raised_by_id": floor.operator.pk,
        "rule": None,
        "raised_at": "2026-11-23T10:00:00Z",
        "occurrences": 1,
        "last_raised_at": "2026-11-23T10:00:00Z",
        "acknowledged_by": "Max Fitter",
        "acknowledged_at": "2026-11-23T10:01:00Z",
        "arrived_by": "Max Fitter",
        "arrived_at": "2026-11-23T10:02:00Z",
        "resolved_by": "Max Fitter",
        "resolved_at": "2026-11-23T10:10:00Z",
        "resolution": "New film",
        "cancelled_by": None,
        "cancelled_at": None,
        "ended_at": "2026-11-23T10:10:00Z",
        "acknowledge_due_at": "2026-11-23T10:05:00Z",
        "resolve_due_at": "2026-11-23T10:31:00Z",
        "escalation_id": 0,
        "escalation_level": 0,
        "downtime_id": None,
        "quality_alert_id": None,
        "job_id": None,
        "version": 4,
        "normal_at": None,
        "shelved_until": None,
        "shelved_by": None,
        "shelf_reason": None,
    }
    deeds = AuditEntry.objects.filter(subject_type="andon.andoncall").order_by("pk")
    assert [(each.action, each.actor_name, each.line_id) for each in deeds] == [
        ("andoncall.raise", "Ada Baker", floor.line.code),
        ("andoncall.acknowledge", "Max Fitter", floor.line.code),
        ("andoncall.arrive", "Max Fitter", floor.line.code),
        ("andoncall.resolve", "Max Fitter", floor.line.code),
    ]
    history = CallEvent.objects.filter(call=call).values_list("verb", "text")
    assert list(history) == [
        ("raise", "Film tears"),
        ("acknowledge", "I come"),
        ("arrive", ""),
        ("resolve", "New film"),
    ]

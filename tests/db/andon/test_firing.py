"""Escalations take effect: in order, once, with facts and deliveries, and none after an answer."""

import pytest

from andon.actions import calls, shelving
from andon.choices import DeliveryState, StepState
from andon.models import Contact, Delivery, Endpoint, Escalation, EscalationStep
from andon.public import newest, open_escalations
from andon.sweep import sweep_at
from ms5.accounts.roles import Role
from production.models import LineAccess
from tests.db.andon.test_calls import Floor, pending
from tests.factories import at, line, user

pytestmark = pytest.mark.django_db


@pytest.fixture
def floor():
    return Floor()


def fired(call):
    rows = EscalationStep.objects.filter(escalation__call=call, state=StepState.FIRED)
    return [
        (row.gen, row.kind, row.level, row.n, row.late_ms // 1000)
        for row in rows.order_by("fired_at", "gen", "due_at", "level")
    ]


def happened(floor):
    return [
        (each["happened"], each["level"], each["reminders"], each["late_ms"] // 1000)
        for each in floor.said("escalation_update")
    ]


def test_a_call_climbs_and_reminds_until_somebody_answers(floor):
    call = floor.raised()  # high: 5 minutes to answer
    for seconds in (0, 1, 300, 601, 900, 1200, 1500):
        sweep_at(at(seconds))
    assert happened(floor) == [
        ("level", 1, 0, 0),
        ("level", 2, 0, 0),
        ("level", 3, 0, 1),
        ("reminder", 3, 1, 0),
        ("reminder", 3, 2, 0),
        ("reminder", 3, 3, 0),
    ]
    assert [each["escalation_level"] for each in floor.said()] == [0, 1, 2, 3]
    assert {each["version"] for each in floor.said()} == {1}
    assert pending(call) == [(1, "reminder", 3, at(1800))]
    calls.acknowledge(call, actor=floor.fitter, at=at(1600))
    assert sweep_at(at(1900)) == 0
    assert pending(call) == [(1, "resolve_due", 3, at(3400))]


def test_an_answered_call_that_is_not_resolved_climbs_on(floor):
    call = floor.raised()
    sweep_at(at(0))
    call = calls.acknowledge(call, actor=floor.fitter, at=at(60))
    assert sweep_at(at(1860)) == 2
    assert happened(floor)[1:] == [
        ("acknowledged", 1, 0, 0),
        ("resolve_due", 1, 0, 0),
        ("level", 2, 0, 0),
    ]
    call = calls.acknowledge(call, actor=floor.boss, at=at(1900))
    assert (call.acknowledged_by, call.acknowledged_at) == (floor.fitter, at(60))
    assert pending(call) == [(2, "resolve_due", 2, at(3700))]


def test_missed_levels_take_effect_in_order_and_missed_reminders_as_one(floor):
    call = floor.raised()
    assert sweep_at(at(2000)) == 3
    assert happened(floor) == [
        ("level", 1, 0, 2000),
        ("level", 2, 0, 1700),
        ("level", 3, 0, 1400),
    ]
    assert pending(call) == [(1, "reminder", 3, at(2100))]
    assert sweep_at(at(2000)) == 0
    sweep_at(at(5000))
    assert happened(floor)[3:] == [("reminder", 3, 1, 2900)]
    assert pending(call) == [(1, "reminder", 3, at(5100))]


def test_everybody_of_the_level_who_sees_the_line_is_told_by_every_way_they_have(floor):
    admin = user(Role.ADMIN, email="root@bakery.test")
    engineer = user(Role.ENGINEER, all_lines=False)
    LineAccess.objects.create(user=engineer, line=floor.line)
    user(Role.ENGINEER, all_lines=False)
    user(Role.ENGINEER, is_active=False)
    phone = Contact.objects.create(user=floor.boss, kind="apprise", address="sms://1")
    hook = Endpoint.objects.create(name="ERP", kind="webhook", address="https://erp.test/")
    other = Endpoint.objects.create(name="Other", kind="webhook", address="https://o.test/")
    other.lines.add(line())
    Endpoint.objects.create(
        name="Quality", kind="webhook", address="https://q.test/", categories=["quality"]
    )
    Endpoint.objects.create(
        name="Worst", kind="webhook", address="https://w.test/", least_priority="critical"
    )
    floor.raised()
    sweep_at(at(1))
    step = EscalationStep.objects.get(state=StepState.FIRED).pk
    told = Delivery.objects.order_by("key").values_list("key", "state", "address")
    assert set(told) == {
        (f"{step}:u{floor.boss.pk}:live", DeliveryState.SENT, ""),
        (f"{step}:u{admin.pk}:live", DeliveryState.SENT, ""),
        (f"{step}:u{engineer.pk}:live", DeliveryState.SENT, ""),
        (f"{step}:u{admin.pk}:email", DeliveryState.PENDING, "root@bakery.test"),
        (f"{step}:c{phone.pk}:apprise", DeliveryState.PENDING, "sms://1"),
        (f"{step}:e{hook.pk}:webhook", DeliveryState.PENDING, ""),
    }
    fact = floor.said("escalation_update")[0]
    assert set(fact["recipient_ids"]) == {floor.boss.pk, admin.pk, engineer.pk}
    roles = ["shift manager", "Engineer", "production manager", "Admin"]
    assert fact["recipients"] == roles
    assert (fact["next"], fact["next_due_at"]) == ("level", "2026-11-23T10:05:00Z")
    payload = Delivery.objects.first().payload
    assert (payload["happened"], payload["level"], payload["late_ms"]) == ("level", 1, 1000)


def test_a_snapshot_tells_what_the_newest_fact_told(floor):
    call = floor.raised()
    assert open_escalations([floor.line]) == []
    sweep_at(at(0))
    (item,) = open_escalations([floor.line])
    assert newest(Escalation.objects.get()) == item.data
    calls.resolve(call, actor=floor.boss, at=at(5))
    assert open_escalations([floor.line]) == []


def test_a_shelved_call_rests_and_then_climbs_anew_by_itself(floor):
    call = floor.raised()
    sweep_at(at(0))
    call = shelving.shelve(call, actor=floor.boss, at=at(10), until=at(3610), text="Known")
    assert sweep_at(at(3600)) == 0
    assert pending(call) == [(2, "shelf_end", 1, at(3610))]
    assert sweep_at(at(3611)) == 2
    assert happened(floor)[1:] == [
        ("shelved", 1, 0, 0),
        ("resumed", 1, 0, 1),
        ("level", 1, 0, 1),
    ]
    call.refresh_from_db()
    assert (call.shelved_until, call.acknowledge_due_at) == (None, at(3910))
    assert pending(call) == [
        (3, "level", 2, at(3910)),
        (3, "reminder", 1, at(3910)),
        (3, "level", 3, at(4210)),
    ]

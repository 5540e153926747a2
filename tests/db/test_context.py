"""The context of an equipment: what a person or a PLC says about it, with its history."""

import logging

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from ms5.accounts.models import AuditEntry
from production.actions import observe, set_context
from production.models import Context, ContextChange
from tests.factories import at, equipment, observation, product, user

pytestmark = pytest.mark.django_db


def changes_of(on):
    return list(ContextChange.objects.filter(equipment=on).order_by("at", "pk"))


def test_a_person_sets_the_context_and_the_audit_says_who():
    machine, loaf, operator = equipment(), product(), user()
    context = set_context(
        machine, actor=operator, at=at(0), operator=operator, product=loaf, target_speed=90.0
    )
    assert Context.objects.get(pk=machine.pk) == context
    assert (context.operator, context.product, context.target_speed) == (operator, loaf, 90.0)
    (change,) = changes_of(machine)
    assert (change.at, change.actor, change.product, change.target_speed) == (
        at(0),
        operator,
        loaf,
        90.0,
    )
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.action, entry.line_id) == (
        operator,
        "context.change",
        machine.line.code,
    )
    assert entry.before == {"operator_id": None, "product_id": None, "target_speed": None}
    assert entry.after == {
        "operator_id": operator.pk,
        "product_id": loaf.pk,
        "target_speed": 90.0,
    }


def test_what_is_not_named_stays_as_it_is():
    machine, loaf, operator = equipment(), product(), user()
    set_context(machine, actor=operator, at=at(0), product=loaf)
    context = set_context(machine, actor=operator, at=at(1), target_speed=80.0)
    assert (context.product, context.target_speed) == (loaf, 80.0)
    assert AuditEntry.objects.latest("pk").after == {"target_speed": 80.0}


def test_to_say_what_is_so_already_is_no_change():
    machine, operator = equipment(), user()
    for second in range(3):
        set_context(machine, actor=operator, at=at(second), target_speed=80.0)
    assert len(changes_of(machine)) == 1
    assert AuditEntry.objects.count() == 1


def test_the_reason_of_a_planned_stop_goes_with_the_stop():
    machine, operator = equipment(), user()
    set_context(
        machine, actor=operator, at=at(0), planned_stop=True, planned_stop_reason="Cleaning"
    )
    context = set_context(machine, actor=operator, at=at(1), planned_stop=False)
    assert (context.planned_stop, context.planned_stop_reason) == (False, "")
    assert [change.planned_stop_reason for change in changes_of(machine)] == ["Cleaning", ""]


def test_a_target_speed_that_cannot_be_is_refused_and_leaves_no_trace():
    machine, operator = equipment(), user()
    with pytest.raises(ValidationError):
        set_context(machine, actor=operator, at=at(0), target_speed=0.0)
    assert changes_of(machine) == []
    assert AuditEntry.objects.count() == 0
    with pytest.raises(IntegrityError), transaction.atomic():
        Context.objects.create(equipment=machine, target_speed=0.0)


def test_a_context_has_no_other_fields():
    machine = equipment()
    with pytest.raises(TypeError, match="a context has no colour"):
        set_context(machine, actor=None, at=at(0), colour="red")


def test_a_plc_names_the_product_by_its_number_and_nobody_is_audited():
    machine, loaf, roll = equipment(), product(), product()
    for second in range(3):
        observe([observation(machine, second, product_number=loaf.plc_number)])
    observe([observation(machine, 3, product_number=roll.plc_number)])
    assert [(change.at, change.actor, change.product) for change in changes_of(machine)] == [
        (at(0), None, loaf),
        (at(3), None, roll),
    ]
    assert Context.objects.get(pk=machine.pk).product == roll
    assert AuditEntry.objects.count() == 0


def test_a_number_that_was_not_read_changes_nothing():
    machine, loaf = equipment(), product()
    observe([observation(machine, 0, product_number=loaf.plc_number), observation(machine, 1)])
    assert Context.objects.get(pk=machine.pk).product == loaf


def test_an_unknown_number_leaves_no_product_and_is_warned_of_once(caplog):
    machine, loaf = equipment(), product()
    observe([observation(machine, 0, product_number=loaf.plc_number)])
    with caplog.at_level(logging.WARNING):
        for second in range(1, 5):
            observe([observation(machine, second, product_number=987654)])
    assert [record.number for record in caplog.records] == [987654]
    assert [change.product for change in changes_of(machine)] == [loaf, None]


def test_an_unknown_number_is_warned_of_even_if_there_never_was_a_product(caplog):
    machine = equipment()
    with caplog.at_level(logging.WARNING):
        for second in range(3):
            observe([observation(machine, second, product_number=987654)])
    assert [record.number for record in caplog.records] == [987654]
    assert changes_of(machine) == []


def test_a_number_that_gets_its_product_later_is_known_from_then_on():
    machine = equipment()
    observe([observation(machine, 0, product_number=987654)])
    loaf = product(plc_number=987654)
    observe([observation(machine, 1, product_number=987654)])
    assert Context.objects.get(pk=machine.pk).product == loaf


def test_a_plc_that_repeats_itself_does_not_undo_what_a_person_said():
    machine, loaf, other, operator = equipment(), product(), product(), user()
    observe([observation(machine, 0, product_number=loaf.plc_number)])
    set_context(machine, actor=operator, at=at(0.5), product=other)
    observe([observation(machine, 1, product_number=loaf.plc_number)])
    assert Context.objects.get(pk=machine.pk).product == other
    third = product()
    observe([observation(machine, 2, product_number=third.plc_number)])
    assert Context.objects.get(pk=machine.pk).product == third

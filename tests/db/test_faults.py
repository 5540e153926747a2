"""Faults rise and clear as the set of active ones changes; the first of a stop explains it."""

import pytest
from django.db import IntegrityError, transaction

from production.actions import lose, observe
from production.models import Condition, Fault, Span
from tests.factories import T0, at, equipment, facts_of, fault, observation

pytestmark = pytest.mark.django_db

FILM = fault("Fault[3]", "Film broken", reason_code="MAT_FILM")
DOOR = fault("Fault[7]", "Guard open", severity="medium")
AIR = fault("Fault[9]", "Air pressure low", severity="low", source="upstream")


def see(on, seconds, state, *faults):
    observe([observation(on, seconds, state, faults=faults)])


def open_on(on):
    return sorted(Fault.objects.open().filter(equipment=on).values_list("code", flat=True))


def first_outs(on):
    rows = Fault.objects.filter(equipment=on, first_out=True).order_by("raised_at")
    return [row.code for row in rows]


def reason_of(on):
    return Condition.objects.get(pk=on.pk).reason


def test_a_fault_rises_once_and_clears_once():
    machine = equipment()
    see(machine, 0, "running")
    see(machine, 1, "faulted", FILM)
    see(machine, 2, "faulted", FILM)
    see(machine, 3, "stopped")
    see(machine, 4, "stopped")
    row = Fault.objects.get(equipment=machine)
    assert (row.raised_at, row.cleared_at, row.first_out) == (at(1), at(3), True)
    rose, cleared = facts_of(machine, "equipment_fault")
    assert rose["data"] == {
        "id": row.pk,
        "equipment_code": machine.code,
        "code": "Fault[3]",
        "text": "Film broken",
        "severity": "high",
        "source": "internal",
        "reason_code": "MAT_FILM",
        "raised_at": "2026-11-23T10:00:01Z",
        "cleared_at": None,
        "first_out": True,
    }
    assert cleared["data"] == rose["data"] | {"cleared_at": "2026-11-23T10:00:03Z"}
    assert (rose["timestamp"], cleared["timestamp"]) == (
        "2026-11-23T10:00:01Z",
        "2026-11-23T10:00:03Z",
    )


def test_faults_are_a_set_whose_order_and_repetition_mean_nothing():
    machine = equipment()
    see(machine, 0, "faulted", FILM, DOOR)
    see(machine, 1, "faulted", DOOR, FILM, FILM)
    assert open_on(machine) == ["Fault[3]", "Fault[7]"]
    assert len(facts_of(machine, "equipment_fault")) == 2


def test_message_bits_that_were_not_read_change_no_fault():
    machine = equipment()
    see(machine, 0, "faulted", FILM)
    observe([observation(machine, 1, "faulted", faults=None)])
    assert open_on(machine) == ["Fault[3]"]
    assert len(facts_of(machine, "equipment_fault")) == 1


def test_the_first_fault_of_a_stop_is_its_first_out_and_its_reason():
    machine = equipment()
    see(machine, 0, "running")
    see(machine, 1, "faulted", FILM, DOOR)
    see(machine, 2, "faulted", FILM, DOOR, AIR)
    assert first_outs(machine) == ["Fault[3]"]
    assert reason_of(machine) == "Film broken"
    state = facts_of(machine, "equipment_state")[-1]
    assert (state["data"]["state"], state["data"]["reason"]) == ("faulted", "Film broken")
    assert Span.objects.open().get(equipment=machine).reason == "Film broken"
    # What explains the state is said before the state that it explains.
    assert [fact["type"] for fact in facts_of(machine)][-4:-1] == [
        "equipment_fault",
        "equipment_fault",
        "equipment_state",
    ]


def test_a_fault_that_cleared_in_the_stop_remains_its_first_out():
    machine = equipment()
    see(machine, 0, "running")
    see(machine, 1, "faulted", FILM)
    see(machine, 2, "stopped")
    see(machine, 3, "faulted", DOOR)
    assert first_outs(machine) == ["Fault[3]"]
    assert reason_of(machine) == "Film broken"


def test_a_fault_that_rises_as_the_machine_slows_down_is_the_first_out():
    machine = equipment()
    see(machine, 0, "running")
    see(machine, 1, "running", FILM)
    see(machine, 2, "faulted", FILM, DOOR)
    assert first_outs(machine) == ["Fault[3]"]
    assert reason_of(machine) == "Film broken"


def test_a_stop_after_the_machine_ran_has_a_first_out_of_its_own():
    machine = equipment()
    see(machine, 0, "running")
    see(machine, 1, "faulted", FILM)
    see(machine, 2, "running")
    assert reason_of(machine) == ""
    see(machine, 3, "faulted", DOOR)
    assert first_outs(machine) == ["Fault[3]", "Fault[7]"]
    assert reason_of(machine) == "Guard open"


def test_a_fault_that_clears_as_the_machine_stops_is_not_of_that_stop():
    machine = equipment()
    see(machine, 0, "running", AIR)
    see(machine, 1, "faulted", DOOR)
    assert first_outs(machine) == ["Fault[9]", "Fault[7]"]
    assert reason_of(machine) == "Guard open"


def test_a_fault_that_comes_later_in_an_unexplained_stop_explains_it_from_then_on():
    machine = equipment()
    see(machine, 0, "running")
    see(machine, 1, "stopped")
    assert reason_of(machine) == ""
    see(machine, 3, "stopped", DOOR)
    said = facts_of(machine, "equipment_state")
    assert [(fact["data"]["state"], fact["data"]["reason"]) for fact in said] == [
        ("running", None),
        ("stopped", None),
        ("stopped", "Guard open"),
    ]
    assert said[-1]["timestamp"] == "2026-11-23T10:00:03Z"
    assert said[-1]["data"]["since"] == "2026-11-23T10:00:01Z"


def test_a_fault_explains_no_machine_that_idles_or_is_set_up():
    machine = equipment()
    see(machine, 0, "running")
    see(machine, 1, "idle", DOOR)
    assert reason_of(machine) == ""
    see(machine, 2, "starved", DOOR)
    assert reason_of(machine) == "Guard open"


def test_open_faults_stay_open_while_nothing_is_known_and_clear_when_they_are_seen_clear():
    machine = equipment()
    see(machine, 0, "running")
    see(machine, 1, "faulted", FILM)
    lose([machine.pk], "PLC does not answer", at(2))
    assert open_on(machine) == ["Fault[3]"]
    see(machine, 60, "faulted", FILM)
    assert open_on(machine) == ["Fault[3]"]
    assert reason_of(machine) == "Film broken"
    lose([machine.pk], "PLC does not answer", at(61))
    see(machine, 120, "running")
    assert open_on(machine) == []
    assert Fault.objects.get(equipment=machine).cleared_at == at(120)


def test_a_fault_may_come_back():
    machine = equipment()
    see(machine, 0, "faulted", FILM)
    see(machine, 1, "running")
    see(machine, 2, "faulted", FILM)
    assert Fault.objects.filter(equipment=machine).count() == 2
    assert open_on(machine) == ["Fault[3]"]


def test_machines_have_faults_of_their_own():
    first, second = equipment(), equipment()
    observe(
        [
            observation(first, 0, "faulted", faults=(FILM,)),
            observation(second, 0, "faulted", faults=(FILM, DOOR)),
        ]
    )
    observe([observation(first, 1, "running", faults=())])
    assert (open_on(first), open_on(second)) == ([], ["Fault[3]", "Fault[7]"])


def test_the_database_refuses_a_second_open_fault_of_a_code_and_one_that_clears_before_it_rose():
    machine = equipment()
    row = {
        "equipment": machine,
        "code": "Fault[3]",
        "text": "Film broken",
        "severity": "high",
        "source": "internal",
        "raised_at": T0,
    }
    Fault.objects.create(**row)
    for wrong in ({}, {"cleared_at": at(-1)}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Fault.objects.create(**row | wrong)
    Fault.objects.create(**row, cleared_at=at(1))

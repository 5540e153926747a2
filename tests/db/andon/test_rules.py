"""Rules raise calls from facts: once, when it has lasted, and not where it is known why."""

import msgspec
import pytest

from andon import starting
from andon.actions import calls
from andon.choices import CallStatus, DeliveryState, EscalationStatus, RuleKind
from andon.following import follow_at
from andon.models import AndonCall, Cursor, Delivery, Rule, Watch
from andon.sweep import sweep_at
from ms5.accounts.roles import Role
from ms5.events import facts
from ms5.events.facts import PlcStatus
from ms5.events.log import append, recording, renew
from ms5.events.models import Event
from production import starting as reasons
from production.actions import observe
from production.models import Changeover, Condition, Context, Fault, Shift
from production.processors import downtime
from tests.db.andon.test_calls import Floor
from tests.factories import at, equipment, fault, observation, product, user
from tests.samples import SAMPLES

pytestmark = pytest.mark.django_db


@pytest.fixture
def floor():
    made = Floor()
    follow_at(at(-1))
    return made


def rule(kind, **fields):
    given = {"name": f"Rule {kind}", "least_severity": "low", "category": "maintenance"}
    return Rule.objects.create(kind=kind, **given | fields)


def said(machine, seconds, state="faulted", faults=()):
    observe([observation(machine, seconds, state, faults=tuple(faults))])


def raised():
    rows = AndonCall.objects.order_by("pk")
    return [(row.category, row.priority, row.description, row.occurrences) for row in rows]


def test_a_message_bit_calls_once_for_as_long_as_it_lasts(floor):
    rule(RuleKind.MESSAGE_BIT, message="Fault[1]", delay_s=10)
    said(floor.machine, 0, faults=[fault(), fault("Fault[2]", "Door")])
    assert (follow_at(at(1)), follow_at(at(9))) == (0, 0)
    assert Watch.objects.get().due_at == at(10)
    assert (follow_at(at(10)), follow_at(at(11))) == (1, 0)
    assert raised() == [("maintenance", "high", "Film broken", 1)]
    call = AndonCall.objects.get()
    assert (call.rule.name, call.raised_by, call.equipment) == (
        "Rule message_bit",
        None,
        floor.machine,
    )
    said(floor.machine, 12, state="running")
    follow_at(at(12))
    call.refresh_from_db()
    assert (call.status, call.normal_at) == (CallStatus.OPEN, at(12))
    assert call.escalation.status == EscalationStatus.CLOSED
    assert sweep_at(at(4000)) == 0
    call = calls.acknowledge(call, actor=floor.fitter, at=at(20))
    assert (call.status, call.resolution) == (CallStatus.RESOLVED, "It was over by itself.")


def test_what_comes_back_before_it_was_seen_climbs_anew(floor):
    rule(RuleKind.MESSAGE_BIT)
    said(floor.machine, 0, faults=[fault()])
    follow_at(at(1))
    said(floor.machine, 2, state="running")
    follow_at(at(3))
    said(floor.machine, 4, faults=[fault()])
    assert follow_at(at(5)) == 1
    call = AndonCall.objects.get()
    assert (call.occurrences, call.normal_at, call.acknowledge_due_at) == (2, None, at(305))
    assert sweep_at(at(5)) == 1


def test_a_person_who_called_too_is_not_sent_away_by_the_machine(floor):
    rule(RuleKind.MESSAGE_BIT)
    said(floor.machine, 0, faults=[fault()])
    follow_at(at(1))
    floor.raised(2)
    said(floor.machine, 3, state="running")
    follow_at(at(4))
    call = AndonCall.objects.get()
    assert (call.occurrences, call.normal_at) == (2, None)
    assert call.escalation.status == EscalationStatus.OPEN


def test_a_stop_calls_by_its_reason_and_by_how_long_it_lasts(floor):
    reasons.load()
    rule(RuleKind.REASON)
    rule(RuleKind.LONG_STOP, category="stop", delay_s=1800)
    said(floor.machine, 0, state="running")
    for seconds in range(3, 130, 3):
        said(floor.machine, seconds, faults=[fault(reason_code="MECH_FAULT")])
    assert downtime(at(129)) == 1
    assert follow_at(at(130)) == 1
    assert raised() == [("maintenance", "high", "Mechanical fault", 1)]
    assert AndonCall.objects.get().downtime is not None
    # Of the same category on the same machine: the open call is raised again.
    assert (follow_at(at(902)), follow_at(at(903))) == (0, 1)
    assert raised()[0][3] == 2


def test_a_lost_controller_calls_for_its_line(floor):
    rule(RuleKind.LOST_PLC, priority="high", delay_s=30)

    def told(status, seconds):
        data = PlcStatus(
            plc="PLC1",
            name="Bagger",
            protocol="logix",
            status=status,
            since=at(seconds),
            last_ok_at=None,
            error="timed out" if status == "lost" else None,
            equipment_codes=[floor.machine.code],
        )
        with recording():
            append("plc_status", data, occurred_at=at(seconds), line_id=floor.line.code)

    told("lost", 0)
    follow_at(at(29))
    assert raised() == []
    follow_at(at(30))
    assert raised() == [
        ("maintenance", "high", "Controller Bagger does not answer: timed out", 1)
    ]
    told("connected", 40)
    follow_at(at(41))
    assert AndonCall.objects.get().normal_at == at(41)


@pytest.mark.parametrize(
    ("circumstance", "why"),
    [
        ("changeover", "The line is changing over."),
        ("planned", "It stands as planned."),
        ("unscheduled", "The line is not planned to produce now."),
        ("starved", "It waits for Upstream, which stands."),
    ],
)
def test_a_rule_is_quiet_where_it_is_known_why(floor, circumstance, why):
    rule(RuleKind.MESSAGE_BIT)
    said(floor.machine, 0, faults=[fault()])
    match circumstance:
        case "changeover":
            made = Changeover.objects.create(
                line=floor.line, to_product=product(), started_at=at(0), good_needed=1
            )
        case "planned":
            made = Context.objects.update_or_create(
                equipment=floor.machine, defaults={"planned_stop": True}
            )[0]
        case "unscheduled":
            made = Shift.objects.create(
                site=floor.line.area.site, name="Night", starts="22:00", ends="23:00"
            )
        case _:
            floor.machine.position = 2
            floor.machine.save()
            Condition.objects.filter(pk=floor.machine.pk).update(state="starved")
            upstream = equipment(line=floor.line, name="Upstream", position=1)
            made = Condition.objects.create(equipment=upstream, state="stopped")
    assert follow_at(at(1)) == 0
    assert Watch.objects.get().why == why
    made.delete()
    assert follow_at(at(2)) == 1


def test_a_new_epoch_begins_with_the_present_state(floor):
    rule(RuleKind.MESSAGE_BIT)
    said(floor.machine, 0, faults=[fault(), fault("Fault[2]", "Door")])
    follow_at(at(1))
    assert AndonCall.objects.get().occurrences == 2
    Fault.objects.filter(code="Fault[2]").update(cleared_at=at(2))
    renew("test")
    assert follow_at(at(3)) == 0
    open_ = Watch.objects.filter(ended_at=None).values_list("text", flat=True)
    assert list(open_) == ["Film broken"]
    assert AndonCall.objects.get().normal_at is None
    Fault.objects.update(cleared_at=at(4))
    renew("test")
    follow_at(at(5))
    assert AndonCall.objects.get().normal_at == at(5)
    assert len(set(Cursor.objects.values_list("epoch", flat=True))) == 1


def test_rules_that_were_edited_look_again_at_what_lasts(floor):
    said(floor.machine, 0, faults=[fault()])
    follow_at(at(1))
    made = rule(RuleKind.MESSAGE_BIT)
    assert (follow_at(at(2)), follow_at(at(3))) == (1, 0)
    made.text = "Look:"
    made.save()
    assert follow_at(at(4)) == 0
    made.is_active = False
    made.save()
    follow_at(at(5))
    assert AndonCall.objects.get().normal_at == at(5)


def test_a_notification_that_died_is_a_call_to_the_next_level_and_nothing_goes_round(floor):
    starting.load()
    admin = user(Role.ADMIN, email="root@bakery.test")
    call = floor.raised(category="stop")
    sweep_at(at(0))
    Delivery.objects.filter(channel="email").update(
        state=DeliveryState.DEAD, dead_at=at(1), error="no mail server"
    )
    assert (follow_at(at(2)), follow_at(at(3))) == (1, 0)
    about = AndonCall.objects.exclude(pk=call.pk).get()
    told = f"Somebody could not be told: {admin}, by e-mail: no mail server"
    assert about.description == told
    assert (about.rule.kind, about.priority) == (RuleKind.DEAD_DELIVERY, "high")
    sweep_at(at(3))
    about.escalation.refresh_from_db()
    assert about.escalation.level == 2
    Delivery.objects.filter(channel="email", state=DeliveryState.PENDING).update(
        state=DeliveryState.DEAD, dead_at=at(4), error="no mail server"
    )
    assert follow_at(at(5)) == 0
    assert AndonCall.objects.count() == 2
    assert not Delivery.objects.filter(state=DeliveryState.DEAD, called_at=None).exists()


def told_stop(floor, seconds, **changes):
    """Say a stop of the machine as production would."""
    plain = msgspec.to_builtins(SAMPLES["downtime_event"])
    plain |= {"equipment_code": floor.machine.code, "started_at": "2026-11-23T10:00:00Z"}
    data = msgspec.convert(plain | {"ended_at": None} | changes, facts.Downtime)
    with recording():
        append(
            "downtime_event",
            data,
            occurred_at=at(seconds),
            line_id=floor.line.code,
            equipment_code=floor.machine.code,
        )


def test_another_reason_is_another_call_and_the_first_is_back_to_normal(floor):
    reasons.load()
    rule(RuleKind.REASON)
    rule(RuleKind.LONG_STOP, category="stop", delay_s=1800)
    said(floor.machine, 0, state="running")
    follow_at(at(0))
    told_stop(floor, 1, reason_code=None, reason=None, suggested_reason_code=None)
    follow_at(at(2))
    assert Watch.objects.get().due_at == at(1800)
    told_stop(floor, 3, reason_code="MECH_FAULT", reason="Mechanical fault")
    assert follow_at(at(4)) == 1
    assert set(Watch.objects.values_list("due_at", flat=True)) == {at(0), at(900)}
    told_stop(floor, 5, reason_code="MAT_JAM", reason="Material jammed")
    assert follow_at(at(6)) == 1
    first, second = AndonCall.objects.order_by("pk")
    assert (first.category, first.normal_at) == ("maintenance", at(6))
    assert (second.category, second.normal_at) == ("material", None)
    told_stop(floor, 7, reason_code="MAT_JAM", ended_at=at(7), duration_seconds=7.0)
    follow_at(at(8))
    assert not Watch.objects.filter(ended_at=None).exists()


def test_a_controller_that_was_lost_before_the_rule_began_to_look_is_called_for(floor):
    data = PlcStatus(
        plc="PLC1",
        name="Bagger",
        protocol="logix",
        status="lost",
        since=at(0),
        last_ok_at=None,
        error=None,
        equipment_codes=[floor.machine.code],
    )
    with recording():
        append("plc_status", data, occurred_at=at(0), line_id=floor.line.code)
    follow_at(at(1))
    rule(RuleKind.LOST_PLC)
    assert follow_at(at(2)) == 1
    # The log is empty and new: nobody has said that it answers again.
    Event.objects.all().delete()
    renew("test")
    follow_at(at(3))
    assert AndonCall.objects.get().normal_at is None

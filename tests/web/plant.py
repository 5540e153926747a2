"""Two lines with one row of everything each, and people who see both, one, or none of them."""

from dataclasses import dataclass
from decimal import Decimal

from andon.choices import Priority
from andon.models import (
    AndonCall,
    CallEvent,
    Contact,
    Delivery,
    Duty,
    Endpoint,
    Escalation,
    EscalationStep,
    Policy,
    PolicyLevel,
    PolicyRecipient,
    RosterEntry,
    Rule,
    Watch,
)
from andon.starting import ladder
from ms5.accounts.models import User
from ms5.accounts.roles import Role
from ms5.events.log import append, gauge, recording
from production.models import (
    Area,
    CalendarException,
    Changeover,
    ChangeoverTarget,
    Condition,
    Context,
    ContextChange,
    Correction,
    Count,
    Counter,
    Defect,
    Downtime,
    Equipment,
    Fault,
    IdealCycle,
    Job,
    Line,
    LineAccess,
    Product,
    QualityAlert,
    QualityCheck,
    QualityThreshold,
    Reason,
    Shift,
    Site,
    Span,
    Tally,
    TimeTally,
)
from telemetry.models import (
    ConfigurationWarning,
    MessageBit,
    Plc,
    PlcLink,
    Sample,
    StateRule,
    Tag,
    TagImport,
    TagLatest,
)
from tests.floor import T0, later, state_fact, update_gauge

PASSWORD = "a password of the tests"
OWN, FOREIGN = "L-OWN", "L-FOREIGN"


@dataclass(frozen=True)
class Floor:
    """What hangs on one line."""

    line: Line
    equipment: Equipment
    span: Span
    plc: Plc
    tag: Tag

    def paths(self) -> dict[str, str]:
        """Return the detail paths below `/api/v1/`, by endpoint."""
        of = {"equipment": self.equipment}
        return {
            "sites": self.line.area.site.code,
            "areas": self.line.area.pk,
            "lines": self.line.code,
            "equipment": self.equipment.code,
            "ideal-cycles": IdealCycle.objects.get(**of).pk,
            "conditions": self.equipment.code,
            "spans": self.span.pk,
            "counters": Counter.objects.get(**of).pk,
            "counts": Count.objects.get(**of).pk,
            "entries": Count.objects.get(**of).pk,
            "time-tallies": TimeTally.objects.get(**of).pk,
            "shifts": Shift.objects.get(line=self.line).pk,
            "calendar-exceptions": CalendarException.objects.get(line=self.line).pk,
            "jobs": Job.objects.get(line=self.line).pk,
            "downtimes": Downtime.objects.get(**of).pk,
            "changeovers": Changeover.objects.get(line=self.line).pk,
            "changeover-targets": ChangeoverTarget.objects.get(line=self.line).pk,
            "quality-checks": QualityCheck.objects.get(line=self.line).pk,
            "quality-thresholds": QualityThreshold.objects.get(line=self.line).pk,
            "quality-alerts": QualityAlert.objects.get(line=self.line).pk,
            "corrections": Correction.objects.get(**of).pk,
            "tallies": Tally.objects.get(**of).pk,
            "faults": Fault.objects.get(**of).pk,
            "contexts": self.equipment.code,
            "context-changes": ContextChange.objects.get(**of).pk,
            "plcs": self.plc.code,
            "tags": self.tag.pk,
            "message-bits": MessageBit.objects.get(tag=self.tag).pk,
            "andon/calls": AndonCall.objects.get(line=self.line).pk,
            "andon/policies": Policy.objects.get(line=self.line).pk,
            "andon/roster": RosterEntry.objects.get(line=self.line).pk,
            "andon/rules": Rule.objects.get(line=self.line).pk,
            "andon/endpoints": Endpoint.objects.get(lines=self.line).pk,
        }


def person(name: str, role: str, *lines: Line, all_lines: bool = False, **fields) -> User:
    """Return a user who may see these lines."""
    user = User.objects.create_user(
        name, password=PASSWORD, role=role, all_lines=all_lines, **fields
    )
    LineAccess.objects.bulk_create(LineAccess(user=user, line=line) for line in lines)
    return user


def people(line: Line) -> dict[str, User]:
    """Return one staff member per role who sees this line alone, by role."""
    return {role: person(f"{role}-here", role, line, is_staff=True) for role in Role.values}


def line(code: str, number: int = 1) -> Line:
    """Return an empty line in a site and area of its own."""
    site = Site.objects.create(code=f"S-{code}", name=f"Site of {code}")
    area = Area.objects.create(site=site, code="PACK", name="Packing")
    return Line.objects.create(area=area, code=code, name=f"Line {code}", position=number)


def equip(on: Line, number: int = 1) -> Floor:
    """Add an equipment to the line, with one row of everything that can hang on it."""
    code = f"{on.code}.M{number}"
    equipment = Equipment.objects.create(
        line=on, code=code, name=f"Machine {code}", position=number
    )
    product, _ = Product.objects.get_or_create(code="P500", defaults={"name": "500 g loaf"})
    cycle = IdealCycle.objects.create(
        equipment=equipment, product=product, seconds=Decimal("0.6"), effective_from=T0
    )
    of = {"equipment": equipment}
    Condition.objects.create(
        **of, state="running", since=T0, last_good_at=later(60), quality="good", speed=99.5
    )
    span = Span.objects.create(**of, state="running", started_at=T0)
    Counter.objects.create(**of, kind="good", value=120, read_at=later(60))
    Count.objects.create(
        **of,
        kind="good",
        quantity=3,
        at=later(60),
        product=product,
        ideal_cycle=cycle,
        value=120,
    )
    Tally.objects.create(**of, started_at=T0, kind="good", product=product, quantity=3)
    Fault.objects.create(
        **of,
        code="Fault[3]",
        text="Jam",
        severity="high",
        source="internal",
        raised_at=later(5),
    )
    Context.objects.create(**of, product=product)
    ContextChange.objects.create(**of, product=product, at=T0)
    _work(on, equipment, product, number)
    plc = Plc.objects.create(
        code=f"plc-{code}",
        name=f"PLC {code}",
        protocol="modbus_tcp",
        host="127.0.0.1",
        port=502,
    )
    PlcLink.objects.create(plc=plc, status="lost", since=T0, failures=4, error="refused")
    tag = Tag.objects.create(
        plc=plc, name="speed", address="holding:1", data_type="uint16", unit="1/min", **of
    )
    MessageBit.objects.create(tag=tag, bit=0, text="Jam", kind="fault")
    StateRule.objects.create(**of, position=1, when="running_bit", state="running")
    ConfigurationWarning.objects.create(
        plc=plc, tag=tag, kind="unknown_state", text=f"speed of {code} shows 99.", since=T0
    )
    TagImport.objects.create(
        plc=plc, kind="logix", file_name="tags.csv", by_name="somebody", made_at=T0
    )
    read = {"tag": tag, "quality": "good", "source_at": later(60), "received_at": later(60)}
    TagLatest.objects.create(value=99.5, **read)
    Sample.objects.create(value=99.5, **read)
    with recording():
        append(
            "equipment_state",
            state_fact(code),
            occurred_at=T0,
            line_id=on.code,
            equipment_code=code,
        )
        gauge(
            "production_update",
            update_gauge(),
            key=f"production:{on.code}",
            source_at=T0,
            line_id=on.code,
        )
    return Floor(on, equipment, span, plc, tag)


def _work(on: Line, equipment: Equipment, product: Product, number: int) -> None:
    """Add what people and standards say of the line, one row of each."""
    of, site = {"equipment": equipment}, on.area.site
    someone, _ = User.objects.get_or_create(
        username="counts", defaults={"role": Role.OPERATOR, "is_active": False}
    )
    defect, _ = Defect.objects.get_or_create(code="VIS-001", defaults={"name": "Print"})
    reason, _ = Reason.objects.get_or_create(code="JAM", defaults={"name": "Jam"})
    Count.objects.filter(**of).update(by=someone, defect=defect)
    TimeTally.objects.create(**of, started_at=T0, running_us=900_000_000)
    if number == 1:
        Shift.objects.create(site=site, line=on, name="Early", starts="06:00", ends="14:00")
        CalendarException.objects.create(
            site=site,
            line=on,
            kind="holiday",
            name="Fair",
            first_day="2026-08-01",
            last_day="2026-08-01",
        )
        Job.objects.create(line=on, number=f"PO-{on.code}", product=product, position=1)
        Changeover.objects.create(
            line=on, to_product=product, started_at=T0, started_with="person", good_needed=10
        )
        ChangeoverTarget.objects.create(line=on, minutes=10)
        QualityCheck.objects.create(line=on, kind="final", result="pass", checked=5, at=T0)
        threshold = QualityThreshold.objects.create(
            name="Rejects",
            metric="reject_rate",
            line=on,
            window_size=60,
            warning=0.05,
            warning_clears=0.04,
            critical=0.1,
            critical_clears=0.08,
        )
        QualityAlert.objects.create(
            threshold=threshold,
            line=on,
            severity="warning",
            value=0.06,
            limit=0.05,
            clears_at=0.04,
            opened_at=T0,
            window_from=T0,
            window_to=later(60),
            items=100,
        )
    if number == 1:
        _calls(on, equipment, someone)
    Downtime.objects.create(**of, started_at=later(-600), ended_at=later(-300), reason=reason)
    Correction.objects.create(
        **of,
        subject="downtime",
        subject_id=1,
        what="reason",
        by=someone,
        by_name="counts",
        reason="it was a jam",
        corrected_at=later(10),
        affected_from=later(-600),
        affected_to=later(-300),
    )


def _calls(on: Line, equipment: Equipment, someone: User) -> None:
    """Add an open call with its history and schedule, and who is told of such calls."""
    call = AndonCall.objects.create(
        line=on,
        equipment=equipment,
        category="stop",
        priority="high",
        description="Film torn",
        raised_by=someone,
        raised_at=T0,
        last_raised_at=T0,
        acknowledge_due_at=later(300),
    )
    CallEvent.objects.create(call=call, at=T0, by=someone, verb="raise", text="Film torn")
    climb = Escalation.objects.create(call=call, policy=ladder(Priority.HIGH).frozen())
    step = EscalationStep.objects.create(
        escalation=climb, gen=1, kind="level", level=1, due_at=T0
    )
    policy = Policy.objects.create(
        name=f"Of {on.code}",
        priority="high",
        line=on,
        acknowledge_within_s=300,
        resolve_within_s=1800,
    )
    level = PolicyLevel.objects.create(policy=policy, number=1, after_s=0)
    duty, _ = Duty.objects.get_or_create(name="On call")
    PolicyRecipient.objects.create(level=level, kind="duty", duty=duty)
    RosterEntry.objects.create(duty=duty, person=someone, line=on, starts="06:00", ends="14:00")
    rule = Rule.objects.create(name=f"Long stop of {on.code}", kind="long_stop", line=on)
    Watch.objects.create(
        rule=rule,
        subject="downtime:1",
        line=on,
        equipment=equipment,
        since=T0,
        due_at=later(1800),
        category="stop",
        priority="high",
        text="Long stop",
    )
    _notify(on, someone, step)


def _notify(on: Line, someone: User, step: EscalationStep) -> None:
    erp = Endpoint.objects.create(
        name=f"ERP of {on.code}", kind="webhook", address="https://erp.example.com/"
    )
    erp.lines.add(on)
    contact = Contact.objects.create(
        user=someone, kind="email", address=f"{on.code}@plant.example"
    )
    Delivery.objects.create(
        step=step,
        channel="email",
        user=someone,
        contact=contact,
        address=contact.address,
        key=f"{step.pk}:c{contact.pk}:email",
        next_try_at=T0,
        created_at=T0,
    )

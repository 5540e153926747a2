"""The rows of calls: held under their lock, written with their fact, noted in their history."""

from datetime import datetime

from andon.actions import schedule
from andon.choices import CallVerb
from andon.models import AndonCall, CallEvent
from ms5.accounts import audit
from ms5.accounts.models import User
from production.models import Equipment, Line

_JOINED = ("line__area__site", "equipment", "rule", "escalation")
_PEOPLE = (
    "raised_by",
    "acknowledged_by",
    "arrived_by",
    "resolved_by",
    "cancelled_by",
    "shelved_by",
)


def held(call: AndonCall) -> AndonCall:
    """Return the call as it is now, under its lock."""
    AndonCall.objects.select_for_update().only("pk").get(pk=call.pk)
    # Read again: what comes with the lock by a join is as old as the wait for it.
    return loaded(call.pk)


def loaded(pk: int) -> AndonCall:
    """Return a call with what its public form tells, under the caller's lock.

    The people in a query of their own: six more joins take PostgreSQL longer to plan than to do.
    """
    call = AndonCall.objects.select_related(*_JOINED).get(pk=pk)
    wanted = {name: getattr(call, f"{name}_id") for name in _PEOPLE}
    if ids := {pk for pk in wanted.values() if pk is not None}:
        people = User.objects.in_bulk(ids)
        for name, person in wanted.items():
            if person is not None:
                setattr(call, name, people[person])
    return call


def open_call(line: Line, equipment: Equipment | None, category: str) -> AndonCall | None:
    """Return the open call there is, under its lock; None where there is none, or it has just ended."""
    rows = AndonCall.objects.open().filter(line=line, equipment=equipment, category=category)
    found = rows.only("pk").first()
    if found is None:
        return None
    call = held(found)
    return None if call.ended_at else call


def note(
    call: AndonCall, verb: CallVerb, actor: User | None, at: datetime, text: str = ""
) -> CallEvent:
    """Write a line of its history."""
    return CallEvent.objects.create(call=call, at=at, by=actor, verb=verb, text=text)


def write(
    call: AndonCall, verb: str, before: dict[str, object], actor: User | None, at: datetime
) -> None:
    """Save the call as its next version, audit who did it, and say it."""
    call.version += 1
    call.save()
    if actor is not None:
        audit.record(
            actor,
            f"andoncall.{verb}",
            call,
            before=before,
            after=audit.public_fields(call),
            line_id=call.line.code,
        )
    schedule.say_call(call, at)

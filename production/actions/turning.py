"""What every changeover goes through, whoever or whatever moves it: begin, turn to another product, end.

The caller holds the locks on the conditions of the line's equipment that it acts on, is recording, and locks a
running changeover before it moves it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from ms5 import rows
from ms5.accounts.models import User
from ms5.events.log import append
from production.changing import most_particular
from production.choices import ChangeoverStatus, StartedWith
from production.models import (
    Changeover,
    ChangeoverStep,
    ChangeoverTarget,
    ContextChange,
    Equipment,
    Job,
    Line,
    Product,
)
from production.public.changeovers import changeover_of
from production.settling import unsettle

LONGEST_NOTE = 300


@dataclass(frozen=True, slots=True)
class Cause:
    """What begins a changeover or turns it to another product: a person, or none and what else it was."""

    with_: StartedWith
    actor: User | None = None
    job: Job | None = None
    note: str = ""


def running(line: Line) -> Changeover | None:
    """Return the running changeover of the line, locked."""
    return running_on([line]).get(line.pk)


def running_on(lines: Sequence[Line]) -> dict[int, Changeover]:
    """Return the running changeovers of these lines by line, locked."""
    by_id = {line.pk: line for line in lines}
    if not by_id:
        return {}
    found = rows.read(
        Changeover,
        f"WHERE line_id IN ({rows.marks(by_id)}) AND status = %s ORDER BY id"
        + rows.lock("production_changeover"),
        [*by_id, ChangeoverStatus.RUNNING.value],
    )
    for changeover in found:
        changeover.line = by_id[changeover.line_id]
    return {changeover.line_id: changeover for changeover in found}


def set_before(line: Line, at: datetime) -> Product | None:
    """Return the product that the line was last set to before `at`; None when it never had one."""
    change = (
        ContextChange.objects.filter(
            equipment__line=line,
            equipment__is_constraint=True,
            product__isnull=False,
            at__lt=at,
        )
        .select_related("product")
        .first()
    )
    return change.product if change else None


def last_end(line: Line) -> datetime | None:
    """Return when the newest changeover that counts was over; the next cannot begin before."""
    return (
        Changeover.objects.filter(line=line, status=ChangeoverStatus.COMPLETED)
        .order_by("-ended_at")
        .values_list("ended_at", flat=True)
        .first()
    )


def begin(
    line: Line, at: datetime, before: Product | None, after: Product, cause: Cause
) -> Changeover:
    """Begin a changeover, with the steps that are planned for it, and say so."""
    # A reading may be older than the end of the one before, which a person has said.
    over = last_end(line)
    target = _target(line, before, after)
    changeover = Changeover.objects.create(
        line=line,
        job=cause.job,
        from_product=before,
        to_product=after,
        started_at=max(at, over) if over else at,
        target_s=_seconds(target),
        started_with=cause.with_,
        started_by=cause.actor,
        good_needed=line.changeover_good_needed,
        note=cause.note[:LONGEST_NOTE],
    )
    _plan_steps(changeover, target)
    recount(changeover, changeover.started_at)
    say(changeover, changeover.started_at)
    return changeover


def is_back(changeover: Changeover, after: Product) -> bool:
    """Whether that product is the one it changes from: it never becomes a changeover to it.

    One that a bit began names no other product yet, and is to whatever comes.
    """
    return changeover.from_product_id == after.pk != changeover.to_product_id


def is_to_another(changeover: Changeover, after: Product) -> bool:
    """Whether it is known to lead to another product than that."""
    waits = changeover.from_product_id == changeover.to_product_id
    return not waits and changeover.to_product_id != after.pk


def call_off(
    changeover: Changeover, at: datetime, why: str, actor: User | None = None
) -> Changeover:
    """Cancel a running changeover and write why behind its note: its time was no changeover. Return it."""
    parts = [part for part in (changeover.note, f"called off: {why}") if part]
    changeover.note = "; ".join(parts)[:LONGEST_NOTE]
    end(changeover, ChangeoverStatus.CANCELLED, max(at, changeover.started_at), actor)
    recount(changeover, changeover.started_at)
    return changeover


def join(changeover: Changeover, at: datetime, after: Product, cause: Cause) -> bool:
    """Let another cause join a running changeover; return whether that changed it, and then say so.

    The same product and job change nothing. Another product becomes its target product: the steps that are not
    begun give way to those planned for it, and its good pieces are counted anew. The caller has called off one
    that would turn back to the product it changes from.
    """
    job_id = cause.job.pk if cause.job else changeover.job_id
    if changeover.to_product_id == after.pk and changeover.job_id == job_id:
        return False
    if changeover.to_product_id != after.pk:
        changeover.to_product = after
        target = _target(changeover.line, changeover.from_product, after)
        changeover.target_s = _seconds(target)
        changeover.over_target_at = None
        changeover.good_in_a_row = 0
        changeover.steps.filter(started_at__isnull=True).delete()
        _plan_steps(changeover, target)
    changeover.job_id = job_id
    moved(changeover, at)
    return True


def end(
    changeover: Changeover, status: ChangeoverStatus, at: datetime, actor: User | None = None
) -> None:
    """End a changeover at `at`, which is not before it began; steps that are under way end with it."""
    changeover.status = status
    changeover.ended_at = at
    changeover.ended_by = actor
    over_at = target_at(changeover)
    changeover.over_target_at = over_at if over_at and over_at < at else None
    changeover.steps.filter(started_at__isnull=False, ended_at__isnull=True).update(ended_at=at)
    moved(changeover, at)


def target_at(changeover: Changeover) -> datetime | None:
    """Return when a changeover is over its target; None without one."""
    if changeover.target_s is None:
        return None
    return changeover.started_at + timedelta(seconds=changeover.target_s)


def moved(changeover: Changeover, at: datetime) -> None:
    """Write a changeover that has changed, and say so."""
    changeover.version += 1
    changeover.save()
    say(changeover, at)


def recount(changeover: Changeover, since: datetime) -> None:
    """Have the time of the line's equipment from `since` on accounted anew."""
    unsettle(equipment_ids(changeover.line), since)


def equipment_ids(line: Line) -> list[int]:
    """Return what stands on the line, in the order of locks."""
    return list(Equipment.objects.filter(line=line).order_by("pk").values_list("pk", flat=True))


def say(changeover: Changeover, at: datetime) -> None:
    """Append the fact that tells its present state."""
    is_running = changeover.status == ChangeoverStatus.RUNNING
    append(
        "changeover_started" if is_running else "changeover_completed",
        changeover_of(changeover),
        occurred_at=at,
        line_id=changeover.line.code,
    )


def _target(line: Line, before: Product | None, after: Product) -> ChangeoverTarget | None:
    targets = ChangeoverTarget.objects.prefetch_related("step_plans")
    return most_particular(targets, line.pk, before.pk if before else None, after.pk)


def _seconds(target: ChangeoverTarget | None) -> float | None:
    return _minutes_s(target.minutes) if target else None


def _minutes_s(minutes: Decimal | None) -> float | None:
    return None if minutes is None else float(minutes * 60)


def _plan_steps(changeover: Changeover, target: ChangeoverTarget | None) -> None:
    """Copy the planned steps, save those of the same name that are already under way or done."""
    if target is None:
        return
    taken = set(changeover.steps.values_list("name", flat=True))
    ChangeoverStep.objects.bulk_create(
        ChangeoverStep(
            changeover=changeover,
            position=plan.position,
            name=plan.name,
            kind=plan.kind,
            target_s=_minutes_s(plan.minutes),
        )
        for plan in target.step_plans.all()
        if plan.name not in taken
    )

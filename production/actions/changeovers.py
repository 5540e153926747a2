"""Changeovers as people, jobs and the clock move them: start, take steps, complete, call off."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from ms5.accounts import audit
from ms5.accounts.models import User
from ms5.events.log import recording
from ms5.events.retry import retried
from production.actions import turning
from production.actions.lines import locked
from production.choices import ChangeoverStatus, StartedWith
from production.models import Changeover, ChangeoverStep, Job, Line, Product
from production.refusals import ActionRefused, demand_version


@retried
def start(
    line: Line,
    to_product: Product,
    *,
    actor: User,
    at: datetime,
    from_product: Product | None = None,
    job: Job | None = None,
    note: str = "",
) -> Changeover:
    """Begin a changeover of the line at `at` and return it; `from_product` None is what it was set to before.

    Idempotent: where one to this product runs it is returned as it is, save that a job joins it; where one to
    another product runs, that one is turned to this product. One that runs from this product is called off:
    it is what is returned where the line is set to this product still, else one begins that leads back.
    Raises ActionRefused for a job of another line, and for a time that lies in or before a changeover that is
    over, which is then its row.
    """
    with recording():
        locked(turning.equipment_ids(line))
        if job is not None and job.line_id != line.pk:
            raise ActionRefused("wrong_line", f"Job {job} is not one of {line}.")
        cause = turning.Cause(StartedWith.PERSON, actor, job, note)
        changeover = turning.running(line)
        before = audit.public_fields(changeover) if changeover else None
        present = from_product or turning.set_before(line, at)
        if changeover is not None and turning.is_back(changeover, to_product):
            turning.call_off(changeover, at, f"it goes back to {to_product}", actor)
            _audit(actor, "cancel", changeover, before)
            if present is None or present.pk == to_product.pk:
                return changeover
            changeover = before = None
        if changeover is None:
            _demand_free(line, at)
            changeover = turning.begin(line, at, present, to_product, cause)
        elif not turning.join(changeover, at, to_product, cause):
            return changeover
        _audit(actor, "start", changeover, before)
    return changeover


@retried
def begin_for_job(job: Job, at: datetime) -> Changeover | None:
    """Begin the changeover that a job with another product than the line's needs; return it, or None.

    The line's product is what it was last set to before `at`, so that it does not matter whether the job has
    been made the line's context yet. None: it makes that product already, or none has ever been set.
    One that runs to another product is called off first, since the job is for that one no more; one that waits
    for the controller to name its product is now to the job's. Idempotent as `start` is.
    """
    with recording():
        locked(turning.equipment_ids(job.line))
        cause = turning.Cause(StartedWith.JOB, job=job)
        changeover = turning.running(job.line)
        if changeover is not None and not turning.is_to_another(changeover, job.product):
            turning.join(changeover, max(at, changeover.started_at), job.product, cause)
            return changeover
        if changeover is not None:
            at = max(at, changeover.started_at)
            turning.call_off(changeover, at, f"the next job is for {job.product}")
        before = turning.set_before(job.line, at)
        if before is None or before.pk == job.product_id:
            return None
        return turning.begin(job.line, at, before, job.product, cause)


@retried
def complete(
    changeover: Changeover,
    *,
    actor: User,
    at: datetime,
    version: int | None = None,
    note: str = "",
) -> Changeover:
    """End it by a person's word at `at` and return it.

    Idempotent: a completed one is returned as it is. Raises ActionRefused, with the row, for one that was
    called off, another version than the one given, and a time before it began.
    """
    return _end(changeover, ChangeoverStatus.COMPLETED, actor, at, version=version, note=note)


@retried
def cancel(
    changeover: Changeover,
    *,
    actor: User,
    at: datetime,
    version: int | None = None,
    note: str = "",
) -> Changeover:
    """Call it off: its time was no changeover. Idempotent and refused as `complete` is."""
    return _end(changeover, ChangeoverStatus.CANCELLED, actor, at, version=version, note=note)


@retried
def start_step(
    step: ChangeoverStep, *, actor: User, at: datetime, version: int | None = None
) -> Changeover:
    """Begin a step of a running changeover and return that; one that was begun stays as it is.

    Raises ActionRefused, with the changeover, when it is over and for another version than the one given.
    """
    with _step(step, actor, version) as (changeover, own):
        if own.started_at is None:
            own.started_at = at
            own.save(update_fields=["started_at"])
            turning.moved(changeover, max(at, changeover.started_at))
    return changeover


@retried
def end_step(
    step: ChangeoverStep, *, actor: User, at: datetime, version: int | None = None
) -> Changeover:
    """End a step and return its changeover; one that was ended stays as it is.

    Raises ActionRefused as `start_step` does, and for a step that was not begun by `at`.
    """
    with _step(step, actor, version) as (changeover, own):
        if own.started_at is None or at < own.started_at:
            raise ActionRefused("not_begun", f"{own} has not begun.", changeover)
        if own.ended_at is None:
            own.ended_at = at
            own.save(update_fields=["ended_at"])
            turning.moved(changeover, max(at, changeover.started_at))
    return changeover


@retried
def note_over_target(line: Line, now: datetime) -> int:
    """Say once that the line's changeover takes longer than its target; return whether it was said now."""
    with recording():
        changeover = turning.running(line)
        over_at = turning.target_at(changeover) if changeover else None
        if changeover is None or over_at is None or changeover.over_target_at is not None:
            return 0
        if now <= over_at:
            return 0
        changeover.over_target_at = over_at
        turning.moved(changeover, over_at)
    return 1


def _end(
    changeover: Changeover,
    status: ChangeoverStatus,
    actor: User,
    at: datetime,
    *,
    version: int | None,
    note: str,
) -> Changeover:
    with recording():
        locked(turning.equipment_ids(changeover.line))
        row = Changeover.objects.select_for_update().get(pk=changeover.pk)
        if row.status == status:
            return row
        _demand_running(row)
        demand_version(row, version)
        if at < row.started_at:
            raise ActionRefused("too_early", "It cannot end before it began.", row)
        before = audit.public_fields(row)
        if note:
            row.note = note[: turning.LONGEST_NOTE]
        turning.end(row, status, at, actor)
        turning.recount(row, row.started_at)
        _audit(
            actor, "complete" if status == ChangeoverStatus.COMPLETED else "cancel", row, before
        )
    return row


@contextmanager
def _step(
    step: ChangeoverStep, actor: User, version: int | None
) -> Iterator[tuple[Changeover, ChangeoverStep]]:
    """Lock the changeover of a step and read both; write down what the body changed of the step."""
    with recording():
        changeover = Changeover.objects.select_for_update().get(pk=step.changeover_id)
        own = ChangeoverStep.objects.get(pk=step.pk)
        _demand_running(changeover)
        demand_version(changeover, version)
        before = audit.public_fields(own)
        yield changeover, own
        after = audit.public_fields(own)
        if after != before:
            audit.record(
                actor,
                "changeoverstep.change",
                own,
                before=before,
                after=after,
                line_id=changeover.line.code,
            )


def _demand_running(changeover: Changeover) -> None:
    if changeover.status != ChangeoverStatus.RUNNING:
        said = ChangeoverStatus(changeover.status).label.lower()
        raise ActionRefused("over", f"This changeover was {said} already.", changeover)


def _demand_free(line: Line, at: datetime) -> None:
    """Refuse a beginning within or before a changeover that counts: those of a line never overlap."""
    later = (
        Changeover.objects.filter(line=line, status=ChangeoverStatus.COMPLETED, ended_at__gt=at)
        .order_by("ended_at")
        .first()
    )
    if later is not None:
        raise ActionRefused(
            "overlaps", "Another changeover of the line was not over at that time.", later
        )


def _audit(
    actor: User, deed: str, changeover: Changeover, before: dict[str, object] | None
) -> None:
    after = audit.public_fields(changeover)
    audit.record(
        actor,
        f"changeover.{deed}",
        changeover,
        before=before,
        after=after,
        line_id=changeover.line.code,
    )

"""Corrections: a supervisor puts the past right, sees first what comes of it, and may take it back."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from ms5.accounts import audit
from ms5.accounts.models import User
from ms5.events.log import append, recording
from ms5.events.retry import retried
from production.actions import (
    correcting_counts,
    correcting_downtimes,
    correcting_plans,
    effects,
    job_rows,
    stopping,
    undoing,
)
from production.actions.correcting_counts import Adjusted, Requantified
from production.actions.correcting_downtimes import Merged, Moved, Reasoned, Split
from production.actions.correcting_plans import Planned
from production.actions.drafts import Changed, Draft, Row
from production.actions.effects import Effect
from production.actions.lines import locked
from production.models import Condition, Correction, Downtime, Equipment, Job, Line
from production.public.corrections import correction_of
from production.public.downtimes import RELATED
from production.refusals import ActionRefused, NotAllowed
from production.settling import settle_anew

What = Reasoned | Split | Merged | Moved | Requantified | Adjusted | Planned
PERMISSION = "production.add_correction"
LONGEST_REASON = 300
__all__ = [
    "Adjusted",
    "Merged",
    "Moved",
    "Planned",
    "Preview",
    "Reasoned",
    "Requantified",
    "Split",
    "What",
    "correct",
    "preview",
    "preview_undo",
    "undo",
]


@dataclass(frozen=True, slots=True)
class Preview:
    """What a correction would change, and the OEE before and after; nothing of it was written."""

    correction: Correction
    before: Effect
    after: Effect
    rows: list[Row]


class _Seen(Exception):
    """A preview has been made; the transaction it was made in must not commit."""

    def __init__(self, preview: Preview) -> None:
        super().__init__()
        self.preview = preview


@retried
def correct(
    equipment: Equipment, what: What, *, actor: User, at: datetime, reason: str
) -> Correction:
    """Put a record of the equipment right; return the correction.

    The old rows are superseded, what depended on them is computed anew, and all of it is said. `at` is when it
    is done, `reason` why. Saying what is so already is refused, so that a repeated request does nothing.
    Raises NotAllowed, and ActionRefused with the row that stands against it.
    """
    with recording():
        return _make(equipment, _drafted(what), actor, at, reason).correction


@retried
def undo(correction: Correction, *, actor: User, at: datetime, reason: str) -> Correction:
    """Take a correction back; return the new one. Taking that back again does the first one again.

    Raises what `correct` raises; the row is the later correction that is to be taken back first.
    """
    with recording():
        return _make(correction.equipment, _undone(correction), actor, at, reason).correction


def preview(
    equipment: Equipment, what: What, *, actor: User, at: datetime, reason: str = "-"
) -> Preview:
    """Return what `correct` would do, done by the same code and rolled back. Raises what it raises."""
    return _rolled_back(equipment, _drafted(what), actor, at, reason)


def preview_undo(
    correction: Correction, *, actor: User, at: datetime, reason: str = "-"
) -> Preview:
    """Return what `undo` would do, in the same way."""
    return _rolled_back(correction.equipment, _undone(correction), actor, at, reason)


Drafting = Callable[[Condition, User, datetime], Draft]


def _drafted(what: What) -> Drafting:
    def draft(condition: Condition, actor: User, at: datetime) -> Draft:
        match what:
            case Planned():
                return correcting_plans.draft(what, condition, actor, at)
            case Requantified() | Adjusted():
                return correcting_counts.draft(what, condition, actor, at)
            case Reasoned() | Split() | Merged() | Moved():
                return correcting_downtimes.draft(what, condition, actor, at)

    return draft


def _undone(correction: Correction) -> Drafting:
    def draft(condition: Condition, actor: User, at: datetime) -> Draft:
        return undoing.draft(correction, condition, actor, at)

    return draft


@retried
def _rolled_back(
    equipment: Equipment, drafting: Drafting, actor: User, at: datetime, reason: str
) -> Preview:
    try:
        with recording():
            raise _Seen(_make(equipment, drafting, actor, at, reason))  # noqa: TRY301 - rolls back
    except _Seen as seen:
        return seen.preview


def _make(
    equipment: Equipment, drafting: Drafting, actor: User, at: datetime, reason: str
) -> Preview:
    _demand(actor, equipment, reason)
    condition = locked([equipment.pk])[equipment.pk]
    draft = drafting(condition, actor, at)
    subject = condition.equipment
    window = (draft.affected_from, draft.affected_to)
    before = effects.measure(subject, *window, at)
    correction = Correction.objects.create(
        equipment=subject,
        subject=draft.subject,
        subject_id=draft.subject_id,
        what=draft.what,
        undoes=draft.undoes,
        by=actor,
        by_name=str(actor)[:100],
        reason=reason[:LONGEST_REASON],
        corrected_at=at,
        affected_from=window[0],
        affected_to=window[1],
        oee_before=before.oee,
    )
    changed = draft.make(correction)
    settle_anew(subject, *window, at)
    after = effects.measure(subject, *window, at)
    if before.stretch is None or after.stretch is None:
        # A stretch that has a figure on one side alone tells nothing; its shift does.
        correction.oee_before, correction.oee_after = before.shift, after.shift
    else:
        correction.oee_after = after.oee
    correction.before, correction.after = draft.before, draft.after
    correction.save()
    audit.record(
        actor,
        f"correction.{draft.what}",
        correction,
        before=draft.before,
        after={**draft.after, "why": correction.reason},
        line_id=subject.line.code,
    )
    _follow(changed, at)
    append(
        "correction",
        correction_of(correction),
        occurred_at=at,
        line_id=subject.line.code,
        equipment_code=subject.code,
    )
    effects.say(subject.line, at)
    return Preview(correction, before, after, changed.rows)


def _demand(actor: User, equipment: Equipment, reason: str) -> None:
    mine = Line.objects.visible_to(actor).filter(pk=equipment.line_id)
    if not actor.has_perm(PERMISSION) or not mine.exists():
        raise NotAllowed("Corrections are for supervisors of the line.")
    if not reason.strip():
        raise ActionRefused("reason", "Say why it is put right.")


def _follow(changed: Changed, at: datetime) -> None:
    """Let jobs count anew, and say what became of jobs and downtimes."""
    jobs = Job.objects.select_for_update(of=("self",)).select_related("line", "product")
    moved = []
    for job in jobs.filter(pk__in=changed.jobs).order_by("pk"):
        if job_rows.take_over(job, job_rows.counted([job.pk])[job.pk]):
            job_rows.save(job)
            moved.append(job)
    rows = Downtime.objects.select_related(*RELATED)
    for row in rows.filter(pk__in=[each.pk for each in changed.downtimes]).order_by("pk"):
        stopping.say(row, at)
    for job in moved:
        job_rows.say(job, at)

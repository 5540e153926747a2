"""What people do with downtimes: say the reason, confirm, split, merge, come and mend.

Each returns the downtime as it became. Doing what is so already changes nothing, is not audited and says
nothing. Each raises NotAllowed for one who may not, or may not on this line, and ActionRefused for what cannot
be: `changed` when `version` is given and somebody was quicker. A downtime that lasts can be spoken of as well.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ms5.accounts import audit
from ms5.accounts.models import User
from ms5.events.log import recording
from ms5.events.retry import retried
from production import standing
from production.actions import stopping
from production.actions.downtime_rows import times_of
from production.actions.lines import locked
from production.actions.past import demand_present
from production.choices import State
from production.halves import Times, joined, parted
from production.models import Condition, Downtime, Line, Reason, Span
from production.public.downtimes import RELATED
from production.refusals import ActionRefused, NotAllowed, demand_version
from production.settling import settle_anew
from production.stops import Stop

SAYS, CONFIRMS = "production.change_downtime", "production.confirm_downtime"
LONGEST_NOTE = 300


@retried
def say_reason(
    downtime: Downtime,
    reason: Reason | None,
    *,
    actor: User,
    at: datetime,
    note: str | None = None,
    version: int | None = None,
) -> Downtime:
    """Give the reason, or take it back with None; the category follows it. `note` None stays as it is.

    The first reason may be given however late; one that was given is not changed once it is past. The note of
    one that is confirmed is the supervisors' (`confirmed`).
    """
    with recording():
        held = _Held.of(downtime, actor, SAYS, version)
        row = held.row
        new_note = row.note if note is None else note[:LONGEST_NOTE]
        if row.reason == reason and row.note == new_note:
            return row
        if row.confirmed_at is not None and not actor.has_perm(CONFIRMS):
            raise ActionRefused(
                "confirmed", "It is confirmed; a supervisor may change it.", row
            )
        row.note = new_note
        if row.reason != reason:
            _give(row, reason, actor, at)
        return held.changed("reason", actor, at)


@retried
def confirm(
    downtime: Downtime,
    *,
    actor: User,
    at: datetime,
    reason: Reason | None = None,
    version: int | None = None,
) -> Downtime:
    """Stand by the reason: the one given here, else the one it has, else the suggested one.

    Refused without any (`no_reason`). It may be done however late, save with another reason than was given.
    """
    with recording():
        held = _Held.of(downtime, actor, CONFIRMS, version)
        row = held.row
        stated = reason or row.reason or row.suggested
        if stated is None:
            raise ActionRefused("no_reason", "Nobody has said why it stood.", row)
        if row.confirmed_at is not None and row.reason == stated:
            return row
        if row.reason != stated:
            _give(row, stated, actor, at)
        _stand_by(row, stated, actor, at)
        return held.changed("confirm", actor, at)


@retried
def unconfirm(
    downtime: Downtime, *, actor: User, at: datetime, version: int | None = None
) -> Downtime:
    """Take the confirmation back; the reason stays, and may be changed again while its shift goes on."""
    with recording():
        held = _Held.of(downtime, actor, CONFIRMS, version)
        if held.row.confirmed_at is None:
            return held.row
        _stand_by(held.row, None, actor, at)
        return held.changed("unconfirm", actor, at)


@retried
def split(
    downtime: Downtime,
    moment: datetime,
    *,
    actor: User,
    at: datetime,
    version: int | None = None,
) -> Downtime:
    """Cut it at `moment`; return its first half, which keeps its number. The second begins at `moment`.

    Both have the reason; no figure changes by this alone. Refused unless both take
    time that is known (`outside`).
    """
    with recording():
        held = _Held.of(downtime, actor, CONFIRMS, version)
        row = held.row
        if row.ended_at == moment and _begins(row, moment) is not None:
            return row
        known_until = row.ended_at or held.known_until()
        if known_until is None or not row.started_at < moment < known_until:
            raise ActionRefused("outside", "That moment is not within the downtime.", row)
        demand_present(row, at)
        second = Downtime(
            equipment=row.equipment,
            started_at=moment,
            ended_at=row.ended_at,
            reason=row.reason,
            suggested=row.suggested,
            category=row.category,
            fault=row.fault,
            job=row.job,
            product=row.product,
            reported_by=row.reported_by,
            note=row.note,
            made_by=row.made_by,
        )
        for half, times in zip((row, second), parted(times_of(row), moment), strict=True):
            _say_times(half, times)
        row.ended_at = moment
        first = held.changed("split", actor, at)
        second.save()
        audit.record(
            actor,
            "downtime.split",
            second,
            after=audit.public_fields(second),
            line_id=row.equipment.line.code,
        )
        stopping.say(second, at)
        # What is settled of both is put down to the whole.
        settle_anew(row.equipment, row.started_at, second.ended_at or at, at)
    return first


@retried
def merge(
    first: Downtime,
    second: Downtime,
    *,
    actor: User,
    at: datetime,
    version: int | None = None,
) -> Downtime:
    """Make one of two neighbours; return the earlier, which has the time of both.

    It keeps its reason, failing one takes the other's. The later one ends where it began. `version` is that of
    `first` as given. Refused if they are not of one equipment or another lies between (`not_neighbours`), or
    if it ran between them (`ran_between`).
    """
    with recording():
        if second.pk == first.pk or second.equipment_id != first.equipment_id:
            raise ActionRefused("not_neighbours", "These are not neighbours.", first)
        given = _Held.of(first, actor, CONFIRMS, version, may_be_merged=True)
        other = _Held.of(second, actor, CONFIRMS, None, may_be_merged=True)
        earlier, later = sorted((given, other), key=lambda each: _place(each.row))
        kept, gone = earlier.row, later.row
        if gone.merged_into_id == kept.pk:
            return kept
        _demand_neighbours(kept, gone)
        for row in (kept, gone):
            demand_present(row, at)
        ended_at = gone.ended_at
        if kept.reason is None and gone.reason is not None:
            _give(kept, gone.reason, actor, at)
            kept.reported_by = gone.reported_by
        _say_times(kept, joined(times_of(kept), times_of(gone)))
        # The later one gives its time before the earlier takes it: the database refuses an overlap.
        gone.ended_at, gone.merged_into = gone.started_at, kept
        later.changed("merge", actor, at)
        kept.ended_at = ended_at
        whole = earlier.changed("merge", actor, at)
        _account(whole, at)
    return whole


@retried
def respond(
    downtime: Downtime,
    *,
    actor: User,
    at: datetime,
    moment: datetime | None = None,
    version: int | None = None,
) -> Downtime:
    """Say that somebody is there, now or since `moment`. The first to say so counts."""
    return _came(downtime, "responded_at", actor, at, moment=moment, version=version)


@retried
def repaired(
    downtime: Downtime,
    *,
    actor: User,
    at: datetime,
    moment: datetime | None = None,
    version: int | None = None,
) -> Downtime:
    """Say that it is mended, now or since `moment`. The first to say so counts."""
    return _came(downtime, "repaired_at", actor, at, moment=moment, version=version)


@dataclass(frozen=True, slots=True)
class _Held:
    """A downtime under its equipment's lock, brought up to date, and what it was before."""

    row: Downtime
    condition: Condition
    before: Mapping[str, Any]

    @classmethod
    def of(
        cls,
        downtime: Downtime,
        actor: User,
        permission: str,
        version: int | None,
        *,
        may_be_merged: bool = False,
    ) -> "_Held":
        """Lock it, and refuse who may not, what is gone, and what has changed since `version`."""
        mine = Line.objects.visible_to(actor).filter(equipment=downtime.equipment_id)
        if not actor.has_perm(permission) or not mine.exists():
            raise NotAllowed("This is not for you to do to this downtime.")
        condition = locked([downtime.equipment_id])[downtime.equipment_id]
        rows = Downtime.objects.select_related(*RELATED, "job")
        row: Downtime | None = rows.filter(pk=downtime.pk).first()
        if row is None:
            raise ActionRefused("gone", "There is no such downtime any more.")
        demand_version(row, version)
        if row.merged_into_id is not None and not may_be_merged:
            raise ActionRefused("merged", "It was merged into another one.", row)
        return cls(row, condition, audit.public_fields(row))

    def known_until(self) -> datetime | None:
        """Return up to when the present stop is known, for a downtime that lasts."""
        stop = standing.present_stops([self.condition]).get(self.condition.pk)
        return stop.ended_at if stop else None

    def changed(self, verb: str, actor: User, at: datetime) -> Downtime:
        """Save it as it became, audit it and say so."""
        self.row.version += 1
        self.row.save()
        if self.before["reason_id"] != self.row.reason_id:
            _account(self.row, at)
        audit.record(
            actor,
            f"downtime.{verb}",
            self.row,
            before=self.before,
            after=audit.public_fields(self.row),
            line_id=self.row.equipment.line.code,
        )
        stopping.say(self.row, at)
        return self.row


def _give(row: Downtime, reason: Reason | None, actor: User, at: datetime) -> None:
    """Set another reason, with what follows from it."""
    if row.reason is not None:
        demand_present(row, at)
    if reason is not None and not reason.is_active:
        raise ActionRefused("inactive", "That reason may not be chosen any more.", row)
    row.reason = reason
    row.reported_by = actor if reason else None
    if reason is not None:
        row.category = reason.category
    else:
        whole = Stop(row.started_at, row.ended_at or at, (row.ended_at or at) - row.started_at)
        row.category = standing.explain(row.equipment, whole).category


def _say_times(row: Downtime, times: Times) -> None:
    for name, came in times.items():
        setattr(row, name, came)


def _stand_by(row: Downtime, reason: Reason | None, actor: User, at: datetime) -> None:
    """Confirm it, if there is a reason to stand by; else take the confirmation back."""
    row.confirmed_by = actor if reason else None
    row.confirmed_at = at if reason else None


def _account(row: Downtime, at: datetime) -> None:
    """Let what is settled of its time fall into the bucket of its reason."""
    settle_anew(row.equipment, row.started_at, row.ended_at or at, at)


def _begins(row: Downtime, moment: datetime) -> Downtime | None:
    found: Downtime | None = Downtime.objects.filter(
        equipment=row.equipment_id, started_at=moment, merged_into__isnull=True
    ).first()
    return found


def _place(row: Downtime) -> tuple[datetime, bool, int]:
    return row.started_at, row.merged_into_id is None, row.pk


def _demand_neighbours(kept: Downtime, gone: Downtime) -> None:
    if kept.merged_into_id or gone.merged_into_id or kept.ended_at is None:
        raise ActionRefused("not_neighbours", "These are not neighbours.", kept)
    between = Downtime.objects.filter(
        equipment=kept.equipment_id,
        merged_into__isnull=True,
        started_at__gte=kept.ended_at,
        started_at__lt=gone.started_at,
    )
    if between.exists():
        raise ActionRefused("not_neighbours", "Another downtime lies between them.", kept)
    ran = Span.objects.within(kept.ended_at, gone.started_at).filter(
        equipment=kept.equipment_id, state=State.RUNNING
    )
    if kept.ended_at < gone.started_at and ran.exists():
        raise ActionRefused("ran_between", "It ran between them: they are two stops.", kept)


def _came(
    downtime: Downtime,
    name: str,
    actor: User,
    at: datetime,
    *,
    moment: datetime | None,
    version: int | None,
) -> Downtime:
    with recording():
        held = _Held.of(downtime, actor, SAYS, version)
        if getattr(held.row, name) is not None:
            return held.row
        came = moment or at
        earliest = held.row.responded_at if name == "repaired_at" else None
        if not (earliest or held.row.started_at) <= came <= at:
            raise ActionRefused(
                "outside", "That is before it stood, or still to come.", held.row
            )
        setattr(held.row, name, came)
        return held.changed(name.removesuffix("_at"), actor, at)

"""A planned stop said for the past: what the context should have told, as changes of it added behind."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from ms5.accounts.models import User
from production.actions.drafts import Changed, Draft, Fields, Row, moment, refuse
from production.choices import CorrectionKind, CorrectionSubject
from production.models import Condition, ContextChange, Correction, Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """Say that the equipment was planned not to run in [started_at, ended_at); empty text: that it was not."""

    started_at: datetime
    ended_at: datetime
    text: str


def draft(what: Planned, condition: Condition, actor: User, at: datetime) -> Draft:
    """Return what is to be done, or raise ActionRefused. The condition is locked.

    Of changes at one moment the last written holds, so that nothing said before is overwritten.
    """
    if not what.started_at < what.ended_at <= at:
        raise refuse(
            "outside",
            "A planned stop of the past begins before it ends, and has ended: say one that lasts or will come"
            " in the calendar or as the present planned stop.",
        )
    span = (
        Span.objects.within(what.started_at, what.ended_at)
        .filter(equipment=condition.equipment_id)
        .order_by("started_at")
        .first()
    )
    if span is None:
        raise refuse("no_span", "Nothing is known of the equipment in that time.")
    after: Fields = {
        "started_at": moment(what.started_at),
        "ended_at": moment(what.ended_at),
        "planned_stop": what.text or None,
        "first_change": None,
        "last_change": None,
    }
    before: Fields = {**after, "planned_stop": None}

    def make(correction: Correction) -> Changed:
        own = Window(what.started_at, what.ended_at, what.text[:100])
        rows = say(condition, own, [*in_force(condition, correction), own], actor)
        after["first_change"], after["last_change"] = rows[0].pk, rows[-1].pk
        return Changed(
            rows=[
                Row(
                    subject=CorrectionSubject.SPAN.value, id=span.pk, before=before, after=after
                )
            ]
        )

    return Draft(
        condition=condition,
        subject=CorrectionSubject.SPAN,
        subject_id=span.pk,
        what=CorrectionKind.REASON,
        before=before,
        after=after,
        affected_from=what.started_at,
        affected_to=what.ended_at,
        make=make,
    )


@dataclass(frozen=True, slots=True)
class Window:
    """What a correction says of [started_at, ended_at); an empty text is no planned stop."""

    started_at: datetime
    ended_at: datetime
    text: str

    @classmethod
    def of(cls, root: Correction) -> Self:
        """Read it from the correction that said it."""
        said = root.after
        return cls(
            datetime.fromisoformat(said["started_at"]),
            datetime.fromisoformat(said["ended_at"]),
            said["planned_stop"] or "",
        )


def in_force(condition: Condition, new: Correction) -> list[Window]:
    """Return what corrections other than a new one say, and have not been taken back, oldest first."""
    rows = Correction.objects.filter(
        equipment=condition.equipment_id, subject=CorrectionSubject.SPAN
    ).order_by("pk")
    roots: dict[int, Correction] = {}
    by_root: dict[int, int] = {}
    for row in rows:
        by_root[row.pk] = by_root.get(row.undoes_id or 0, row.pk)
        if row.undoes_id is None:
            roots[row.pk] = row
    # A correction holds, its undoing does not, and the undoing of that does again.
    lengths = Counter(by_root.values())
    return [Window.of(row) for pk, row in roots.items() if lengths[pk] % 2 and pk != new.pk]


def say(
    condition: Condition, window: Window, said: Sequence[Window], actor: User
) -> list[ContextChange]:
    """Write what holds in the window, and at its end, by what was seen and then by what was `said` of it."""
    changes = ContextChange.objects.filter(
        equipment=condition.equipment_id, at__lte=window.ended_at
    )
    # What corrections wrote tells nothing, but holds until something is written for its moment again.
    cuts = set(changes.values_list("at", flat=True))
    corrections = Correction.objects.filter(
        equipment=condition.equipment_id, subject=CorrectionSubject.SPAN
    )
    for after in corrections.values_list("after", flat=True):
        if after.get("first_change"):
            changes = changes.exclude(pk__range=(after["first_change"], after["last_change"]))
    seen = list(changes.order_by("at", "pk"))
    cuts |= {each.started_at for each in said} | {each.ended_at for each in said}
    inside = {at for at in cuts if window.started_at < at < window.ended_at}
    written = []
    for at in (window.started_at, *sorted(inside), window.ended_at):
        held = next((row for row in reversed(seen) if row.at <= at), ContextChange())
        flag, text = held.planned_stop, held.planned_stop_reason
        for each in said:
            if each.started_at <= at < each.ended_at:
                flag, text = bool(each.text), each.text
        written.append(
            ContextChange.objects.create(
                equipment=condition.equipment,
                operator_id=held.operator_id,
                product_id=held.product_id,
                target_speed=held.target_speed,
                planned_stop=flag,
                planned_stop_reason=text,
                at=at,
                actor=actor,
            )
        )
    return written

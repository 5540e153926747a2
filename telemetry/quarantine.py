"""What follows when a controller's program changed, or shows what nobody configured: people are told.

No value of a changed program counts until a person has accepted it: a tag may be another one by now. So
the equipment at home in the controller is in `no_data`, and its tags are `bad` with the reason.
"""

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import IntegrityError, transaction

from ms5.accounts.audit import record
from ms5.accounts.models import User
from ms5.events.log import recording
from ms5.events.retry import retried
from production.actions import begin_anew, lose
from production.refusals import ActionRefused, NotAllowed
from telemetry.choices import WarningKind
from telemetry.drivers.base import Quality
from telemetry.interpret import COUNTER_ROLES
from telemetry.models import ConfigurationWarning, Plc, Tag
from telemetry.probing import checked
from telemetry.visibility import serves_only_lines_of

log = logging.getLogger(__name__)

_REASON = 200
_TEXT = 300


def standing(plc_ids: Iterable[int]) -> dict[int, str]:
    """Return by controller why none of its values counts; those whose program was accepted are not in it."""
    rows = ConfigurationWarning.objects.filter(
        plc__in=list(plc_ids), kind=WarningKind.PROGRAM_CHANGED, settled_at=None
    )
    return dict(rows.values_list("plc", "text"))


@retried
def begin(plc_id: int, equipment_ids: Sequence[int], text: str, at: datetime) -> bool:
    """Let no value of a controller count from now on; return whether that was news.

    `equipment_ids` are at home in it. Each change of the program is told once, however often it is seen.
    """
    with recording():
        plc = Plc.objects.select_for_update().filter(pk=plc_id).first()
        if plc is None or standing([plc_id]):
            return False
        _warn(plc, WarningKind.PROGRAM_CHANGED, text, at)
        # The wiring is read anew by it, and with it what is in quarantine.
        plc.save(update_fields=["stamp"])
        lose(list(equipment_ids), text[:_REASON], at)
    log.warning("a program changed", extra={"plc": plc.code, "error": text})
    return True


def unknown_state(tag_id: int, text: str, at: datetime) -> bool:
    """Tell a person of a number that a state map lacks; return whether that was news.

    While one warning of the tag stands, it tells of the number that was seen last.
    """
    tag = Tag.objects.select_related("plc").filter(pk=tag_id).first()
    if tag is None:
        return False
    kind = WarningKind.UNKNOWN_STATE
    if tag.warnings.filter(kind=kind, settled_at=None).update(text=text[:_TEXT]):
        return False
    try:
        with transaction.atomic():
            _warn(tag.plc, kind, text, at, tag)
    except IntegrityError:
        # The tag has just been deleted, or another worker told it first.
        return False
    log.warning("unknown state number", extra={"plc": tag.plc.code, "error": text})
    return True


@retried
def accept(plc: Plc, *, actor: User, at: datetime) -> ConfigurationWarning:
    """Let the values of a changed program count again, once every tag was read with its own type.

    Counters that it feeds, of whichever equipment, begin anew: the difference to another program's value is
    no production. Return the settled warning. Raises NotAllowed, and ActionRefused with the tags that cannot
    be read as they are configured, and when no change stands.
    """
    demand(actor, plc)
    # Read before the transaction: nothing waits for a network within one.
    tags = list(plc.tags.filter(enabled=True).order_by("name"))
    readings = checked(plc.endpoint, [tag.spec for tag in tags])
    if not readings and tags:
        raise ActionRefused("no_answer", f"{plc.code} did not answer.")
    wrong = [
        tag.name
        for tag, reading in zip(tags, readings, strict=False)
        if reading.quality in {Quality.BAD, Quality.STALE}
    ]
    if wrong:
        shown = ", ".join(wrong[:5]) + (f" and {len(wrong) - 5} more" if len(wrong) > 5 else "")
        raise ActionRefused(
            "wrong_tags",
            f"{plc.code}: {shown} cannot be read as configured. Correct or disable them first.",
        )
    with recording():
        plc = Plc.objects.select_for_update().get(pk=plc.pk)
        row = ConfigurationWarning.objects.filter(
            plc=plc, kind=WarningKind.PROGRAM_CHANGED, settled_at=None
        ).first()
        if row is None:
            raise ActionRefused("nothing", f"The program of {plc.code} is accepted already.")
        _settle(row, actor, at)
        plc.save(update_fields=["stamp"])
        counters = begin_anew(_counters_of(plc))
        record(
            actor,
            "plc.accept_program",
            plc,
            after={"text": row.text, "tags": len(tags), "counters": counters},
        )
    return row


def _counters_of(plc: Plc) -> list[tuple[int, str]]:
    """Return the counters that a controller feeds, by equipment and kind.

    One whose tag is disabled is of them, since it may be enabled again; but not if another tag counts by now.
    """
    own = plc.tags.filter(role__in=COUNTER_ROLES, equipment__isnull=False)
    elsewhere = Tag.objects.exclude(plc=plc).filter(
        enabled=True, role__in=COUNTER_ROLES, equipment__in=own.values("equipment")
    )
    fed = set(own.values_list("equipment_id", "role"))
    fed -= set(elsewhere.values_list("equipment_id", "role"))
    return [(pk, COUNTER_ROLES[role]) for pk, role in sorted(fed)]


@retried
def settle(row: ConfigurationWarning, *, actor: User, at: datetime) -> ConfigurationWarning:
    """Note that a person has seen to a warning, and return it; one that is settled stays as it is."""
    demand(actor, row.plc)
    if row.kind == WarningKind.PROGRAM_CHANGED:
        raise ActionRefused("program", "A changed program is accepted, and not only settled.")
    with recording():
        row = ConfigurationWarning.objects.select_for_update(of=("self",)).get(pk=row.pk)
        if row.settled_at is None:
            _settle(row, actor, at)
            record(actor, "configurationwarning.settle", row, after={"text": row.text})
    return row


def demand(actor: User, plc: Plc) -> None:
    """Raise NotAllowed unless this person may edit the controller."""
    if not actor.has_perm("telemetry.change_plc") or not serves_only_lines_of(plc, actor):
        raise NotAllowed(f"{plc.code} is not yours to change.")


def _settle(row: ConfigurationWarning, actor: User, at: datetime) -> None:
    row.settled_at, row.settled_by_name = at, str(actor)[:150]
    row.save(update_fields=["settled_at", "settled_by_name"])


def _warn(plc: Plc, kind: WarningKind, text: str, at: datetime, tag: Tag | None = None) -> None:
    ConfigurationWarning.objects.create(
        plc=plc, tag=tag, kind=kind, text=text[:_TEXT], since=at
    )

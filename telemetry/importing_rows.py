"""What an import changes, into the rows of tags and message bits."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from telemetry.choices import Role
from telemetry.importers.changes import Change
from telemetry.models import MessageBit, Plc, Tag, TagImport
from telemetry.models.stamps import new_stamp

_BATCH = 500
_OF_FILE = ("name", "address", "data_type", "length", "description", "imported_at")


def write_tags(
    told: Sequence[Change],
    tags: Iterable[Tag],
    imported: TagImport,
    roles: Mapping[str, str],
    at: datetime,
    *,
    everything: bool,
) -> None:
    """Make the new tags and change the changed ones; the caller holds them, and gives all of the controller."""
    fresh, edited = [], []
    known = {tag.pk: tag for tag in tags}
    for change in told:
        if change.tag is None or change.what not in {"new", "changed", "unchanged"}:
            continue
        found = change.tag
        if change.what == "new":
            role = roles.get(found.name, Role.NONE)
            fresh.append(
                Tag(
                    plc_id=imported.plc_id,
                    name=found.name,
                    address=found.address,
                    data_type=found.data_type,
                    length=found.length,
                    description=found.description,
                    equipment_id=imported.equipment_id,
                    role=role,
                    enabled=everything or role != Role.NONE,
                    imported_at=at,
                )
            )
            continue
        tag = known[change.known_id or 0]
        for name, (_, value) in change.fields.items():
            setattr(tag, name, value)
        if change.fields or tag.imported_at is None:
            tag.imported_at = at
            edited.append(tag)
    _update(Tag.objects.all(), edited, _OF_FILE)
    Tag.objects.bulk_create(fresh, batch_size=_BATCH)


def retire_tags(told: Sequence[Change], plc: Plc) -> None:
    """Disable the tags that vanished, some at a time: SQLite takes no statement of any length."""
    gone = [each.known_id for each in told if each.what == "vanished" and each.known_id]
    for at in range(0, len(gone), _BATCH):
        some = Tag.objects.filter(pk__in=gone[at : at + _BATCH], plc=plc)
        some.update(enabled=False, stamp=new_stamp())


def write_bits(told: Sequence[Change], plc: Plc, kinds: Mapping[str, str]) -> None:
    """Make the new bits, of these kinds where one is told by name, and change the texts of the changed ones."""
    ids = {
        name.lower(): key for key, name in Tag.objects.filter(plc=plc).values_list("pk", "name")
    }
    # Held, or what somebody deletes now would be there again.
    held = (
        MessageBit.objects.select_for_update(of=("self",)).filter(tag__plc=plc).order_by("pk")
    )
    stored = {bit.pk: bit for bit in held}
    fresh, edited = [], []
    for change in told:
        bit = change.bit
        if bit is None:
            continue
        if change.what == "new":
            fresh.append(
                MessageBit(
                    tag_id=ids[bit.tag.lower()],
                    bit=bit.bit,
                    text=bit.text,
                    kind=kinds.get(change.name, bit.kind),
                    severity=bit.severity,
                    source=bit.source,
                )
            )
        elif change.what == "changed" and (known := stored.get(change.known_id or 0)):
            known.text, known.source = bit.text, bit.source
            edited.append(known)
    _update(MessageBit.objects.all(), edited, ("text", "source"))
    MessageBit.objects.bulk_create(fresh, batch_size=_BATCH)


def _update(among: QuerySet[Any], rows: Sequence[Any], fields: Sequence[str]) -> None:
    """Write these fields of rows that are there, and a new stamp of each.

    As inserts that meet their own keys: to save each row alone takes twice as long, Django's `bulk_update`
    ten times, and that calls no `pre_save`, so that the stamps would stay and the polling see nothing.
    """
    among.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["pk"],
        update_fields=[*fields, "stamp"],
        batch_size=_BATCH,
    )

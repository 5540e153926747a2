"""Files of tags into the controllers' rows: first what would change, then, by one action, the change."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError

from ms5.accounts.audit import record
from ms5.accounts.models import User
from ms5.events.log import recording
from ms5.events.retry import retried
from production.models import Equipment
from production.refusals import ActionRefused, NotAllowed
from production.visibility import limited
from telemetry.choices import Protocol, Role
from telemetry.drivers import base
from telemetry.importers.changes import Change, KnownBit, KnownTag, changes, counted
from telemetry.importers.found import Found, FoundTag, Unreadable
from telemetry.importers.recognised import parsed
from telemetry.importers.words import candidates, choices, fits, suggestions
from telemetry.models import MessageBit, Plc, Tag, TagImport
from telemetry.validation import address_error
from telemetry.visibility import serves_only_lines_of

KEPT = timedelta(days=7)
"""How long a file that nobody applied waits for it."""
_BATCH = 500
_SPEAKS: Mapping[str, str] = {"logix": Protocol.LOGIX, "rslogix500": Protocol.SLC}


@dataclass(frozen=True, slots=True)
class Preview:
    """What a file would change. `roles` are the suggested ones by tag; `choices` the tags that may, by role."""

    found: Found
    changes: Sequence[Change]
    roles: Mapping[str, str]
    choices: Mapping[str, Sequence[str]]
    digest: str
    """Stays the same for as long as the same would change."""

    @property
    def counts(self) -> dict[str, int]:
        return counted(self.changes)


def preview(data: bytes, plc: Plc, equipment: Equipment | None) -> Preview:
    """Return what the file would change of the controller. Raises ActionRefused for one that fits it not."""
    try:
        found = parsed(data)
    except Unreadable as why:
        raise ActionRefused("unreadable", str(why)) from why
    speaks = _SPEAKS.get(found.kind)
    if speaks is not None and plc.protocol != speaks:
        raise ActionRefused(
            "wrong_protocol",
            f"The file is of another kind of controller than {plc.code},"
            f" which speaks {plc.get_protocol_display()}.",
        )
    told = changes(found, _known_tags(plc), _known_bits(plc), _wrong(found.tags, plc))
    fresh = [change.tag for change in told if change.what == "new" and change.tag is not None]
    free = [] if equipment is None else _free(equipment)
    likely = {role: names for role, names in candidates(fresh).items() if role in free}
    offered = choices(likely, fresh, free)
    return Preview(found, told, suggestions(likely), offered, _digest(data, told))


@retried
def upload(
    plc: Plc,
    data: bytes,
    *,
    name: str,
    equipment: Equipment | None,
    actor: User,
    at: datetime,
) -> TagImport:
    """Keep a file until a person has seen what it changes. Raises ActionRefused, NotAllowed."""
    demand(actor, plc, equipment)
    seen = preview(data, plc, equipment)
    with recording():
        TagImport.objects.filter(applied_at=None, made_at__lt=at - KEPT).delete()
        return TagImport.objects.create(
            plc=plc,
            equipment=equipment,
            kind=seen.found.kind,
            file_name=name[:200],
            digest=hashlib.sha256(data).hexdigest(),
            content=data,
            by=actor,
            by_name=str(actor)[:150],
            made_at=at,
            counts=seen.counts,
        )


@retried
def apply(
    imported: TagImport,
    *,
    roles: Mapping[str, str],
    everything: bool,
    retire: bool,
    seen: str,
    actor: User,
    at: datetime,
) -> TagImport:
    """Do what the preview showed and return the import; one that was applied is returned as it is.

    `roles` are played by new tags of the file, by name. A new tag without one is polled only with
    `everything`; a vanished one is disabled with `retire`, and never deleted. `seen` is the digest of the
    preview: raises ActionRefused when something else would change by now, and NotAllowed.
    """
    with recording():
        plc = Plc.objects.select_for_update().get(pk=imported.plc_id)
        imported = TagImport.objects.select_for_update(of=("self",)).get(pk=imported.pk)
        if imported.applied_at is not None:
            return imported
        demand(actor, plc, imported.equipment)
        found = preview(bytes(imported.content), plc, imported.equipment)
        if found.digest != seen:
            raise ActionRefused(
                "changed", "Something was edited meanwhile; look again at what would change."
            )
        _demand_roles(roles, found, imported.equipment)
        try:
            _write_tags(
                found.changes, plc, imported.equipment, roles, at, everything=everything
            )
        except IntegrityError as taken:
            raise ActionRefused("taken", "Another tag plays that role already.") from taken
        if retire:
            vanished = (each for each in found.changes if each.what == "vanished")
            gone = [each.known_id for each in vanished if each.known_id is not None]
            if found.found.kind != "messages":
                Tag.objects.filter(pk__in=gone, plc=plc).update(enabled=False, updated_at=at)
        _write_bits(found.changes, plc)
        imported.applied_at, imported.content, imported.counts = at, b"", found.counts
        imported.save()
        record(
            actor,
            "plc.import",
            plc,
            after={
                "file": imported.file_name,
                "sha256": imported.digest,
                "counts": found.counts,
                "roles": dict(roles),
                "everything": everything,
                "retire": retire,
            },
            line_id=imported.equipment.line.code if imported.equipment else "",
        )
    return imported


def demand(actor: User, plc: Plc, equipment: Equipment | None) -> None:
    """Raise NotAllowed unless this person may edit the tags of the controller and sees the equipment."""
    may = all(
        actor.has_perm(f"telemetry.{verb}")
        for verb in ("change_plc", "add_tag", "change_tag", "add_messagebit")
    )
    if not may or not serves_only_lines_of(plc, actor):
        raise NotAllowed(f"The tags of {plc.code} are not yours to import.")
    if equipment is not None:
        mine = limited(Equipment.objects.filter(pk=equipment.pk), actor, "line")
        if not mine.exists():
            raise NotAllowed("The equipment is on none of your lines.")


def _known_tags(plc: Plc) -> list[KnownTag]:
    return [
        KnownTag(
            id=tag.pk,
            name=tag.name,
            address=tag.address,
            data_type=tag.data_type,
            length=tag.length,
            description=tag.description,
            imported=tag.imported_at is not None,
        )
        for tag in Tag.objects.filter(plc=plc).order_by("pk")
    ]


def _known_bits(plc: Plc) -> list[KnownBit]:
    return [
        KnownBit(id=bit.pk, tag=bit.tag.name, bit=bit.bit, text=bit.text, source=bit.source)
        for bit in MessageBit.objects.filter(tag__plc=plc).select_related("tag")
    ]


def _wrong(tags: Sequence[FoundTag], plc: Plc) -> dict[str, str]:
    told = {tag.name: address_error(plc.protocol, _spec(tag)) for tag in tags}
    return {name: why for name, why in told.items() if why}


def _spec(tag: FoundTag) -> base.TagSpec:
    return base.TagSpec(tag.address, base.DataType(tag.data_type), length=tag.length)


def _free(equipment: Equipment) -> list[str]:
    """Return the roles that no tag of the equipment plays yet."""
    played = set(
        Tag.objects.filter(equipment=equipment, enabled=True)
        .exclude(role__in=[Role.NONE, Role.MESSAGE_BITS])
        .values_list("role", flat=True)
    )
    return [role for role in Role.values if role not in {*played, Role.NONE}]


def _digest(data: bytes, told: Sequence[Change]) -> str:
    shown = [(each.what, each.line, each.name, sorted(each.fields.items())) for each in told]
    return hashlib.sha256(data + repr(shown).encode()).hexdigest()


def _demand_roles(roles: Mapping[str, str], seen: Preview, equipment: Equipment | None) -> None:
    if roles and equipment is None:
        raise ActionRefused("no_equipment", "A role needs an equipment.")
    fresh = {
        change.tag.name: change.tag
        for change in seen.changes
        if change.what == "new" and change.tag is not None
    }
    once: set[str] = set()
    for name, role in roles.items():
        tag = fresh.get(name)
        if tag is None or not fits(role, tag.data_type, tag.length):
            raise ActionRefused("wrong_role", f"{name[:60]} cannot play the role {role[:20]}.")
        if role in once and role != Role.MESSAGE_BITS:
            raise ActionRefused("wrong_role", f"Two tags cannot both play the role {role}.")
        once.add(role)


def _write_tags(
    told: Sequence[Change],
    plc: Plc,
    equipment: Equipment | None,
    roles: Mapping[str, str],
    at: datetime,
    *,
    everything: bool,
) -> None:
    fresh = []
    known = {tag.pk: tag for tag in Tag.objects.select_for_update().filter(plc=plc)}
    for change in told:
        if change.tag is None or change.what not in {"new", "changed", "unchanged"}:
            continue
        found = change.tag
        if change.what == "new":
            role = roles.get(found.name, Role.NONE)
            fresh.append(
                Tag(
                    plc=plc,
                    name=found.name,
                    address=found.address,
                    data_type=found.data_type,
                    length=found.length,
                    description=found.description,
                    equipment=equipment,
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
            tag.save()
    Tag.objects.bulk_create(fresh, batch_size=_BATCH)


def _write_bits(told: Sequence[Change], plc: Plc) -> None:
    ids = {
        name.lower(): key for key, name in Tag.objects.filter(plc=plc).values_list("pk", "name")
    }
    fresh = []
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
                    kind=bit.kind,
                    severity=bit.severity,
                    source=bit.source,
                )
            )
        elif change.what == "changed" and change.known_id is not None:
            for stored in MessageBit.objects.filter(pk=change.known_id):
                stored.text, stored.source = bit.text, bit.source
                stored.save()
    MessageBit.objects.bulk_create(fresh, batch_size=_BATCH)

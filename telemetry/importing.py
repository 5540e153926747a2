"""Files of tags into the controllers' rows: first what would change, then, by one action, the change."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError

from ms5.accounts.audit import record
from ms5.accounts.models import User
from ms5.events.log import recording
from ms5.events.retry import retried
from production.choices import MessageKind
from production.models import Equipment
from production.refusals import ActionRefused, NotAllowed
from production.visibility import limited
from telemetry.choices import Protocol, Role
from telemetry.drivers import base
from telemetry.importers.changes import Change, KnownBit, KnownTag, changes, counted, missing
from telemetry.importers.found import Found, FoundTag, Unreadable
from telemetry.importers.recognised import parsed
from telemetry.importers.words import candidates, choices, suggestions
from telemetry.importing_rows import retire_tags, write_bits, write_tags
from telemetry.models import MessageBit, Plc, Tag, TagImport
from telemetry.roles import can_play
from telemetry.validation import address_error
from telemetry.visibility import serves_only_lines_of

KEPT = timedelta(days=7)
"""How long a file that nobody applied waits for it."""
_SPEAKS: Mapping[str, str] = {"logix": Protocol.LOGIX, "rslogix500": Protocol.SLC}


@dataclass(frozen=True, slots=True)
class Known:
    """What a file is compared with: as long as it is the same, the same would change."""

    protocol: str
    tags: Sequence[KnownTag]
    bits: Sequence[KnownBit]
    free: Sequence[str]
    """Roles that no tag of the equipment plays yet."""
    parted: str
    """Why no tag can play a role for the equipment; empty when they can."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What a file would change. `roles` are the suggested ones by tag; `choices` the tags that may, by role."""

    found: Found
    known: Known
    changes: Sequence[Change]
    roles: Mapping[str, str]
    choices: Mapping[str, Sequence[str]]
    missing: Mapping[str, Sequence[str]]
    """Bits that a list of messages does not speak of, by tag."""
    digest: str
    """Stays the same for as long as the same would change."""

    @property
    def counts(self) -> dict[str, int]:
        return counted(self.changes)

    @property
    def kinds(self) -> dict[str, str]:
        """Return the kind that each new bit is guessed to be of, by name."""
        return {
            change.name: change.bit.kind
            for change in self.changes
            if change.what == "new" and change.bit is not None
        }


def preview(data: bytes, plc: Plc, equipment: Equipment | None) -> Preview:
    """Return what the file would change of the controller. Raises ActionRefused for one that fits it not.

    Where another shard reads the equipment no tag can play a role for it, and those that would are refused.
    """
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
    known = _known(plc, equipment, Tag.objects.filter(plc=plc).order_by("pk"))
    wrong = _wrong(found.tags, plc)
    told = changes(found, known.tags, known.bits, wrong)
    likely = _likely(told, known)
    roles = suggestions(likely)
    if known.parted:
        told = changes(
            found, known.tags, known.bits, dict.fromkeys(roles, known.parted) | wrong
        )
        roles, offered = {}, {}
    else:
        offered = choices(likely, list(_fresh(told).values()), known.free)
    left = missing(found, known.tags)
    return Preview(found, known, told, roles, offered, left, _digest(data, told))


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


def apply(
    imported: TagImport,
    *,
    roles: Mapping[str, str],
    everything: bool,
    retire: bool,
    seen: str,
    actor: User,
    at: datetime,
    kinds: Mapping[str, str] | None = None,
) -> TagImport:
    """Do what the preview showed and return the import; one that was applied is returned as it is.

    `roles` are played by new tags of the file, by name, and `kinds` are those of new bits whose kind is not
    left to the guess. A new tag without a role is polled only with `everything`; a vanished one is disabled
    with `retire`, and never deleted. `seen` is the digest of the preview: raises ActionRefused when something
    else would change by now, and NotAllowed.
    """
    demand(actor, imported.plc, imported.equipment)
    asked = TagImport.objects.select_related("plc", "equipment").get(pk=imported.pk)
    if asked.applied_at is not None:
        return asked
    # Outside of the transaction: a large file takes a second or two, and SQLite has one writer.
    found = preview(bytes(asked.content), asked.plc, asked.equipment)
    if found.digest != seen:
        raise _edited()
    _demand_roles(roles, found, asked.equipment)
    return _apply(
        asked,
        found,
        roles=roles,
        kinds=_edited_kinds(kinds or {}, found),
        everything=everything,
        retire=retire,
        actor=actor,
        at=at,
    )


@retried
def _apply(
    imported: TagImport,
    found: Preview,
    *,
    roles: Mapping[str, str],
    kinds: Mapping[str, str],
    everything: bool,
    retire: bool,
    actor: User,
    at: datetime,
) -> TagImport:
    """Write what was found, if what it was compared with is as it was."""
    with recording():
        plc = Plc.objects.select_for_update().get(pk=imported.plc_id)
        imported = TagImport.objects.select_for_update(of=("self",)).get(pk=imported.pk)
        if imported.applied_at is not None:
            return imported
        demand(actor, plc, imported.equipment)
        tags = list(Tag.objects.select_for_update().filter(plc=plc).order_by("pk"))
        if _known(plc, imported.equipment, tags) != found.known:
            raise _edited()
        try:
            write_tags(found.changes, tags, imported, roles, at, everything=everything)
        except IntegrityError as taken:
            raise ActionRefused("taken", "Another tag plays that role already.") from taken
        # In a list of messages it is bits that vanished, and they stay.
        if retire and found.found.kind != "messages":
            retire_tags(found.changes, plc)
        write_bits(found.changes, plc, kinds)
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
                "kinds": dict(kinds),
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


def _edited() -> ActionRefused:
    return ActionRefused(
        "changed", "Something was edited meanwhile; look again at what would change."
    )


def _known(plc: Plc, equipment: Equipment | None, tags: Iterable[Tag]) -> Known:
    return Known(
        protocol=plc.protocol,
        tags=[
            KnownTag(
                id=tag.pk,
                name=tag.name,
                address=tag.address,
                data_type=tag.data_type,
                length=tag.length,
                description=tag.description,
                imported=tag.imported_at is not None,
                role=tag.role,
            )
            for tag in tags
        ],
        bits=[
            KnownBit(id=bit.pk, tag=bit.tag.name, bit=bit.bit, text=bit.text, source=bit.source)
            for bit in MessageBit.objects.filter(tag__plc=plc)
            .select_related("tag")
            .order_by("pk")
        ],
        free=[] if equipment is None else _free(equipment),
        parted="" if equipment is None else plc.parted_error(equipment.pk),
    )


def _fresh(told: Sequence[Change]) -> dict[str, FoundTag]:
    """Return the tags that would be new, by name."""
    return {
        change.tag.name: change.tag
        for change in told
        if change.what == "new" and change.tag is not None
    }


def _likely(told: Sequence[Change], known: Known) -> dict[str, list[str]]:
    found = candidates(_fresh(told).values())
    return {role: names for role, names in found.items() if role in known.free}


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
    if roles and seen.known.parted:
        raise ActionRefused("parted", seen.known.parted)
    fresh = _fresh(seen.changes)
    once: set[str] = set()
    for name, role in roles.items():
        tag = fresh.get(name)
        if tag is None or not can_play(role, tag.data_type, tag.length):
            raise ActionRefused("wrong_role", f"{name[:60]} cannot play the role {role[:20]}.")
        if role in once and role != Role.MESSAGE_BITS:
            raise ActionRefused("wrong_role", f"Two tags cannot both play the role {role}.")
        once.add(role)


def _edited_kinds(kinds: Mapping[str, str], seen: Preview) -> dict[str, str]:
    """Return the kinds that are other than guessed. Raises ActionRefused for one of no new bit."""
    guessed = seen.kinds
    for name, kind in kinds.items():
        if name not in guessed or kind not in MessageKind.values:
            raise ActionRefused("wrong_kind", f"{name[:60]} cannot be of the kind {kind[:20]}.")
    return {name: kind for name, kind in kinds.items() if kind != guessed[name]}

"""What a file changes of what is known already, row by row; nothing is taken away in silence (pure)."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

from telemetry.importers.found import Found, FoundBit, FoundTag, Remark
from telemetry.roles import bit_error, bits_of, role_error

What = Literal["new", "changed", "unchanged", "vanished", "refused", "in part", "passed over"]
ORDER: tuple[What, ...] = (
    "refused",
    "in part",
    "new",
    "changed",
    "vanished",
    "unchanged",
    "passed over",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownTag:
    """A tag of the controller as it is stored. `imported`: a file told of it, so a file may rename it."""

    id: int
    name: str
    address: str
    data_type: str
    length: int
    description: str
    imported: bool
    role: str = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownBit:
    """A bit of a tag as it is stored."""

    id: int
    tag: str
    bit: int
    text: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What becomes of one row, or of one thing that no row names any more (then its line is None).

    `fields` are those that become other than they are, each with what it was and what it will be. `known_id`
    is that of the stored tag, or of the bit where there is a `bit`; a bit that vanished stays, and needs none.
    """

    what: What
    line: int | None
    name: str
    why: str = ""
    fields: Mapping[str, tuple[object, object]] = field(default_factory=dict)
    tag: FoundTag | None = None
    bit: FoundBit | None = None
    known_id: int | None = None


def changes(
    found: Found,
    tags: Sequence[KnownTag],
    bits: Sequence[KnownBit],
    wrong: Mapping[str, str],
) -> list[Change]:
    """Return what every row of the file does to the controller.

    `wrong` names the found tags that cannot be taken, with a sentence each. A tag is known again by its name
    in whichever case, and one that came from a file also by its address, when its name is gone. One that
    could not play its role any more, of the type that the file gives it, stays as it is.
    """
    told = [
        Change(
            what=_of_remark(remark),
            line=remark.line,
            name=remark.what,
            why=remark.why,
        )
        for remark in found.remarks
    ]
    of_tags = _tag_changes(found, tags, wrong)
    told += of_tags
    before = {known.name: (known.data_type, known.length) for known in tags}
    lengths = before | {
        change.tag.name: (change.tag.data_type, change.tag.length)
        for change in of_tags
        if change.tag is not None and change.what != "refused"
    }
    told += _bit_changes(found.bits, bits, before, lengths)
    return sorted(told, key=lambda each: (each.line is None, each.line or 0))


def counted(told: Iterable[Change]) -> dict[str, int]:
    """Return how many of each there are, in the order in which a person wants to know."""
    counts: dict[str, int] = dict.fromkeys(ORDER, 0)
    for change in told:
        counts[change.what] += 1
    return counts


def missing(found: Found, tags: Iterable[KnownTag]) -> dict[str, list[str]]:
    """Return the bits of each tag that a list of messages does not speak of, as numbers and `4 to 9`."""
    left: dict[str, list[str]] = {}
    for tag in tags:
        listed = found.listed.get(tag.name.lower())
        if listed is None:
            continue
        bits = bits_of(tag.data_type, tag.length)
        ends = sorted({-1, bits, *(bit for bit in listed if bit < bits)})
        gaps = [(one + 1, other - 1) for one, other in pairwise(ends) if other - one > 1]
        if gaps:
            left[tag.name] = [
                str(first) if first == last else f"{first} to {last}" for first, last in gaps
            ]
    return left


def _tag_changes(
    found: Found, known: Sequence[KnownTag], wrong: Mapping[str, str]
) -> list[Change]:
    # To a controller `Fault` and `FAULT` are one; where both are stored, each is known by its own.
    by_name = {tag.name.lower(): tag for tag in known} | {tag.name: tag for tag in known}
    named = {tag.name.lower() for tag in found.tags}
    # A known tag whose name the file lacks may be there under another one.
    by_address = {
        tag.address: tag for tag in known if tag.imported and tag.name.lower() not in named
    }
    met: set[int] = set()
    told: list[Change] = []
    for tag in found.tags:
        named_so = by_name.get(tag.name) or by_name.get(tag.name.lower())
        if why := wrong.get(tag.name):
            told.append(Change(what="refused", line=tag.line, name=tag.name, why=why))
            # It is in the file all the same: what is known of it has not vanished.
            met |= {named_so.id} if named_so else set()
            continue
        old = named_so or by_address.get(tag.address)
        if old is None or old.id in met:
            told.append(Change(what="new", line=tag.line, name=tag.name, tag=tag))
            continue
        met.add(old.id)
        fields = {
            name: (getattr(old, name), getattr(tag, name))
            for name in ("name", "address", "data_type", "length", "description")
            # A person's own words stand where the file has none.
            if getattr(old, name) != getattr(tag, name)
            and not (name == "description" and not tag.description)
        }
        if why := _no_role(old, tag, fields):
            told.append(Change(what="refused", line=tag.line, name=tag.name, why=why))
            continue
        what: What = "changed" if fields else "unchanged"
        told.append(
            Change(
                what=what, line=tag.line, name=tag.name, fields=fields, tag=tag, known_id=old.id
            )
        )
    if found.kind == "messages":
        return told
    told += [
        Change(
            what="vanished",
            line=None,
            name=tag.name,
            why="it came from a file, and is not in this one",
            known_id=tag.id,
        )
        for tag in known
        if tag.imported and tag.id not in met
    ]
    return told


def _no_role(old: KnownTag, tag: FoundTag, fields: Collection[str]) -> str:
    """Say why a tag could not play its role any more as the file has it; empty when it could."""
    if not {"data_type", "length"} & set(fields):
        return ""
    why = role_error(old.role, tag.data_type, tag.length)
    many = f"[{tag.length}]" if tag.length > 1 else ""
    return why and f"it would be {tag.data_type}{many}, and plays the role {old.role}. {why}"


def _bit_changes(
    found: Sequence[FoundBit],
    known: Sequence[KnownBit],
    before: Mapping[str, tuple[str, int]],
    lengths: Mapping[str, tuple[str, int]],
) -> list[Change]:
    names = {name.lower(): name for name in lengths}
    by_place = {(bit.tag.lower(), bit.bit): bit for bit in known}
    told: list[Change] = []
    for bit in found:
        name = f"{bit.tag}[{bit.bit}]"
        tag = names.get(bit.tag.lower())
        why = _no_bit(bit, lengths.get(tag or ""))
        if why:
            told.append(Change(what="refused", line=bit.line, name=name, why=why))
            continue
        old = by_place.pop((bit.tag.lower(), bit.bit), None)
        if old is None:
            told.append(Change(what="new", line=bit.line, name=name, bit=bit))
            continue
        # Its kind and severity are a person's by now; the file only guessed them.
        fields = {
            column: (getattr(old, column), getattr(bit, column))
            for column in ("text", "source")
            if getattr(old, column) != getattr(bit, column)
        }
        told.append(
            Change(
                what="changed" if fields else "unchanged",
                line=bit.line,
                name=name,
                fields=fields,
                bit=bit,
                known_id=old.id,
            )
        )
    spoken_of = {bit.tag.lower() for bit in found}
    for (tag_name, _), left in by_place.items():
        why = "it is not in this file" if tag_name in spoken_of else ""
        # Its tag is another one by now, in whichever case the file writes its name.
        held, holds = before[left.tag], lengths[names[tag_name]]
        if not bit_error(left.tag, *held, left.bit):
            why = bit_error(left.tag, *holds, left.bit) or why
        if why:
            name = f"{left.tag}[{left.bit}]"
            told.append(
                Change(what="vanished", line=None, name=name, why=f"{why}; it stays as it is")
            )
    return told


def _no_bit(bit: FoundBit, held: tuple[str, int] | None) -> str:
    if held is None:
        return f"the controller has no tag {bit.tag}: import the tags first"
    return bit_error(bit.tag, *held, bit.bit)


def _of_remark(remark: Remark) -> What:
    if remark.refused:
        return "refused"
    return "in part" if remark.in_part else "passed over"

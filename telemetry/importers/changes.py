"""What a file changes of what is known already, row by row; nothing is taken away in silence (pure)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from telemetry.importers.found import Found, FoundBit, FoundTag

What = Literal["new", "changed", "unchanged", "vanished", "refused", "passed over"]
ORDER: tuple[What, ...] = (
    "refused",
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

    `fields` are those that become other than they are, each with what it was and what it will be.
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

    `wrong` names the found tags that the controller's protocol cannot read, with a sentence each. A tag is
    known again by its name, and one that came from a file also by its address, when its name is gone.
    """
    told = [
        Change(
            what="refused" if remark.refused else "passed over",
            line=remark.line,
            name=remark.what,
            why=remark.why,
        )
        for remark in found.remarks
    ]
    of_tags = _tag_changes(found, tags, wrong)
    told += of_tags
    lengths = {known.name: (known.data_type, known.length) for known in tags}
    lengths |= {
        change.tag.name: (change.tag.data_type, change.tag.length)
        for change in of_tags
        if change.tag is not None and change.what != "refused"
    }
    told += _bit_changes(found.bits, bits, lengths)
    return sorted(told, key=lambda each: (each.line is None, each.line or 0))


def counted(told: Iterable[Change]) -> dict[str, int]:
    """Return how many of each there are, in the order in which a person wants to know."""
    counts: dict[str, int] = dict.fromkeys(ORDER, 0)
    for change in told:
        counts[change.what] += 1
    return counts


def _tag_changes(
    found: Found, known: Sequence[KnownTag], wrong: Mapping[str, str]
) -> list[Change]:
    by_name = {tag.name: tag for tag in known}
    named = {tag.name for tag in found.tags}
    # A known tag whose name the file lacks may be there under another one.
    by_address = {tag.address: tag for tag in known if tag.imported and tag.name not in named}
    met: set[int] = set()
    told: list[Change] = []
    for tag in found.tags:
        if why := wrong.get(tag.name):
            told.append(Change(what="refused", line=tag.line, name=tag.name, why=why))
            # It is in the file all the same: what is known of it has not vanished.
            met |= {by_name[tag.name].id} if tag.name in by_name else set()
            continue
        old = by_name.get(tag.name) or by_address.get(tag.address)
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


def _bit_changes(
    found: Sequence[FoundBit],
    known: Sequence[KnownBit],
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
    told += [
        Change(
            what="vanished",
            line=None,
            name=f"{bit.tag}[{bit.bit}]",
            why="it is not in this file; it stays as it is",
            known_id=bit.id,
        )
        for (tag_name, _), bit in by_place.items()
        if tag_name in spoken_of
    ]
    return told


def _no_bit(bit: FoundBit, held: tuple[str, int] | None) -> str:
    if held is None:
        return f"the controller has no tag {bit.tag}: import the tags first"
    data_type, length = held
    digits = "".join(letter for letter in data_type if letter.isdigit())
    bits = length if data_type == "bool" else int(digits or 0) if "int" in data_type else 0
    if data_type != "bool" and length > 1:
        return f"{bit.tag} is an array of {data_type}; message bits are an array of bool or one word"
    return "" if bit.bit < bits else f"{bit.tag} has {bits} bits"

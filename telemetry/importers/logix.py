"""The tag CSV of RSLogix 5000 and Studio 5000, versions 0.1 and 0.3 (pure)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from telemetry.importers.escapes import unescaped
from telemetry.importers.found import ROOM, Found, FoundBit, FoundTag, Row, shown
from telemetry.importers.words import kind_of, severity_of
from telemetry.roles import bits_of

HEADER = ("TYPE", "SCOPE", "NAME", "DESCRIPTION", "DATATYPE", "SPECIFIER")
_NAME_ROOM = 100
_ADDRESS_ROOM = 200
_VERSION = re.compile(r"0[.,][0-9]")
_TYPE = re.compile(r"([A-Za-z_][A-Za-z0-9_:]*)(?:\[([0-9]{1,9}(?:,[0-9]{1,9}){0,2})\])?")
_ACCESS = re.compile(r"ExternalAccess\s*:=\s*([A-Za-z/ ]+)")
_STEP = re.compile(r"\[([0-9]{1,9}(?:,[0-9]{1,9})*)\]|\.([A-Za-z_][A-Za-z0-9_]*|[0-9]{1,2})")
_BASE = re.compile(r"[A-Za-z_][A-Za-z0-9_:]*")

_TYPES = {
    "BOOL": "bool",
    "SINT": "int8",
    "INT": "int16",
    "DINT": "int32",
    "LINT": "int64",
    "USINT": "uint8",
    "UINT": "uint16",
    "UDINT": "uint32",
    "ULINT": "uint64",
    "REAL": "float32",
    "LREAL": "float64",
    "STRING": "string",
}
_INTEGER_BITS = {name: bits_of(kind, 1) for name, kind in _TYPES.items() if kind[-1:].isdigit()}
_MOST_HOPS = 64
"""Aliases of aliases that are followed; a chain of thousands would be walked from each of its links."""
_FLAGS = dict.fromkeys(("EN", "TT", "DN", "CU", "CD", "OV", "UN", "ER", "EM"), "BOOL")
_MEMBERS: Mapping[str, Mapping[str, str]] = {
    "TIMER": {"PRE": "DINT", "ACC": "DINT", **_FLAGS},
    "COUNTER": {"PRE": "DINT", "ACC": "DINT", **_FLAGS},
    "CONTROL": {"LEN": "DINT", "POS": "DINT", **_FLAGS},
}
_SHOWN_MEMBERS = {
    "TIMER": ("ACC", "DN"),
    "COUNTER": ("ACC", "DN"),
    "CONTROL": ("POS", "DN"),
}


class _Unknown(ValueError):
    """What the file does not tell; the message is a sentence."""


@dataclass(frozen=True, slots=True)
class _Typed:
    """A type as the file writes it: its name, and the elements of an array, else None."""

    name: str
    elements: int | None = None


@dataclass(frozen=True, slots=True)
class _Entry:
    """A row TAG or ALIAS. `scope` is a program or empty; an alias has a target and no type."""

    row: Row
    scope: str
    name: str
    description: str
    type: str
    target: str

    @property
    def full_name(self) -> str:
        return f"Program:{self.scope}.{self.name}" if self.scope else self.name


def parse(rows: list[Row]) -> Found:
    """Return the tags of the file, and the bits that its comments describe."""
    found = Found("logix")
    entries: dict[str, _Entry] = {}
    comments: list[Row] = []
    for row in rows:
        head = row.cells[0].upper().partition(":")[0]
        if head == "REMARK":
            found.pass_over(row, "a remark")
        elif _VERSION.fullmatch(row.cells[0]) and not any(row.cells[1:]):
            found.pass_over(row, "the version of the format")
        elif tuple(cell.upper() for cell in row.cells[:6]) == HEADER:
            found.pass_over(row, "a header")
        elif head in {"RCOMMENT", "TEXTBOX"}:
            found.pass_over(row, "a text of the program, which names no tag")
        elif head == "COMMENT":
            comments.append(row)
        elif head in {"TAG", "ALIAS"}:
            _take(row, found, entries)
        else:
            found.refuse(row, f"'{row.cells[0][:20]}' is no type of row that is known")
    lines: dict[str, int] = {}
    for entry in entries.values():
        _add(entry, entries, found, lines)
    _describe(comments, entries, found)
    found.remarks.sort(key=lambda remark: remark.line)
    return found


def _take(row: Row, found: Found, entries: dict[str, _Entry]) -> None:
    if len(row.cells) < 6:
        found.refuse(row, f"it has {len(row.cells)} columns where six or seven are due")
        return
    head, scope, name, description, data_type, specifier = row.cells[:6]
    is_alias = head.upper().startswith("ALIAS")
    entry = _Entry(
        row, scope, name, unescaped(description), data_type, specifier if is_alias else ""
    )
    access = _ACCESS.search(row.cells[6]) if len(row.cells) > 6 else None
    if not _BASE.fullmatch(name) or (scope and not _BASE.fullmatch(scope)):
        found.refuse(row, "its name is none that a controller can have")
    elif entry.full_name.lower() in entries:
        first = entries[entry.full_name.lower()].row.line
        found.refuse(row, f"it stands in line {first} already")
    elif access is not None and access[1].strip().lower() == "none":
        found.refuse(row, "its external access is None, so that nobody can read it")
    elif is_alias and not specifier:
        found.refuse(row, "it is an alias of nothing")
    else:
        entries[entry.full_name.lower()] = entry


def _add(
    entry: _Entry, entries: Mapping[str, _Entry], found: Found, lines: dict[str, int]
) -> None:
    """Add what of an entry can be read; of a timer or a counter its members. `lines` are those of all names."""
    try:
        address, typed = _resolved(entry, entries)
        tags = list(_tags(entry, address, typed))
    except _Unknown as why:
        found.refuse(entry.row, str(why))
        return
    if any(len(tag.name) > _NAME_ROOM or len(tag.address) > _ADDRESS_ROOM for tag in tags):
        found.refuse(entry.row, f"its name is longer than {_NAME_ROOM} characters")
        return
    # `Main.ACC` may be a tag of a program or, of what a person wrote, the member of a timer.
    if taken := next((lines[tag.name.lower()] for tag in tags if tag.name.lower() in lines), 0):
        found.refuse(entry.row, f"line {taken} is read under the same name")
        return
    lines.update((tag.name.lower(), tag.line) for tag in tags)
    found.fitted(entry.row, entry.description)
    found.tags.extend(tags)


def _tags(entry: _Entry, address: str, typed: _Typed) -> list[FoundTag]:
    tag = FoundTag(
        line=entry.row.line,
        name=entry.full_name,
        address=address,
        data_type="",
        length=typed.elements or 1,
        description=entry.description[:ROOM],
    )
    if typed.name in _SHOWN_MEMBERS and typed.elements is None:
        return [
            replace(
                tag,
                name=f"{tag.name}.{member}",
                address=f"{tag.address}.{member}",
                data_type=_TYPES[_MEMBERS[typed.name][member]],
            )
            for member in _SHOWN_MEMBERS[typed.name]
        ]
    data_type = _TYPES.get(typed.name)
    if data_type is None:
        raise _Unknown(
            f"{typed.name} is a structure that this file does not describe; add what you need of it"
            f" by hand, such as {entry.full_name}{'[0]' if typed.elements else ''}.Member"
        )
    if data_type == "string" and typed.elements is not None:
        raise _Unknown(f"an array of texts; add elements by hand, such as {entry.full_name}[0]")
    if not 1 <= tag.length <= 0xFFFF:
        raise _Unknown(f"an array of {tag.length} elements is none that can be read at once")
    return [replace(tag, data_type=data_type)]


def _resolved(entry: _Entry, entries: Mapping[str, _Entry]) -> tuple[str, _Typed]:
    """Return the address to read and its type; of an alias those of its target."""
    hops: set[str] = set()
    scope, path, steps = entry.scope, entry.full_name, ""
    while entry.target:
        if entry.full_name in hops:
            raise _Unknown("it is an alias of itself")
        if len(hops) == _MOST_HOPS:
            raise _Unknown(
                f"it is an alias of an alias, and so on more than {_MOST_HOPS} times"
            )
        hops.add(entry.full_name)
        base = _BASE.match(entry.target)
        if base is None:
            raise _Unknown(f"its target '{entry.target[:60]}' is no name of a tag")
        steps = entry.target[base.end() :] + steps
        own = entries.get(f"program:{scope}.{base[0]}".lower()) if scope else None
        target = own or entries.get(base[0].lower())
        if target is None:
            return _of_module(base[0], steps, entry.target)
        entry, scope, path = target, target.scope, target.full_name
    return path + steps, _stepped(_declared(entry), steps)


def _of_module(base: str, steps: str, target: str) -> tuple[str, _Typed]:
    """Return a bit of a module's data, which need not be in the file; the types of the rest are not known."""
    if ":" in base and re.fullmatch(r"(\.[A-Za-z_]\w*)+\.[0-9]{1,2}", steps):
        return base + steps, _Typed("BOOL")
    raise _Unknown(
        f"its target {target[:60]} is not in this file, so that its type is not known"
    )


def _declared(entry: _Entry) -> _Typed:
    match = _TYPE.fullmatch(entry.type)
    if match is None:
        raise _Unknown(f"'{entry.type[:40]}' is no type")
    name, dimensions = match.groups()
    # The types of our own are written in capitals; a structure is named as the file does.
    name = name.upper() if name.upper() in {*_TYPES, *_MEMBERS} else name
    if dimensions is None:
        return _Typed(name)
    if "," in dimensions:
        raise _Unknown("an array of several dimensions; add the elements you need by hand")
    return _Typed(name, int(dimensions))


def _stepped(typed: _Typed, steps: str) -> _Typed:
    """Return the type of an element, member or bit of what has a type."""
    at = 0
    while at < len(steps):
        step = _STEP.match(steps, at)
        if step is None:
            raise _Unknown(f"'{steps[:60]}' is no element, member or bit")
        typed, at = _step(typed, step), step.end()
    return typed


def _step(typed: _Typed, step: re.Match[str]) -> _Typed:
    index, member = step.groups()
    if index is not None:
        if typed.elements is None or not index.isdigit() or int(index) >= typed.elements:
            raise _Unknown(f"{typed.name} has no element {index}")
        return _Typed(typed.name)
    if typed.elements is not None:
        raise _Unknown(f"an array of {typed.name} has no .{member}")
    if member.isdigit():
        if int(member) < _INTEGER_BITS.get(typed.name, 0):
            return _Typed("BOOL")
        # The data of a module are no type of ours, and their bits can be read all the same.
        if ":" in typed.name:
            return _Typed("BOOL")
        raise _Unknown(f"{typed.name} has no bit {member}")
    if ":" in typed.name:
        return typed
    known = _MEMBERS.get(typed.name, {}).get(member.upper())
    if known is None:
        raise _Unknown(
            f"{typed.name} is a structure that this file does not describe: the type of .{member}"
            " is not known"
        )
    return _Typed(known)


def _describe(comments: list[Row], entries: Mapping[str, _Entry], found: Found) -> None:
    """Take each comment as the meaning of a bit, or else as the description of the tag."""
    tags = {tag.name.lower(): place for place, tag in enumerate(found.tags)}
    described: dict[tuple[str, int], int] = {}
    for row in comments:
        if len(row.cells) < 6:
            found.refuse(row, f"it has {len(row.cells)} columns where six are due")
            continue
        scope, text, subject = row.cells[1], unescaped(row.cells[3]), row.cells[5]
        full = f"Program:{scope}.{subject}" if scope else subject
        place = tags.get(full.lower())
        if place is not None:
            _describe_tag(row, place, text, found)
            continue
        name, _, bit = _bit_of(full)
        place = tags.get(name.lower())
        if bit is None or place is None:
            base = full.partition("[")[0].partition(".")[0] if ":" not in full else full
            known = base.lower() in entries
            found.refuse(
                row,
                "what it describes is no tag of its own and no bit"
                if known
                else f"what it describes, {full[:60]}, was not taken from this file",
            )
            continue
        tag = found.tags[place]
        if bit >= bits_of(tag.data_type, tag.length):
            found.refuse(row, f"{tag.name} has no bit {bit}")
        elif (tag.name, bit) in described:
            found.refuse(row, f"line {described[tag.name, bit]} describes the same bit")
        else:
            described[tag.name, bit] = row.line
            found.bits.append(
                FoundBit(
                    line=row.line,
                    tag=tag.name,
                    bit=bit,
                    text=found.fitted(row, text) or "(no text)",
                    kind=kind_of(text),
                    severity=severity_of(text),
                )
            )


def _describe_tag(row: Row, place: int, text: str, found: Found) -> None:
    tag = found.tags[place]
    if text and tag.description not in {"", text[:ROOM]}:
        found.refuse(row, f"{tag.name} is described already, as '{shown([tag.description])}'")
        return
    found.pass_over(row, f"the description of {tag.name}")
    found.tags[place] = replace(tag, description=tag.description or found.fitted(row, text))


def _bit_of(subject: str) -> tuple[str, str, int | None]:
    """Return the tag and the number of a bit such as `Fault[31]` or `Word.5`."""
    match = re.fullmatch(r"(.+?)(?:\[([0-9]{1,5})\]|\.([0-9]{1,2}))", subject)
    if match is None:
        return subject, "", None
    return match[1], subject, int(match[2] or match[3])

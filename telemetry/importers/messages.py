"""The list of message bits: a tag with its bit, what it says, where it comes from (pure)."""

import re

from telemetry.importers.found import Found, FoundBit, Row
from telemetry.importers.words import kind_of, severity_of, source_of

_TEXT_ROOM = 200
_MOST_MISSING = 512
_SUBJECT = re.compile(r"(.+?)(?:\[([0-9]{1,5})\]|[./]([0-9]{1,5}))")
_HEADER = {"tag", "bit", "description", "source", "message", "text", "address"}


def is_header(row: Row) -> bool:
    """Whether the row names the columns of such a list."""
    words = {cell.lower() for cell in row.cells if cell}
    return len(words & _HEADER) >= 2 and "tag" in words and words <= _HEADER


def is_message(row: Row) -> bool:
    """Whether the row describes a bit."""
    return 2 <= len(row.cells) <= 4 and _SUBJECT.fullmatch(row.cells[0]) is not None


def parse(rows: list[Row]) -> Found:
    """Return the bits of the list; of a bit that stands twice the first, and the other is refused."""
    found = Found("messages")
    seen: dict[tuple[str, int], FoundBit] = {}
    for row in rows:
        if is_header(row):
            found.pass_over(row, "a header")
            continue
        subject = _SUBJECT.fullmatch(row.cells[0])
        if subject is None:
            found.refuse(row, f"'{row.cells[0][:40]}' names no bit, such as Fault[31]")
            continue
        tag, bit = subject[1], int(subject[2] or subject[3])
        text = row.cells[1][:_TEXT_ROOM] if len(row.cells) > 1 else ""
        said = row.cells[2] if len(row.cells) > 2 else ""
        source = source_of(said)
        if source is None:
            found.refuse(
                row, f"its source '{said[:40]}' is not internal, upstream or downstream"
            )
            continue
        first = seen.get((tag.lower(), bit))
        if first is not None:
            same = "in the same words" if first.text == text else f"as '{first.text[:60]}'"
            found.refuse(row, f"the bit stands in line {first.line} already, {same}")
            continue
        told = FoundBit(
            line=row.line,
            tag=tag,
            bit=bit,
            text=text or "not defined",
            kind=kind_of(text),
            severity=severity_of(text),
            source=source,
        )
        seen[tag.lower(), bit] = told
        found.bits.append(told)
    by_tag: dict[str, set[int]] = {}
    for told in found.bits:
        by_tag.setdefault(told.tag, set()).add(told.bit)
    found.missing = {tag: _missing(bits) for tag, bits in by_tag.items() if _missing(bits)}
    return found


def _missing(bits: set[int]) -> list[int]:
    """Return the bits below the last one that the list leaves out; of more than a few hundred the first."""
    return sorted(set(range(min(max(bits), _MOST_MISSING))) - bits)

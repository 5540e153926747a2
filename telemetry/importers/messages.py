"""The list of message bits: a tag with its bit, what it says, where it comes from (pure)."""

import re
from collections import defaultdict

from telemetry.importers.found import ROOM, Found, FoundBit, Row, shown
from telemetry.importers.words import kind_of, severity_of, source_of

_SUBJECT = re.compile(r"([^;\t]+?)(?:\[([0-9]{1,5})\]|[./]([0-9]{1,5}))")
BEGIN = re.compile(r'\s*"?[^",;\t]+(?:\[[0-9]{1,5}\]|[./][0-9]{1,5})"?\s*[,;\t]')
"""How a line begins that is a row of its own, whatever quote was left open before it."""
_HEADER = {"tag", "bit", "description", "source", "message", "text", "address"}


def is_header(row: Row) -> bool:
    """Whether the row names the columns of such a list."""
    words = {cell.lower() for cell in row.cells if cell}
    return len(words & _HEADER) >= 2 and "tag" in words and words <= _HEADER


def is_message(row: Row) -> bool:
    """Whether the row describes a bit."""
    # Excel pads every row to the longest.
    used = len(row.cells) - next((n for n, cell in enumerate(row.cells[::-1]) if cell), 0)
    return len(row.cells) >= 2 and used <= 4 and _SUBJECT.fullmatch(row.cells[0]) is not None


def parse(rows: list[Row]) -> Found:
    """Return the bits of the list; of a bit that stands twice the first, and the other is refused."""
    found = Found("messages")
    seen: dict[tuple[str, int], FoundBit] = {}
    listed: defaultdict[str, set[int]] = defaultdict(set)
    for row in rows:
        if is_header(row):
            found.pass_over(row, "a header")
            continue
        subject = _SUBJECT.fullmatch(row.cells[0])
        if subject is None:
            found.refuse(row, f"'{row.cells[0][:40]}' names no bit, such as Fault[31]")
            continue
        tag, bit = subject[1], int(subject[2] or subject[3])
        listed[tag.lower()].add(bit)
        text = row.cells[1] if len(row.cells) > 1 else ""
        said = row.cells[2] if len(row.cells) > 2 else ""
        source = source_of(said)
        if source is None:
            found.refuse(
                row, f"its source '{said[:40]}' is not internal, upstream or downstream"
            )
            continue
        first = seen.get((tag.lower(), bit))
        if first is not None:
            same = (
                "in the same words" if first.text == text[:ROOM] else f"as '{first.text[:60]}'"
            )
            found.refuse(row, f"the bit stands in line {first.line} already, {same}")
            continue
        if beyond := shown(row.cells[3:]):
            found.leave_out(row, f"cells beyond the third are not used: '{beyond}'")
        told = FoundBit(
            line=row.line,
            tag=tag,
            bit=bit,
            text=found.fitted(row, text) or "not defined",
            kind=kind_of(text),
            severity=severity_of(text),
            source=source,
        )
        seen[tag.lower(), bit] = told
        found.bits.append(told)
    found.listed = dict(listed)
    return found

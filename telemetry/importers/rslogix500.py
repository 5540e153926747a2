"""The address and symbol CSV of RSLogix 500: no header, thirteen columns (pure)."""

import re

from telemetry.importers.escapes import unescaped
from telemetry.importers.found import Found, FoundTag, Row

COLUMNS = 13
WIDTHS = (COLUMNS, COLUMNS - 1)
"""Excel leaves out the last column, which is always empty."""
_DESCRIPTIONS = slice(3, 8)
_NAME_ROOM = 100
_WORD_BITS = 16
_LONG_BITS = 32
_MEMBERS = {
    "T": {"PRE": "int16", "ACC": "int16", "EN": "bool", "TT": "bool", "DN": "bool"},
    "C": {
        "PRE": "int16",
        "ACC": "int16",
        **dict.fromkeys(("CU", "CD", "DN", "OV", "UN", "UA"), "bool"),
    },
    "R": {
        "LEN": "int16",
        "POS": "int16",
        **dict.fromkeys(("EN", "EU", "DN", "EM", "ER", "UL", "IN", "FD"), "bool"),
    },
}
_MOST_TELLING = {"T": "ACC", "C": "ACC", "R": "POS"}
_WORDS = {"N": "int16", "B": "int16", "S": "int16", "I": "int16", "O": "int16"}
_OTHERS = {"F": "float32", "L": "int32", "ST": "string"}
_WITHOUT_FILE = {"I", "O", "S"}
_WITHOUT_BITS = {"F", "ST"}

ADDRESS = re.compile(
    r"(?P<kind>ST|DFILE|[NBSIOTCRFLU])(?P<file>[0-9]{0,3})"
    r"(?::(?P<element>[0-9]{1,5})(?:\.(?P<word>[0-9]{1,3}))?)?"
    r"(?:[/.](?P<part>[0-9]{1,5}|[A-Za-z]{2,3}))?"
)


class _Refused(ValueError):
    """Why an address becomes no tag."""


def parse(rows: list[Row]) -> Found:
    """Return a tag per address that can be read."""
    found = Found("rslogix500")
    by_address: dict[str, int] = {}
    by_name: dict[str, int] = {}
    for row in rows:
        if len(row.cells) not in WIDTHS:
            found.refuse(row, f"it has {len(row.cells)} columns where {COLUMNS} are due")
            continue
        try:
            address, data_type = normal(row.cells[0])
        except _Refused as why:
            found.refuse(row, str(why))
            continue
        if address in by_address:
            found.refuse(row, f"{address} stands in line {by_address[address]} already")
            continue
        symbol = row.cells[2][:_NAME_ROOM] or address
        if symbol.lower() in by_name:
            # The symbol is taken; the address tells them apart, and is known to be free.
            symbol = f"{symbol} {address}"[:_NAME_ROOM]
        if symbol.lower() in by_name:
            found.refuse(row, f"line {by_name[symbol.lower()]} has the same symbol")
            continue
        found.fitted(row, row.cells[2], _NAME_ROOM)
        by_address[address] = by_name[symbol.lower()] = row.line
        parts = (unescaped(cell) for cell in row.cells[_DESCRIPTIONS])
        found.tags.append(
            FoundTag(
                line=row.line,
                name=symbol,
                address=address,
                data_type=data_type,
                description=found.fitted(row, " ".join(part for part in parts if part)),
            )
        )
    return found


def normal(written: str) -> tuple[str, str]:
    """Return an address as it can be read, and its type.

    A timer or counter without a member is its accumulator, and a bit above 15 one of a later word:
    `B3/20` is `B3:1/4`, `I:7/16` is `I:7.1/0`; a long has 32. Raises a sentence that says why there is none.
    """
    match = ADDRESS.fullmatch(written.upper())
    if match is None:
        raise _Refused(f"'{written[:40]}' is no address of a data file")
    kind, file, element, word, part = match.group("kind", "file", "element", "word", "part")
    if kind == "DFILE":
        raise _Refused("it names a data file, not a value")
    if kind == "U":
        raise _Refused("it names a ladder file, not a value")
    if not file and kind not in _WITHOUT_FILE:
        raise _Refused(f"{written} names no data file, such as {kind}7:0")
    if word is not None and kind not in {"I", "O"}:
        raise _Refused(f"{written} has a second word, which only inputs and outputs have")
    # `S:1/15` and `S2:1/15` are the same: these files have one number each.
    name = kind if kind in _WITHOUT_FILE else f"{kind}{int(file)}"
    if element is None:
        if kind != "B" or part is None or not part.isdigit():
            raise _Refused(f"{written} names a whole file, not an element of it")
        return _bit(name, 0, None, int(part)), "bool"
    if kind in _MEMBERS:
        return _member(written, kind, f"{name}:{int(element)}", part)
    if part is None:
        dot = "" if word is None or int(word) == 0 else f".{int(word)}"
        return f"{name}:{int(element)}{dot}", _WORDS.get(kind) or _OTHERS[kind]
    if kind in _WITHOUT_BITS or not part.isdigit():
        raise _Refused(f"{written} asks for a part that {kind} has not")
    return _bit(name, int(element), None if word is None else int(word), int(part)), "bool"


def _member(written: str, kind: str, element: str, part: str | None) -> tuple[str, str]:
    member = part or _MOST_TELLING[kind]
    data_type = _MEMBERS[kind].get(member)
    if data_type is None:
        raise _Refused(f"{written} asks for a member that {kind} has not")
    return f"{element}{'/' if data_type == 'bool' else '.'}{member}", data_type


def _bit(name: str, element: int, word: int | None, bit: int) -> str:
    further, bit = divmod(bit, _LONG_BITS if name[0] == "L" else _WORD_BITS)
    if name in {"I", "O"}:
        of_slot = (word or 0) + further
        return f"{name}:{element}{f'.{of_slot}' if of_slot else ''}/{bit}"
    return f"{name}:{element + further}/{bit}"

"""Which of the known files it is, by what stands in it, never by its name (pure)."""

from collections.abc import Callable, Sequence

from telemetry.importers import logix, messages, rslogix500
from telemetry.importers.found import Found, Row, Unreadable
from telemetry.importers.rows import SEPARATORS, rows_of, text_of

_LOOKED_AT = 50


def parsed(data: bytes) -> Found:
    """Return what a file holds. Raises Unreadable for one that is none of the three known kinds."""
    text = text_of(data)
    for separator in SEPARATORS:
        rows = rows_of(text, separator)
        parse = _parser(rows[:_LOOKED_AT])
        if parse is None:
            continue
        if parse is messages.parse:
            # A person wrote it, perhaps on several lines of a cell; the tools write $N for that.
            rows = rows_of(text, separator, messages.BEGIN)
        found = parse([row for row in rows if not row.wrong])
        for row in rows:
            if row.wrong:
                found.refuse(row, row.wrong)
            elif any("\ufffd" in cell for cell in row.cells):
                found.leave_out(row, "some of its characters are none of its code page")
        found.remarks.sort(key=lambda remark: remark.line)
        return found
    raise Unreadable(
        "The file is none that is known: a tag export of RSLogix 5000 or Studio 5000, a symbol"
        " export of RSLogix 500, or a list of message bits."
    )


def _parser(first: Sequence[Row]) -> Callable[[list[Row]], Found] | None:
    if any(_is_logix(row) for row in first):
        return logix.parse
    if any(_is_symbol(row) for row in first):
        return rslogix500.parse
    if any(_is_message(row) for row in first):
        return messages.parse
    return None


def _is_message(row: Row) -> bool:
    if row.wrong:
        return messages.BEGIN.match(row.cells[0]) is not None
    return messages.is_header(row) or messages.is_message(row)


def _is_logix(row: Row) -> bool:
    return tuple(cell.upper() for cell in row.cells[:6]) == logix.HEADER or (
        row.cells[0].lower(),
        *row.cells[1:2],
    ) == ("remark", "CSV-Import-Export")


def _is_symbol(row: Row) -> bool:
    is_address = rslogix500.ADDRESS.fullmatch(row.cells[0].upper()) is not None
    return len(row.cells) in rslogix500.WIDTHS and is_address

"""Which of the known files it is, by what stands in it, never by its name (pure)."""

from telemetry.importers import logix, messages, rslogix500
from telemetry.importers.found import Found, Row, Unreadable
from telemetry.importers.rows import rows_of

_LOOKED_AT = 50


def parsed(data: bytes) -> Found:
    """Return what a file holds. Raises Unreadable for one that is none of the three known kinds."""
    rows = rows_of(data)
    first = rows[:_LOOKED_AT]
    if any(_is_logix(row) for row in first):
        return logix.parse(rows)
    if any(_is_symbol(row) for row in first):
        return rslogix500.parse(rows)
    if any(messages.is_header(row) or messages.is_message(row) for row in first):
        return messages.parse(rows)
    raise Unreadable(
        "The file is none that is known: a tag export of RSLogix 5000 or Studio 5000, a symbol"
        " export of RSLogix 500, or a list of message bits."
    )


def _is_logix(row: Row) -> bool:
    return tuple(cell.upper() for cell in row.cells[:6]) == logix.HEADER or (
        row.cells[0].lower(),
        *row.cells[1:2],
    ) == ("remark", "CSV-Import-Export")


def _is_symbol(row: Row) -> bool:
    is_address = rslogix500.ADDRESS.fullmatch(row.cells[0].upper()) is not None
    return len(row.cells) == rslogix500.COLUMNS and is_address

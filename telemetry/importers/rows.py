"""Bytes of an exported file to numbered rows (pure)."""

import csv
import io

from telemetry.importers.found import Row, Unreadable

MOST_BYTES = 8 * 1024 * 1024
MOST_ROWS = 50_000


def rows_of(data: bytes) -> list[Row]:
    """Return the rows of a CSV file that are not empty, each with the line where it begins.

    Read as UTF-8, with or without its mark, else as the Windows code page of the tools. Raises Unreadable.
    """
    if len(data) > MOST_BYTES:
        raise Unreadable(f"The file has more than {MOST_BYTES // 1024 // 1024} MB.")
    text = _text(data)
    if "\0" in text:
        raise Unreadable("The file is no text: it holds zero bytes.")
    rows: list[Row] = []
    before = 0
    # The reader's own limit of a cell, 128 KB, leaves room for the longest attributes of a servo axis.
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        for cells in reader:
            line, before = before + 1, reader.line_num
            if any(cell.strip() for cell in cells):
                rows.append(Row(line, tuple(cell.strip() for cell in cells)))
            if len(rows) > MOST_ROWS:
                raise Unreadable(f"The file has more than {MOST_ROWS} rows.")
    except csv.Error as wrong:
        raise Unreadable(f"Line {before + 1} cannot be read: {wrong}.") from wrong
    if not rows:
        raise Unreadable("The file is empty.")
    return rows


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        # The code page leaves five bytes undefined, which a tool may write all the same.
        return data.decode("cp1252", errors="replace")

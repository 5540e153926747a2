"""Bytes of an exported file to numbered rows (pure)."""

import codecs
import csv
import io
import re

from telemetry.importers.found import Row, Unreadable

MOST_BYTES = 8 * 1024 * 1024
MOST_ROWS = 50_000
SEPARATORS = (",", ";", "\t")
"""What the tools write; what Excel makes of it where a comma is the decimal sign; and its Unicode text."""
_MOST_LINES = 20
"""How many lines one cell may have; a quote that is open for longer was never meant to be."""


def text_of(data: bytes) -> str:
    """Return the text of a file. Raises Unreadable.

    UTF-16 by its mark, else UTF-8 with or without one, else line by line: a line that is no UTF-8 is in the
    Windows code page of the tools.
    """
    if len(data) > MOST_BYTES:
        raise Unreadable(f"The file has more than {MOST_BYTES // 1024 // 1024} MB.")
    try:
        is_wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        text = data.decode("utf-16") if is_wide else _narrow(data)
    except UnicodeDecodeError as wrong:
        raise Unreadable(
            "The file bears the mark of UTF-16, and cannot be read as that from byte"
            f" {wrong.start + 1} on: it may not have been copied whole."
        ) from wrong
    if "\0" in text:
        raise Unreadable("The file is no text: it holds zero bytes.")
    return text


def rows_of(text: str, separator: str = ",", begin: re.Pattern[str] | None = None) -> list[Row]:
    """Return the rows that are not empty, each with the line where it begins. Raises Unreadable.

    A row is one line. Only of a format whose cells may have several is it told with what a row begins: a
    line that begins so goes on with no cell. A line whose quotes do not pair says so, and the next one is
    read by itself: else it would end in some later line, and the rows between would be gone.
    """
    lines = list(io.StringIO(text, newline=""))
    rows: list[Row] = []
    at = 0
    while at < len(lines):
        row, used = _row(lines, at, separator, begin)
        at += used
        if any(row.cells):
            rows.append(row)
        if len(rows) > MOST_ROWS:
            raise Unreadable(f"The file has more than {MOST_ROWS} rows.")
    if not rows:
        raise Unreadable("The file is empty.")
    return rows


def _row(
    lines: list[str], at: int, separator: str, begin: re.Pattern[str] | None
) -> tuple[Row, int]:
    """Return the row that begins in a line, and how many lines it takes."""
    try:
        return Row(at + 1, _cells(lines[at], separator)), 1
    except csv.Error as wrong:
        is_long = "limit" in str(wrong)
    if begin is not None and lines[at].count('"') % 2:
        for end in range(at + 1, min(at + _MOST_LINES, len(lines))):
            if begin.match(lines[end]):
                break
            if lines[end].count('"') % 2 == 0:
                continue
            try:
                return Row(
                    at + 1, _cells("".join(lines[at : end + 1]), separator)
                ), end + 1 - at
            except csv.Error:
                break
    why = (
        f"one of its cells has more than {csv.field_size_limit()} characters"
        if is_long
        else "its quotes do not pair, so that nobody can tell where its cells end"
    )
    return Row(at + 1, (lines[at].strip(),), why), 1


def _cells(record: str, separator: str) -> tuple[str, ...]:
    """Return the cells of one record. Raises csv.Error for what is none, or is more than one."""
    # The reader's own limit of a cell, 128 KB, leaves room for the longest attributes of a servo axis.
    reader = csv.reader(
        io.StringIO(record, newline=""), delimiter=separator, skipinitialspace=True, strict=True
    )
    cells = next(reader, [])
    if next(reader, None) is not None:
        raise csv.Error("two records")
    return tuple(" ".join(cell.splitlines()).strip() for cell in cells)


def _narrow(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        lines = data.removeprefix(codecs.BOM_UTF8).splitlines(keepends=True)
        return "".join(map(_line, lines))


def _line(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        # The code page leaves five bytes undefined, which a tool may write all the same.
        return line.decode("cp1252", errors="replace")

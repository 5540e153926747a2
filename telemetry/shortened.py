"""Texts that have to fit a column, and stay apart there (pure)."""

import hashlib

_DIGITS = 8


def shortened(text: str, room: int) -> str:
    """Return the text; of one that is longer than the room its beginning, and a mark of all of it.

    Two long texts that begin alike are two texts still, by their marks. `room` is at least twenty characters.
    """
    if len(text) <= room:
        return text
    mark = f"...{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:_DIGITS]}"
    return text[: room - len(mark)] + mark

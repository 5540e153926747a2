"""Numbers as text that loses none of their digits (pure)."""

import struct
from contextlib import suppress

_WHOLE_BELOW = 1e16
_SINGLE = struct.Struct("f")


def digits(value: float, *, single: bool = False) -> str:
    """Return a number so that two that differ are two texts; a whole one as a whole one, a bit as 0 or 1.

    With `single` it was four bytes in the controller, which are told apart by fewer digits: 42.1 of them is
    42.1 and not 42.099998474121094.
    """
    if isinstance(value, int):
        return str(int(value))
    if abs(value) < _WHOLE_BELOW and value.is_integer():
        return str(int(value))
    return (_fewest(value) if single else None) or repr(value)


def _fewest(value: float) -> str | None:
    """Return the shortest text that four bytes give back as it was; None for what four bytes cannot hold."""
    for places in range(6, 10):
        text = f"{value:.{places}g}"
        with suppress(OverflowError):
            if _SINGLE.unpack(_SINGLE.pack(float(text)))[0] == value:
                return text
    return None

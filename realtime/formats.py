"""Figures as people read them (pure); static/js/format.js is its twin in the browser.

Both are held to tests/contract/drawing/formats.json, so that a figure does not change its looks when the script
takes over what the server drew.
"""

import math

_NARROW_SPACE = "\u202f"
_MINUS = "\u2212"
NOTHING = "\u2013"


def whole(value: float | None) -> str:
    """Return a whole number in groups of three, halves rounded away from zero; a dash for None."""
    if value is None:
        return NOTHING
    rounded = math.floor(abs(value) + 0.5)
    grouped = f"{rounded:,}".replace(",", _NARROW_SPACE)
    return _MINUS + grouped if value < 0 and rounded else grouped


def tenth(value: float | None) -> str:
    """Return a number with one decimal; a dash for None."""
    if value is None:
        return NOTHING
    tenths = math.floor(abs(value) * 10 + 0.5)
    text = f"{whole(tenths // 10)}.{tenths % 10}"
    return _MINUS + text if value < 0 and tenths else text


def percent(fraction: float | None) -> str:
    """Return a fraction as a whole per cent without the sign, which stands beside it; a dash for None."""
    return NOTHING if fraction is None else whole(fraction * 100)


def duration(seconds: float | None) -> str:
    """Return `04:12`, from an hour on `1 h 04`, from a day on `2 d 3 h`; a dash for None.

    What is below zero, by a clock that is a little off, is zero.
    """
    if seconds is None:
        return NOTHING
    total = max(0, math.floor(seconds))
    minutes = total // 60
    hours = minutes // 60
    if hours >= 24:
        return f"{hours // 24} d {hours % 24} h"
    if hours:
        return f"{hours} h {minutes % 60:02}"
    return f"{minutes:02}:{total % 60:02}"


def age(seconds: float) -> str:
    """Return how old something is: `3 s`, from a minute on as a duration."""
    return f"{max(0, math.floor(seconds))} s" if seconds < 60 else duration(seconds)

"""Which readings are worth keeping: what changed, what is of another quality, what is due (pure)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from telemetry.digits import digits
from telemetry.drivers.base import Quality, Reading, Value
from telemetry.meaning import TagMeaning, Unclear, engineering
from telemetry.shortened import shortened

TEXT_ROOM = 400
ERROR_ROOM = 300


@dataclass(frozen=True, slots=True)
class Shown:
    """What a reading shows, as it is stored.

    `raw` and `value` (engineering) are of numbers and bits, `text` is of texts and arrays; all are empty
    when the quality is bad. `at` is when the controller answered.
    """

    raw: float | None
    value: float | None
    text: str
    quality: str
    error: str
    at: datetime


def show(tag: TagMeaning, reading: Reading) -> Shown:
    """Return what is stored of a reading; one that cannot be scaled is bad."""
    at = reading.source_at
    try:
        value = engineering(tag, reading)
    except Unclear as why:
        quality = Quality.STALE if reading.quality is Quality.STALE else Quality.BAD
        return Shown(None, None, "", quality.value, str(why)[:ERROR_ROOM], at)
    if isinstance(value, int | float):
        raw = reading.value
        assert isinstance(raw, int | float)  # noqa: S101 - an engineering number is of a number
        return Shown(float(raw), float(value), "", reading.quality.value, "", at)
    return Shown(None, None, as_text(value), reading.quality.value, "", at)


def as_text(value: Value) -> str:
    """Print a text or an array: of bits the numbers of those that are on, such as `on: 31, 59`.

    What differs prints differently, also beyond the room there is: else its change would not be kept.
    """
    if isinstance(value, tuple):
        if all(isinstance(element, bool) for element in value):
            on = ", ".join(str(place) for place, bit in enumerate(value) if bit)
            printed = f"on: {on or 'none'}"
        else:
            printed = ", ".join(digits(element) for element in value)
    else:
        printed = str(value)
    # PostgreSQL stores no NUL in a text.
    return shortened(printed.replace("\0", ""), TEXT_ROOM)


def worth_keeping(
    kept: Shown | None,
    new: Shown,
    *,
    deadband: float,
    longest: timedelta,
    percent: bool = False,
) -> bool:
    """Say whether a reading is stored, given the last one that was.

    A number is, when it has moved by more than the deadband from what was kept (not from the reading
    before, so that a slow drift is not lost); with `percent` that is a share of what was kept.
    Anything is, when quality, text or error changed or the
    longest interval is over; a bad reading that repeats itself is not. What was kept by a clock that was ahead
    says nothing of the interval: else a steady value would not be stored until time has come there.
    """
    if kept is None or kept.quality != new.quality:
        return True
    if new.value is None or kept.value is None:
        if (kept.text, kept.error, kept.value) != (new.text, new.error, new.value):
            return True
        if new.quality in {Quality.BAD, Quality.STALE}:
            return False
    elif abs(new.value - kept.value) > _width(kept.value, deadband, percent=percent):
        return True
    return not timedelta() <= new.at - kept.at < longest


def _width(kept: float, deadband: float, *, percent: bool) -> float:
    return abs(kept) * deadband / 100 if percent else deadband


def repeats(judged: Reading | None, new: Reading, kept: Shown, *, longest: timedelta) -> bool:
    """Say whether a reading need not be judged: it is like the one judged last, and no time is up.

    Most readings are, so this comes first and is cheap.
    """
    return (
        judged is not None
        and judged.value == new.value
        and judged.quality is new.quality
        and judged.error == new.error
        and timedelta() <= new.source_at - kept.at < longest
    )

"""Mean times of failures: between them, and until somebody came, it was mended, it ran again (pure)."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Failure:
    """A stop by a failure; what nobody has said, or is still to come, is None."""

    started_at: datetime
    ended_at: datetime | None
    responded_at: datetime | None
    repaired_at: datetime | None


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean of `count` lengths; None, and why, where there is nothing to take it of."""

    length: timedelta | None
    count: int
    why: str | None


@dataclass(frozen=True, slots=True)
class Reliability:
    """MTBF is run time per failure (ISO 22400-2: operating time between failures). Three MTTRs are told apart.

    `to_respond` is from the start until somebody was there, `to_repair` from then until it was mended, and
    `to_restore` from the start until it ran again.
    """

    failures: int
    run: timedelta
    between_failures: Mean
    to_respond: Mean
    to_repair: Mean
    to_restore: Mean


def reliability(failures: Collection[Failure], run: timedelta) -> Reliability:
    """Return the mean times of the failures that began in a window in which it ran for `run`."""
    number = len(failures)
    none = "nothing failed"
    return Reliability(
        failures=number,
        run=run,
        between_failures=Mean(
            run / number if number else None, number, None if number else none
        ),
        to_respond=_mean(
            (_between(each.started_at, each.responded_at) for each in failures),
            "nobody has said when they came" if number else none,
        ),
        to_repair=_mean(
            (_between(each.responded_at, each.repaired_at) for each in failures),
            "nobody has said when they came and when it was mended" if number else none,
        ),
        to_restore=_mean(
            (_between(each.started_at, each.ended_at) for each in failures),
            "it has not run again" if number else none,
        ),
    )


def _between(start: datetime | None, end: datetime | None) -> timedelta | None:
    return end - start if start is not None and end is not None else None


def _mean(lengths: Iterable[timedelta | None], why: str) -> Mean:
    told = [each for each in lengths if each is not None]
    if not told:
        return Mean(None, 0, why)
    return Mean(sum(told, timedelta()) / len(told), len(told), None)

"""When somebody came to a downtime and when it was mended: parted and joined with it (pure)."""

from collections.abc import Mapping
from datetime import datetime

CAME, MENDED = "responded_at", "repaired_at"
TIMES = (CAME, MENDED)
Times = Mapping[str, datetime | None]


def parted(said: Times, moment: datetime) -> tuple[Times, Times]:
    """Return the times of the halves [.., moment) and [moment, ..): each is of the half in which it lies."""
    lies = {name: came is not None and came < moment for name, came in said.items()}
    return (
        {name: came if lies[name] else None for name, came in said.items()},
        {name: None if lies[name] else came for name, came in said.items()},
    )


def joined(first: Times, second: Times) -> Times:
    """Return the times of both as one: who came first, and when the last of it was mended."""
    came = [at for at in (first[CAME], second[CAME]) if at is not None]
    mended = [at for at in (first[MENDED], second[MENDED]) if at is not None]
    return {CAME: min(came, default=None), MENDED: max(mended, default=None)}


def parted_again(
    whole: Times, halves: tuple[Times, Times], moment: datetime
) -> tuple[Times, Times]:
    """Return the halves as they were before they were joined.

    What was said of the whole since is of the half in which it lies, if nothing was said of that.
    """
    since = {
        name: None if at in {half[name] for half in halves} else at
        for name, at in whole.items()
    }
    first, second = (
        {name: half[name] or new[name] for name in TIMES}
        for half, new in zip(halves, parted(since, moment), strict=True)
    )
    return first, second

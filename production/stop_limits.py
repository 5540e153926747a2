"""How long a stop may last and still be a micro-stop: by equipment, product and when it began (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from production.timeline import Mark, Stretch, between

# Before any data.
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Version:
    """From `since` on the stops of a product may last so long; None: as those of the equipment."""

    product: int
    since: datetime
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Past:
    """What held for a product, or with None for the equipment, before somebody changed it."""

    product: int | None
    held: Stretch[float | None]


@dataclass(frozen=True, slots=True)
class Limits:
    """The thresholds of an equipment, as they are set now and as they were; `versions` in order of time."""

    present: float
    versions: Sequence[Version] = ()
    past: Sequence[Past] = ()

    def stop_after(self, product: int | None, began: datetime) -> timedelta:
        """Return how long a stop of the product that began then may last as a micro-stop."""
        seconds = None if product is None else self._own(product, began)
        if seconds is None:
            seconds = self._own(None, began)
        return timedelta(seconds=self.present if seconds is None else seconds)

    def least(self) -> timedelta:
        """Return the least of all that hold or ever held."""
        told = [each.seconds for each in self.versions] + [each.held.what for each in self.past]
        return timedelta(
            seconds=min([self.present, *(each for each in told if each is not None)])
        )

    def products(self) -> set[int | None]:
        """Return whose thresholds are told: of these products, and with None of the equipment."""
        return {
            None,
            *(each.product for each in self.versions),
            *(each.product for each in self.past),
        }

    def held(self, product: int | None, until: datetime) -> list[Stretch[float | None]]:
        """Return what held for the product, or the equipment, without a hole until then."""
        cuts = {EARLIEST, *(each.since for each in self.versions)}
        for each in self.past:
            cuts |= {each.held.started_at, each.held.ended_at}
        return between((Mark(self._own(product, cut), cut) for cut in cuts), until)

    def _own(self, product: int | None, at: datetime) -> float | None:
        for each in self.past:
            if each.product == product and each.held.started_at <= at < each.held.ended_at:
                return each.held.what
        if product is None:
            return self.present
        seconds = None
        for version in self.versions:
            if version.product == product and version.since <= at:
                seconds = version.seconds
        return seconds

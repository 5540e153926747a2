"""The newest readings of an equipment as a gauge, for whoever looks at its tags; at most one in two seconds."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Literal

from ms5.events.facts import TagReading, TelemetryUpdate
from ms5.events.log import gauge, recording
from ms5.events.retry import retried
from telemetry.keeping import Shown
from telemetry.samples import Samples
from telemetry.wiring import WiredTag

EVERY_S = 2.0
"""A gauge is a row that is written anew; a person who looks at a chart needs no more."""
_MOST = 64
_TEXT = 100
_WHY = 160

_QUALITIES: Mapping[str, Literal["good", "uncertain", "bad", "stale"]] = {
    "good": "good",
    "uncertain": "uncertain",
    "bad": "bad",
    "stale": "stale",
}

_Key = tuple[str, str, str]
"""Codes of the line, the equipment and the controller."""
_Told = tuple[tuple[int, float | None, str, str], ...]


class Gauges:
    """What was said last of each equipment through each controller. Used by one thread at a time."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._tags: dict[_Key, dict[int, WiredTag]] = defaultdict(dict)
        self._told: dict[_Key, tuple[float, _Told]] = {}

    def follow(self, tags: Iterable[WiredTag]) -> None:
        """Say what these are from now on: what they are, or of which equipment, was edited."""
        self._tags.clear()
        for tag in tags:
            if tag.serves is not None:
                self._tags[*tag.serves, tag.plc_code][tag.id] = tag

    def say(self, samples: Samples, read: Iterable[WiredTag]) -> int:
        """Say what moved of the equipment of these tags, where it is time; return how many were said.

        What moved too soon after the last one is in the next: nothing waits but its newest value.
        """
        touched: set[_Key] = {
            (*tag.serves, tag.plc_code) for tag in read if tag.serves is not None
        }
        due: list[tuple[_Key, TelemetryUpdate, datetime]] = []
        now = self._clock()
        for key in sorted(touched):
            at, told = self._told.get(key, (now - EVERY_S, ()))
            if now - at < EVERY_S:
                continue
            shown = [
                (tag, kept)
                for tag in self._tags[key].values()
                if (kept := samples.kept(tag.id)) is not None
            ]
            fresh = tuple((tag.id, kept.value, kept.text, kept.quality) for tag, kept in shown)
            if fresh and fresh != told:
                self._told[key] = (now, fresh)
                due.append((key, _update(key, shown), max(kept.at for _, kept in shown)))
        if due:
            _write(due)
        return len(due)


@retried
def _write(due: Sequence[tuple[_Key, TelemetryUpdate, datetime]]) -> None:
    with recording():
        for (line, equipment, plc), update, at in due:
            gauge(
                "telemetry_update",
                update,
                key=f"telemetry:{equipment}:{plc}",
                source_at=at,
                line_id=line,
                equipment_code=equipment,
            )


def _update(key: _Key, shown: Sequence[tuple[WiredTag, Shown]]) -> TelemetryUpdate:
    """Return the gauge; of more tags than it has room for those with a role come first."""
    in_order = sorted(shown, key=lambda pair: (pair[0].meaning.role == "none", pair[0].id))
    return TelemetryUpdate(
        equipment_code=key[1],
        plc=key[2],
        readings=[
            TagReading(
                tag_id=tag.id,
                tag=tag.meaning.name[:_TEXT],
                role=tag.meaning.role,
                value=kept.value if kept.value is not None else kept.text[:_TEXT] or None,
                quality=_QUALITIES[kept.quality],
                source_at=kept.at,
                why=kept.error[:_WHY] or None,
            )
            for tag, kept in in_order[:_MOST]
        ],
    )

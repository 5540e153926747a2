"""A script as what a poll would have seen of it: observations with the script's own times."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from production.observation import Observation
from telemetry.drivers.base import Quality, Reading, Value
from telemetry.interpret import interpret
from telemetry.scripted.script import SECOND_US, Script
from telemetry.simulator.bakery_tags import LOADER
from telemetry.simulator.memory import SimValue
from telemetry.simulator.script import lost, values
from telemetry.wiring import WiredPlc, WiredTag, load

PLCS = ("bagger", "loader")
_NAMES = {address: name for name, address in LOADER.names.items()}


@dataclass(frozen=True, slots=True)
class Feed:
    """A script that began at a moment, on the demo plant."""

    script: Script
    began_at: datetime
    plcs: Mapping[str, WiredPlc]

    @classmethod
    def of(cls, script: Script, began_at: datetime) -> Self:
        """Read how the controllers of the demo plant are wired."""
        wired = {plc.code: plc for plc in load(0).plcs.values()}
        return cls(script, began_at, {code: wired[code] for code in PLCS})

    def at(self, second: float) -> datetime:
        """Return the moment so many seconds after the beginning."""
        return self.began_at + timedelta(seconds=second)

    def observations(self, seconds: Iterable[int]) -> Iterator[Observation]:
        """Yield what is seen of both machines at these seconds, nothing of one that is lost."""
        acts = tuple(self.script.bagger.placed())
        for second in seconds:
            shown = values(self.script, second * SECOND_US)
            for code, plc in self.plcs.items():
                if code == "bagger" and lost(acts, second * SECOND_US):
                    continue
                yield from self._seen(plc, shown[code], second)

    def _seen(
        self, plc: WiredPlc, shown: Mapping[str, SimValue], second: int
    ) -> Iterator[Observation]:
        at = self.at(second)
        for equipment in plc.homes:
            readings = [(tag.meaning, _reading(tag, shown, at)) for tag in equipment.tags]
            yield interpret(
                equipment.id, readings, running_above=equipment.running_above, received_at=at
            )


def _reading(tag: WiredTag, shown: Mapping[str, SimValue], at: datetime) -> Reading:
    return Reading(tag.spec.address, _value(tag.spec.address, shown), Quality.GOOD, at)


def _value(address: str, shown: Mapping[str, SimValue]) -> Value:
    name, _, index = _NAMES.get(address, address).partition("[")
    value = shown[name]
    if isinstance(value, int | float):
        return value
    return value[int(index.rstrip("]"))] if index else tuple(value)

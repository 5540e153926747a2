"""What a correction makes of the OEE, and the figures of its line said anew at once."""

from dataclasses import dataclass
from datetime import datetime

from production import accounting
from production.calendars import calendar_of
from production.figures import production_update
from production.gauges import say_oee, say_production
from production.models import Equipment, Line
from production.oee_updates import updates
from production.ratios import figures
from production.shifts import shift_at


@dataclass(frozen=True, slots=True)
class Effect:
    """The OEE of the stretch that a correction affects, and of the shift it begins in; None: no figure."""

    stretch: float | None
    shift: float | None
    shift_name: str | None

    @property
    def oee(self) -> float | None:
        """Of the stretch; of the shift where nothing was planned and measured in the stretch."""
        return self.shift if self.stretch is None else self.stretch


def measure(equipment: Equipment, start: datetime, end: datetime, now: datetime) -> Effect:
    """Return what the accounts of the equipment say now of the stretch [start, end) and of its shift."""
    shift = shift_at(calendar_of(equipment.line), start)
    return Effect(
        stretch=_oee(equipment, start, min(end, now), now),
        shift=_oee(equipment, shift.started_at, min(shift.ended_at, now), now)
        if shift is not None
        else None,
        shift_name=shift.name if shift is not None else None,
    )


def _oee(equipment: Equipment, start: datetime, end: datetime, now: datetime) -> float | None:
    if start >= end:
        return None
    account = accounting.accounts([equipment], start, end, now)[equipment.pk]
    found = figures(account, no_data_is_stop=equipment.line.no_data_is_stop).oee
    # In a part of a window rejects may outnumber their pieces, which are counted before them.
    return float(found) if found is not None and found >= 0 else None


def say(line: Line, now: datetime) -> None:
    """Write the gauges of the line within the action that has changed its past."""
    say_production(line, production_update(line, now), now)
    say_oee(updates([line], now), now)

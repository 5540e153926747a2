"""Which time a report is about: a shift, a day, a week, or from one moment to another of the site's clock."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from production.shifts import Calendar
from production.windows import Window, by_day, by_hour, by_shift, present

LONGEST = timedelta(days=92)
_HOURLY, _BY_SHIFT = timedelta(hours=26), timedelta(days=9)
CHOICES = (
    ("shift", "This shift"),
    ("previous", "Last shift"),
    ("today", "Today"),
    ("yesterday", "Yesterday"),
    ("week", "Last 7 days"),
    ("month", "Last 30 days"),
    ("own", "From ... to"),
)


class BadPeriod(ValueError):
    """What was asked for is no time to report on; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Period:
    """A half-open window in UTC, with what it is called and how its choice is written in a query."""

    choice: str
    name: str
    start: datetime
    end: datetime
    zone: ZoneInfo

    @property
    def text(self) -> str:
        """What people read: `24.11. 06:00 to 14:00`."""
        start, end = self.start.astimezone(self.zone), self.end.astimezone(self.zone)
        later = f"{end:%H:%M}" if start.date() == end.date() else f"{end:%d.%m.%Y %H:%M}"
        return f"{start:%d.%m.%Y %H:%M} to {later}"

    @property
    def fields(self) -> tuple[str, str]:
        """What stands in the fields of the form: the site's wall clock."""
        return (
            f"{self.start.astimezone(self.zone):%Y-%m-%dT%H:%M}",
            f"{self.end.astimezone(self.zone):%Y-%m-%dT%H:%M}",
        )


def period_of(query: Mapping[str, str], calendar: Calendar, now: datetime) -> Period:
    """Return the time that a query asks for; without one the present shift. Raises BadPeriod."""
    zone = calendar.zone
    choice = query.get("period") or ("own" if query.get("from") else "shift")
    names = dict(CHOICES)
    if choice not in names:
        raise BadPeriod(f"'{choice}' is no period.")
    today = _day(calendar, now)
    match choice:
        case "own":
            return _own(query, zone)
        case "shift":
            window = present(calendar, now)
        case "previous":
            window = _previous(calendar, now)
        case "today":
            window = today
        case "yesterday":
            window = _day(calendar, today.started_at - timedelta(microseconds=1))
        case _:
            days = 7 if choice == "week" else 30
            window = Window(None, now - timedelta(days=days), now)
    name = window.name or names[choice]
    return Period(choice, name, window.started_at, window.ended_at, zone)


def parts_of(period: Period, calendar: Calendar) -> tuple[str, Sequence[Window]]:
    """Return the rows of a table of the period: hours of a day, shifts of a week, days of more."""
    length = period.end - period.start
    if length <= _HOURLY:
        return "Hour", by_hour(calendar, period.start, period.end)
    if length <= _BY_SHIFT:
        return "Shift", _within(by_shift(calendar, period.start, period.end), period)
    return "Day", _within(by_day(calendar, period.start, period.end), period)


def _within(windows: Sequence[Window], period: Period) -> list[Window]:
    """Cut what reaches beyond the period, so that the rows add up to it."""
    return [
        Window(each.name, max(each.started_at, period.start), min(each.ended_at, period.end))
        for each in windows
    ]


def _day(calendar: Calendar, at: datetime) -> Window:
    return by_day(calendar, at, at + timedelta(microseconds=1))[0]


def _previous(calendar: Calendar, now: datetime) -> Window:
    """Return the last shift that has ended, however long ago within a fortnight; else yesterday."""
    began = present(calendar, now).started_at if calendar.patterns else now
    past = by_shift(calendar, now - timedelta(days=14), now)
    ended = [each for each in past if each.ended_at <= max(began, now - timedelta(days=14))]
    if not ended:
        return _day(calendar, _day(calendar, now).started_at - timedelta(microseconds=1))
    return ended[-1]


def _own(query: Mapping[str, str], zone: ZoneInfo) -> Period:
    start, end = _moment(query.get("from", ""), zone), _moment(query.get("to", ""), zone)
    if end <= start:
        raise BadPeriod("The end is not after the beginning.")
    if end - start > LONGEST:
        raise BadPeriod(f"A report is about at most {LONGEST.days} days.")
    return Period("own", "From ... to", start, end, zone)


def _moment(text: str, zone: ZoneInfo) -> datetime:
    """Return a moment: ISO 8601, without an offset by the site's clock."""
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise BadPeriod(f"'{text[:40]}' is no date and time.") from error


def day_name(day: date) -> str:
    """Return a day as people write it."""
    return f"{day:%a %d.%m.}"

"""OEE over windows that a reader chooses: what each row of the answer is a sum over."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from production.accounting import accounts_of, is_of_line, without_data_as_stop
from production.calendars import calendars
from production.making import named, products
from production.models import Equipment, JobRun, Line, Product
from production.oee import Account
from production.shifts import Calendar
from production.timelines import Extent
from production.windows import Window, by_day, by_hour, by_shift, present

MOST = 400


class TooMany(ValueError):
    """The answer would have more rows than anybody reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Whose figures: all equipment in it by line, and whether one of them alone is meant."""

    lines: Sequence[Line]
    equipment: Sequence[Equipment]
    is_equipment: bool = False

    @property
    def counted(self) -> list[Equipment]:
        """Return the equipment whose accounts the figures are the sum of."""
        if self.is_equipment:
            return list(self.equipment)
        methods = {line.pk: line.oee_method for line in self.lines}
        return [each for each in self.equipment if is_of_line(each, methods[each.line_id])]


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A row: of which windows of which equipment it is the sum, and what it is of.

    `order` is how long its job took, from its first moment in the window to its last.
    """

    parts: Sequence[tuple[Equipment, Window]]
    window: Window
    line: Line | None = None
    label: str | None = None
    of: Equipment | None = None
    product: Product | None = None
    job: str | None = None
    order: timedelta | None = None


def groups(
    scope: Scope, by: str | None, start: datetime | None, end: datetime | None, now: datetime
) -> list[Group]:
    """Return the rows of a scope, cut as asked; without times it is the present shift, or the present day.

    Of an area or a site each line has the shifts of its own calendar: those of one name that begin on one day
    are one row. Each row is a ratio of sums. Raises TooMany beyond `MOST` rows.
    """
    by_line = calendars(scope.lines)
    calendar = _calendar(scope, by_line)
    shift = present(calendar, now)
    window = Window(
        shift.name if start is None and end is None else None,
        start or shift.started_at,
        end or now,
    )
    whole = scope.counted
    if by == "shift":
        found = _by_shift(scope, by_line, window)
    elif by is not None and by in _CUTS:
        cut = _CUTS[by](calendar, window.started_at, window.ended_at)
        found = [_group(whole, each, label=each.name) for each in _within(cut, window)]
    elif by == "equipment":
        found = [_group([each], window, of=each) for each in scope.equipment]
    elif by == "job":
        found = _by_job(scope, window)
    elif by == "product":
        found = _by_product(scope, window)
    else:
        found = [_group(whole, window, label=window.name)]
    if len(found) > MOST:
        raise TooMany(f"that would be {len(found)} rows; at most {MOST} are told")
    return found


def totals(
    scope: Scope, found: Sequence[Group], now: datetime
) -> list[tuple[Group, Account, bool]]:
    """Return each group with its account, and whether time without data is a stop in it.

    Where lines differ in that, the time is made a stop in those that say so.
    """
    extents = [
        (number, Extent(each, window.started_at, window.ended_at))
        for number, group in enumerate(found)
        for each, window in group.parts
    ]
    stops_of = {line.pk: line.no_data_is_stop for line in scope.lines}
    all_stop = all(stops_of.values()) and bool(stops_of)
    sums = [Account() for _ in found]
    accounts = accounts_of([extent for _, extent in extents], now)
    for (number, extent), account in zip(extents, accounts, strict=True):
        is_stop = stops_of[extent.equipment.line_id] and not all_stop
        sums[number] += without_data_as_stop(account) if is_stop else account
    return [(group, each, all_stop) for group, each in zip(found, sums, strict=True)]


_Cut = Callable[[Calendar, datetime, datetime], list[Window]]
_CUTS: Mapping[str, _Cut] = {"hour": by_hour, "day": by_day}


def _group(
    equipment: Iterable[Equipment],
    window: Window,
    *,
    label: str | None = None,
    of: Equipment | None = None,
) -> Group:
    return Group(
        parts=[(each, window) for each in equipment], window=window, label=label, of=of
    )


def _calendar(scope: Scope, by_line: Mapping[int, Calendar]) -> Calendar:
    """Return the calendar of the line; several lines have the days of their site in common."""
    calendar = by_line[scope.lines[0].pk]
    return calendar if len(scope.lines) == 1 else Calendar(calendar.zone)


def _within(windows: Iterable[Window], whole: Window) -> list[Window]:
    cut = (
        Window(
            each.name,
            max(each.started_at, whole.started_at),
            min(each.ended_at, whole.ended_at),
        )
        for each in windows
    )
    return [each for each in cut if each.started_at < each.ended_at]


def _hull(windows: Iterable[Window], name: str | None = None) -> Window:
    own = list(windows)
    return Window(
        name, min(each.started_at for each in own), max(each.ended_at for each in own)
    )


def _by_shift(scope: Scope, by_line: Mapping[int, Calendar], window: Window) -> list[Group]:
    parts: dict[tuple[str | None, date], list[tuple[Equipment, Window]]] = defaultdict(list)
    for calendar in dict.fromkeys(by_line.values()):
        own = [each for each in scope.counted if by_line[each.line_id] == calendar]
        for each in by_shift(calendar, window.started_at, window.ended_at):
            day = each.started_at.astimezone(calendar.zone).date()
            for part in _within([each], window):
                parts[each.name, day] += [(machine, part) for machine in own]
    found = [
        Group(parts=own, window=_hull((part for _, part in own), name), label=name)
        for (name, _), own in parts.items()
        if own
    ]
    return sorted(found, key=lambda group: group.window.started_at)


def _by_job(scope: Scope, window: Window) -> list[Group]:
    """Return a row for each job that ran: its runs, of the equipment that its line's figures are of."""
    runs = JobRun.objects.filter(
        job__line__in=[line.pk for line in scope.lines], started_at__lt=window.ended_at
    ).exclude(ended_at__lte=window.started_at)
    windows: dict[int, list[Window]] = {}
    jobs = {}
    for run in runs.select_related("job__product").order_by("started_at"):
        jobs[run.job_id] = run.job
        own = Window(None, run.started_at, run.ended_at or window.ended_at)
        windows.setdefault(run.job_id, []).extend(_within([own], window))
    lines = {line.pk: line for line in scope.lines}
    found = []
    for pk, job in jobs.items():
        machines = [each for each in scope.counted if each.line_id == job.line_id]
        if not windows[pk]:
            continue
        whole = _hull(windows[pk])
        found.append(
            Group(
                parts=[(each, part) for part in windows[pk] for each in machines],
                window=whole,
                line=lines[job.line_id],
                label=job.number,
                job=job.number,
                product=job.product,
                order=whole.ended_at - whole.started_at,
            )
        )
    return found


def _by_product(scope: Scope, window: Window) -> list[Group]:
    """Return a row for each product: of each equipment of a line apart, of several lines together."""
    equipment = scope.counted
    made = products([Extent(each, window.started_at, window.ended_at) for each in equipment])
    known = named({part.what for own in made for part in own})
    is_one_line = len(scope.lines) == 1
    parts: dict[tuple[Equipment | None, int | None], list[tuple[Equipment, Window]]]
    parts = defaultdict(list)
    for each, own in zip(equipment, made, strict=True):
        for part in own:
            piece = Window(None, part.started_at, part.ended_at)
            parts[each if is_one_line else None, part.what].append((each, piece))
    return [
        Group(
            parts=own,
            window=_hull(part for _, part in own),
            label=known[pk].name if pk is not None else None,
            of=each,
            product=known[pk] if pk is not None else None,
        )
        for (each, pk), own in parts.items()
    ]

"""OEE over windows that a reader chooses: what each row of the answer is a sum over."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

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


class NeedsALine(ValueError):
    """What only a line has cannot cut an area or a site, whose lines differ in it."""


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
    """A row: of which windows and equipment it is the sum, and what it is of."""

    windows: Sequence[Window]
    equipment: Sequence[Equipment]
    label: str | None = None
    of: Equipment | None = None
    product: Product | None = None
    job: str | None = None


def groups(
    scope: Scope, by: str | None, start: datetime | None, end: datetime | None, now: datetime
) -> list[Group]:
    """Return the rows of a scope, cut as asked; without times it is the present shift, or the present day.

    Raises NeedsALine where lines differ in what it is cut by, TooMany beyond `MOST` rows.
    """
    calendar = _calendar(scope)
    shift = present(calendar, now)
    window = Window(
        shift.name if start is None and end is None else None,
        start or shift.started_at,
        end or now,
    )
    if by in {"shift", "job", "product"} and len(scope.lines) != 1:
        raise NeedsALine(f"by={by} needs a line or an equipment")
    whole = scope.counted
    if by is not None and by in _CUTS:
        cut = _CUTS[by](calendar, window.started_at, window.ended_at)
        found = [
            Group(windows=[each], equipment=whole, label=each.name)
            for each in _within(cut, window)
        ]
    elif by == "equipment":
        found = [Group(windows=[window], equipment=[each], of=each) for each in scope.equipment]
    elif by == "job":
        found = _by_job(scope.lines[0], whole, window)
    elif by == "product":
        found = _by_product(whole, window)
    else:
        found = [Group(windows=[window], equipment=whole, label=window.name)]
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
        for window in group.windows
        for each in group.equipment
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
_CUTS: Mapping[str, _Cut] = {"shift": by_shift, "hour": by_hour, "day": by_day}


def _calendar(scope: Scope) -> Calendar:
    """Return the calendar of the line; several lines have the days of their site in common."""
    first = scope.lines[0]
    calendar = calendars([first])[first.pk]
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


def _by_job(line: Line, equipment: Sequence[Equipment], window: Window) -> list[Group]:
    runs = JobRun.objects.filter(job__line=line, started_at__lt=window.ended_at).exclude(
        ended_at__lte=window.started_at
    )
    parts: dict[int, list[Window]] = {}
    jobs = {}
    for run in runs.select_related("job__product").order_by("started_at"):
        jobs[run.job_id] = run.job
        own = Window(None, run.started_at, run.ended_at or window.ended_at)
        parts.setdefault(run.job_id, []).extend(_within([own], window))
    return [
        Group(
            windows=parts[pk],
            equipment=equipment,
            label=job.number,
            job=job.number,
            product=job.product,
        )
        for pk, job in jobs.items()
        if parts[pk]
    ]


def _by_product(equipment: Sequence[Equipment], window: Window) -> list[Group]:
    extents = [Extent(each, window.started_at, window.ended_at) for each in equipment]
    made = products(extents)
    known = named({part.what for own in made for part in own})
    found = []
    for each, own in zip(equipment, made, strict=True):
        ids = dict.fromkeys(part.what for part in own)
        found += [
            Group(
                windows=[
                    Window(None, part.started_at, part.ended_at)
                    for part in own
                    if part.what == pk
                ],
                equipment=[each],
                label=known[pk].name if pk is not None else None,
                of=each,
                product=known[pk] if pk is not None else None,
            )
            for pk in ids
        ]
    return found

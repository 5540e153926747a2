"""The OEE of a line or an equipment over a period, as its page prints it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from production.accounting import accounts_of, is_of_line
from production.calendars import calendar_of
from production.groups import Group, Scope, groups, totals
from production.iso import iso_of
from production.made import products_without
from production.making import named
from production.models import Equipment, Line
from production.oee import PPT, Account, seconds
from production.ratios import Figures, figures
from production.ribbon import ribbon
from production.timelines import Extent
from production.windows import Window
from realtime.formats import NOTHING, duration, tenth, whole
from realtime.periods import Period, day_name, parts_of
from realtime.ribbons import Ribbon, draw_ribbon
from realtime.waterfall import Bar, draw_waterfall

_SIX = (
    ("failure", "Equipment failure"),
    ("setup", "Set-up and adjustment"),
    ("idling", "Idling and small stops"),
    ("speed", "Reduced speed and slow cycles"),
    ("defects", "Process defects"),
    ("startup", "Reduced yield at start-up"),
)
_TIMES = ("run", "stop", "changeover", "planned_stop", "no_data")
# A ribbon of a month would say nothing.
_LONGEST_RIBBON = timedelta(days=8)


@dataclass(frozen=True, slots=True)
class Ratio:
    """One of the four ratios: in per cent, and how long its bar is (at most 125)."""

    name: str
    percent: str
    bar: int | None
    formula: str


@dataclass(frozen=True, slots=True)
class Loss:
    """One of the six big losses."""

    name: str
    minutes: str
    share: str


@dataclass(frozen=True, slots=True)
class Row:
    """A part of the period: what is printed, and its plain cells for CSV."""

    name: str
    printed: Sequence[str]
    cells: Sequence[str | float | None]
    is_present: bool


@dataclass(frozen=True, slots=True)
class OeeSheet:
    """All that the page prints of the figures."""

    ratios: Sequence[Ratio]
    bars: Sequence[Bar]
    losses: Sequence[Loss]
    facts: Sequence[tuple[str, str]]
    iso: Sequence[tuple[str, str]]
    why: str
    warning: str
    ribbon: Ribbon | None
    part: str
    heads: Sequence[str]
    columns: Sequence[str]
    rows: Sequence[Row]
    total: Sequence[str]
    method: str


_HEADS = (
    "OEE %",
    "A %",
    "P %",
    "Q %",
    "Good",
    "Reject",
    "Not measured",
    "Run min",
    "Stop min",
    "Changeover min",
    "Planned min",
    "No data min",
    "Measured %",
)


def oee_sheet(
    line: Line, equipment: Equipment | None, period: Period, now: datetime
) -> OeeSheet:
    """Return the figures of the equipment, or of the line by its method, over the period and its parts."""
    machines = list(line.equipment.in_flow_order().select_related("line"))
    whose = (
        [equipment]
        if equipment
        else [each for each in machines if is_of_line(each, line.oee_method)]
    )
    part, windows = parts_of(period, calendar_of(line))
    windows = [each for each in windows if each.started_at < now]
    spans = [
        (period.start, period.end),
        *((each.started_at, each.ended_at) for each in windows),
    ]
    extents = [Extent(each, start, end) for start, end in spans for each in whose]
    found = iter(accounts_of(extents, now))
    sums = [sum((next(found) for _ in whose), Account()) for _ in spans]
    names = {pk: product.name for pk, product in named(products_without(sums)).items()}
    said = [figures(each, no_data_is_stop=line.no_data_is_stop, names=names) for each in sums]
    account, total = sums[0], said[0]
    shown = equipment or (whose[0] if len(whose) == 1 else None)
    return OeeSheet(
        ratios=_ratios(account, total),
        bars=draw_waterfall(total.lost),
        losses=_losses(total),
        facts=_facts(account, total),
        iso=_iso(account, total, is_stop=line.no_data_is_stop),
        why=_why(total, has_any=bool(whose)),
        warning=total.warning or "",
        ribbon=_ribbon(shown, period, now) if shown else None,
        part=part,
        heads=_HEADS,
        columns=("from", "to", "name", *_HEADS),
        rows=[
            _row(window, one, each, period, part, now)
            for window, one, each in zip(windows, sums[1:], said[1:], strict=True)
        ],
        total=_printed(account, total),
        method=_method(line, equipment, shown),
    )


def place_sheet(scope: Scope, by: str, period: Period, now: datetime) -> OeeSheet:
    """Return the figures of the lines of an area or a site together, and their rows by what was asked.

    Raises TooMany where these would be more than anybody reads.
    """
    end = max(period.start, min(period.end, now))
    whole = groups(scope, None, period.start, period.end, now)
    cut = groups(scope, by, period.start, end, now) if period.start < end else []
    (first, *rest) = totals(scope, [*whole, *cut], now)
    accounts = [account for _, account, _ in (first, *rest)]
    names = {pk: product.name for pk, product in named(products_without(accounts)).items()}

    def said(account: Account, is_stop: bool) -> Figures:  # noqa: FBT001 - a column
        return figures(account, no_data_is_stop=is_stop, names=names)

    _, account, is_stop = first
    total, part = said(account, is_stop), by.capitalize()
    return OeeSheet(
        ratios=_ratios(account, total),
        bars=draw_waterfall(total.lost),
        losses=_losses(total),
        facts=_facts(account, total),
        iso=_iso(account, total, is_stop=is_stop),
        why=_why(total, has_any=bool(scope.counted)),
        warning=total.warning or "",
        ribbon=None,
        part=part,
        heads=_HEADS,
        columns=("from", "to", "name", *_HEADS),
        rows=[
            _row(_named(group, part), each, said(each, stop), period, part, now)
            for group, each, stop in rest
        ],
        total=_printed(account, total),
        method=f"Sums over {len(scope.lines)} lines, of each as its method says",
    )


def _named(group: Group, part: str) -> Window:
    """Return the window of a row by the name that it has in its table."""
    name = group.of.name if part == "Equipment" and group.of else group.label
    if group.line is not None:
        name = f"{name}, {group.line.name}"
    return Window(name, group.window.started_at, group.window.ended_at)


def _method(line: Line, equipment: Equipment | None, shown: Equipment | None) -> str:
    if equipment:
        return f"Figures of {equipment.name}"
    if shown:
        return f"Figures of its constraint, {shown.name}"
    return f"Figures are {line.get_oee_method_display()}"


def _why(total: Figures, *, has_any: bool) -> str:
    return (total.why or "") if has_any else "no equipment is the constraint of this line"


def _percent(value: Decimal | None) -> str:
    return NOTHING if value is None else tenth(float(value) * 100)


def _ratios(account: Account, total: Figures) -> list[Ratio]:
    made, lost = account.output, total.lost
    minutes = {key: _minutes(value) for key, value in lost.items()}
    quality = f"{minutes['productive']} of {minutes['net']} min"
    rows = (
        (
            "OEE",
            total.oee,
            f"fully productive {minutes['productive']} of {minutes['ppt']} min planned",
        ),
        (
            "Availability",
            total.availability,
            f"run {minutes['run']} of {minutes['ppt']} min planned",
        ),
        (
            "Performance",
            total.performance,
            f"ideal {minutes['net']} of {minutes['run']} min run",
        ),
        (
            "Quality",
            total.quality,
            f"good {whole(made.good)} of {whole(made.total)}, {quality}",
        ),
    )
    return [
        Ratio(
            name,
            _percent(value),
            None if value is None else min(125, max(0, int(value * 100 + Decimal("0.5")))),
            formula,
        )
        for name, value, formula in rows
    ]


def _minutes(value: Decimal | None) -> str:
    return NOTHING if value is None else tenth(float(value) / 60)


def _losses(total: Figures) -> list[Loss]:
    ppt = total.lost["ppt"]
    return [
        Loss(
            name,
            _minutes(total.six[key]),
            f"{tenth(float(lost / ppt) * 100)} %"
            if (lost := total.six[key]) is not None and ppt
            else "",
        )
        for key, name in _SIX
    ]


def _facts(account: Account, total: Figures) -> list[tuple[str, str]]:
    made = account.output
    return [
        ("Good", whole(made.good)),
        ("Reject", whole(made.reject)),
        ("Not measured (shown after a gap, in no ratio)", whole(made.aside_total)),
        ("Stops", whole(account.stops)),
        ("Micro-stops", whole(account.small_stops)),
        ("Slow cycles", whole(account.slow_cycles)),
        ("Measured", f"{_percent(total.confidence)} %"),
        ("NEE (changeover is no loss)", f"{_percent(total.nee)} %"),
        ("TEEP (of all time)", f"{_percent(total.teep)} %"),
        ("Planned time", duration(float(seconds(account.of(*PPT))))),
    ]


def _iso(account: Account, total: Figures, *, is_stop: bool) -> list[tuple[str, str]]:
    found = iso_of(account, total, no_data_is_stop=is_stop)
    ratios = (
        ("Availability, APT / PBT", found.availability),
        ("Effectiveness, PRI x PQ / APT", found.effectiveness),
        ("Quality ratio, GQ / PQ", found.quality_ratio),
        ("OEE index", found.oee),
        ("NEE index", found.nee),
        ("Utilization efficiency, APT / AUBT", found.utilization_efficiency),
        ("Technical efficiency, APT / (APT + ADET)", found.technical_efficiency),
        ("Setup ratio, AUST / AUPT", found.setup_ratio),
        ("Scrap ratio, SQ / PQ", found.scrap_ratio),
    )
    times = (
        ("PBT, planned busy time", found.pbt_s),
        ("APT, actual production time", found.apt_s),
        ("AUST, actual unit set-up time", found.aust_s),
        ("ADET, actual unit delay time", found.adet_s),
    )
    return [
        *((name, f"{_percent(value)} %") for name, value in ratios),
        *((name, f"{_minutes(value)} min") for name, value in times),
    ]


def _ribbon(equipment: Equipment, period: Period, now: datetime) -> Ribbon | None:
    if period.end - period.start > _LONGEST_RIBBON:
        return None
    stretches = ribbon(equipment, period.start, min(period.end, now), now)
    return draw_ribbon(stretches, period.start, period.end, period.zone)


def _row(  # noqa: PLR0917 - what a row is made of
    window: Window, account: Account, said: Figures, period: Period, part: str, now: datetime
) -> Row:
    start, end = (at.astimezone(period.zone) for at in (window.started_at, window.ended_at))
    if part == "Hour":
        name = f"{start:%H:%M} to {end:%H:%M}"
    elif part == "Shift":
        name = f"{day_name(start.date())} {window.name or ''} {start:%H:%M}"
    elif part != "Day":
        name = window.name or NOTHING
    else:
        name = day_name(start.date())
    made = account.output
    cells: list[str | float | None] = [
        start.isoformat(),
        end.isoformat(),
        window.name or name,
        *(
            _plain(each)
            for each in (said.oee, said.availability, said.performance, said.quality)
        ),
        made.good,
        made.reject,
        made.aside_total,
        *(float((said.lost[key] or Decimal(0)) / 60) for key in _TIMES),
        _plain(said.confidence),
    ]
    is_present = window.started_at <= now < window.ended_at
    return Row(name, _printed(account, said), cells, is_present)


def _plain(value: Decimal | None) -> float | None:
    return None if value is None else round(float(value) * 100, 4)


def _printed(account: Account, said: Figures) -> list[str]:
    made = account.output
    return [
        *(
            _percent(each)
            for each in (said.oee, said.availability, said.performance, said.quality)
        ),
        whole(made.good),
        whole(made.reject),
        whole(made.aside_total),
        *(_minutes(said.lost[key]) for key in _TIMES),
        _percent(said.confidence),
    ]

"""The calendars of lines, from their rows."""

import functools
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from zoneinfo import ZoneInfo

from django.db.models import Q

from production.models import CalendarException, Line, Shift
from production.shifts import Calendar, Difference, Pattern, Pause


def calendar_of(line: Line) -> Calendar:
    """Return when the line produces."""
    return calendars([line])[line.pk]


def calendars(lines: Iterable[Line]) -> dict[int, Calendar]:
    """Return the calendars of the lines by their keys, in three queries for all of them together.

    A line that has shifts of its own has none of its site's; exceptions are those of both.
    """
    wanted = {line.pk for line in lines}
    sites = {
        pk: (site, zone)
        for pk, site, zone in Line.objects.filter(pk__in=wanted).values_list(
            "pk", "area__site", "area__site__time_zone"
        )
    }
    theirs = Q(line__in=wanted) | Q(line=None, site__in={site for site, _ in sites.values()})
    patterns = _patterns(theirs)
    differences = _differences(theirs)
    of_sites: dict[int, Calendar] = {}
    found: dict[int, Calendar] = {}
    for pk, (site, zone) in sites.items():
        if (None, pk) in patterns or (None, pk) in differences:
            found[pk] = _same(
                zone,
                patterns.get((None, pk)) or patterns.get((site, None), ()),
                (*differences.get((site, None), ()), *differences.get((None, pk), ())),
            )
            continue
        if site not in of_sites:
            theirs_too = (patterns.get((site, None), ()), differences.get((site, None), ()))
            of_sites[site] = _same(zone, *theirs_too)
        found[pk] = of_sites[site]
    return found


@functools.lru_cache(maxsize=512)
def _same(
    zone: str, patterns: tuple[Pattern, ...], differences: tuple[Difference, ...]
) -> Calendar:
    """Return the calendar, for equal rows the same one: what is kept of it is found without comparing them."""
    return Calendar(ZoneInfo(zone), patterns, differences)


Owner = tuple[int | None, int | None]
"""(site, None) or (None, line): whose a row is."""


def _patterns(theirs: Q) -> dict[Owner, tuple[Pattern, ...]]:
    found: dict[int, tuple[Owner, Pattern]] = {}
    rows = Shift.objects.filter(theirs).order_by("starts", "pk", "breaks__starts")
    # A row for each break, so that shifts and breaks take one query.
    for (
        pk,
        site,
        line,
        name,
        days,
        starts,
        ends,
        first,
        last,
        pause,
        began,
        ended,
    ) in rows.values_list(
        "pk",
        "site",
        "line",
        "name",
        "weekdays",
        "starts",
        "ends",
        "first_day",
        "last_day",
        "breaks__name",
        "breaks__starts",
        "breaks__ends",
    ):
        if pk not in found:
            pattern = Pattern(
                name=name,
                weekdays=frozenset(int(day) for day in days),
                starts=starts,
                ends=ends,
                first_day=first,
                last_day=last,
            )
            found[pk] = (_owner(site, line), pattern)
        if pause is not None:
            owner, pattern = found[pk]
            breaks = (*pattern.breaks, Pause(pause, began, ended))
            found[pk] = (owner, replace(pattern, breaks=breaks))
    by_owner: dict[Owner, tuple[Pattern, ...]] = defaultdict(tuple)
    for owner, pattern in found.values():
        by_owner[owner] += (pattern,)
    return by_owner


def _differences(theirs: Q) -> dict[Owner, tuple[Difference, ...]]:
    by_owner: dict[Owner, tuple[Difference, ...]] = defaultdict(tuple)
    for row in CalendarException.objects.filter(theirs).order_by("first_day", "pk"):
        by_owner[_owner(row.site_id, row.line_id)] += (
            Difference(
                kind=row.kind,
                name=row.name,
                first_day=row.first_day,
                last_day=row.last_day,
                starts=row.starts,
                ends=row.ends,
            ),
        )
    return by_owner


def _owner(site: int, line: int | None) -> Owner:
    return (site, None) if line is None else (None, line)

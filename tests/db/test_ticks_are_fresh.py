"""What a process keeps between ticks is never seen: a tick says what a process just started would say."""

import json
import random
from datetime import time, timedelta

import pytest

from ms5.events.models import Gauge
from production import calendars, processors, shifts
from production.actions import observe
from production.models import (
    CalendarException,
    Equipment,
    Job,
    JobRun,
    Line,
    Shift,
    Site,
)
from production.oee_updates import updates
from production.settling import unsettle
from production.shifts import Calendar
from tests.factories import (
    at,
    equipment,
    good_count,
    ideal_cycle,
    line,
    observation,
    product,
)

pytestmark = pytest.mark.django_db
STEPS = 14


class Floor:
    """Two lines of a site that share its shifts, one with jobs; and what may happen to them."""

    def __init__(self, seed):
        self.chance = random.Random(seed)
        self.loaf, self.rye = product(), product()
        first = line()
        lines = [first, line(area=first.area)]
        self.machines = [
            equipment(line=each, is_constraint=place == 0, no_data_after_s=60)
            for each in lines
            for place in range(2)
        ]
        for machine in self.machines:
            ideal_cycle(self.loaf, machine, "0.9")
        for each in lines:
            job = Job.objects.create(
                line=each,
                product=self.loaf,
                number=each.code,
                target=10**6,
                status="running",
                started_at=at(0),
            )
            JobRun.objects.create(job=job, started_at=at(0))
        self.shift = Shift.objects.create(
            site=first.area.site, name="Early", starts=time(6), ends=time(14)
        )
        self.second, self.made = 0, 0

    def live(self):
        """Let some minutes pass."""
        seen = []
        for _ in range(self.chance.randint(2, 10)):
            self.second += self.chance.choice((5, 30, 50, 100))
            self.made += self.chance.randint(0, 9)
            seen += [
                observation(
                    machine,
                    self.second,
                    self.chance.choice(("running", "running", "stopped")),
                    product_number=self.chance.choice(
                        (self.loaf, self.loaf, self.rye)
                    ).plc_number,
                    counters=(good_count(self.made),),
                )
                for machine in self.machines
            ]
        observe(seen)

    def edit(self):
        """Change a row on which the figures depend, as an action does: what was settled is taken back."""
        self.chance.choice(
            (self._shift, self._exception, self._zone, self._cycle, self._threshold, self._job)
        )()
        unsettle([machine.pk for machine in self.machines], at(-86400 * 3))

    def _shift(self):
        hours = sorted(self.chance.sample(range(24), 2))
        Shift.objects.update(starts=time(hours[0]), ends=time(hours[1]))

    def _exception(self):
        if CalendarException.objects.exists():
            CalendarException.objects.all().delete()
            return
        day = at(0).date()
        CalendarException.objects.create(
            site=self.shift.site,
            line=self.chance.choice((None, self.machines[0].line)),
            kind=self.chance.choice(("holiday", "no_demand", "overtime")),
            name="x",
            first_day=day,
            last_day=day + timedelta(days=self.chance.randint(0, 3)),
        )

    def _zone(self):
        zones = ("UTC", "Asia/Kathmandu", "America/New_York")
        Site.objects.update(time_zone=self.chance.choice(zones))

    def _cycle(self):
        seconds = f"0.{self.chance.randint(1, 9)}"
        ideal_cycle(self.rye, self.machines[0], seconds, at(self.second))

    def _threshold(self):
        Equipment.objects.update(stop_after_s=self.chance.randint(20, 200), slow_after_s=10)

    def _job(self):
        Job.objects.update(target=self.chance.randint(10**4, 10**6))


def said(now):
    for tick in (processors.production, processors.oee, processors.job_progress):
        tick(now)
    return {row.key: json.loads(row.text)["data"] for row in Gauge.objects.all()}


@pytest.mark.parametrize("seed", range(8))
def test_a_tick_says_what_it_would_say_if_nothing_was_kept(seed):
    floor = Floor(seed)
    for _ in range(STEPS):
        floor.chance.choice((floor.live, floor.live, floor.edit))()
        now = at(floor.second + 1)
        warm = said(now)
        calendars._same.cache_clear()
        shifts.laid_out.cache_clear()
        assert said(now) == warm
        lines = list(Line.objects.all())
        exact = [each.data for each in updates(lines, now, exact=True)]
        assert [each.data for each in updates(lines, now)] == exact


def test_a_calendar_that_was_kept_by_its_line_would_be_seen(monkeypatch):
    """A fault put in on purpose: kept by whose it is."""
    kept: dict[int, Calendar] = {}
    fresh = calendars.calendars

    def by_line(lines):
        found = fresh(lines)
        return {pk: kept.setdefault(pk, calendar) for pk, calendar in found.items()}

    floor = Floor(0)
    floor.live()
    now = at(floor.second + 1)
    for module in ("figures", "oee_updates", "pace"):
        monkeypatch.setattr(f"production.{module}.calendars", by_line)
    said(now)
    Shift.objects.update(starts=time(9), ends=time(17))
    stale = said(now)
    kept.clear()
    assert said(now) != stale

"""Edits of the plant that change what settled time was: the figure before, and at once the one after."""

from datetime import time, timedelta

import pytest
from django.utils import timezone

from production import standing
from production.accounting import accounts
from production.actions import observe, set_context
from production.models import (
    Area,
    Downtime,
    PastThreshold,
    Reason,
    Settlement,
    Shift,
    Site,
    TimeTally,
)
from production.settling import settle
from tests.factories import at, equipment, ideal_cycle, line, observation, product
from tests.web import plant
from tests.web.forms import save, url

pytestmark = pytest.mark.django_db

HOUR = 3600


@pytest.fixture
def boss(as_user):
    rights = {"all_lines": True, "is_staff": True, "is_superuser": True}
    return as_user(plant.person("boss", "admin", **rights))


@pytest.fixture
def machine():
    """An hour with one stop of 400 s, from the tenth minute on, longer than a micro-stop only at 300 s."""
    return equipment(
        line=line(code="L-1"), is_constraint=True, stop_after_s=500, no_data_after_s=9999
    )


def run_an_hour(on):
    states = [(0, "running"), (600, "stopped"), (1000, "running"), (HOUR + 60, "running")]
    observe([observation(on, second, state) for second, state in states])
    assert settle(at(HOUR + 120)) == 4


def lengths(on, *, exact=False):
    """Return the seconds of the hour by bucket."""
    on.refresh_from_db()
    found = accounts([on], at(0), at(HOUR), at(HOUR + 120), exact=exact)[on.pk]
    return {str(bucket): length.total_seconds() for bucket, length in found.time.items()}


def was_followed(on):
    """Whether the figures are those of the rows, now and when they are settled again."""
    anew = lengths(on, exact=True)
    is_at_once = lengths(on) == anew
    settle(at(HOUR + 120))
    return is_at_once and TimeTally.objects.count() == 4 and lengths(on) == anew


def explain(on, **fields):
    """Put the stop down to a reason, as a person did before it was settled."""
    reason = Reason.objects.create(code="JAM", name="Jam", category="unplanned", **fields)
    Downtime.objects.create(equipment=on, started_at=at(600), ended_at=at(1000), reason=reason)
    return reason


RUNNING = {"running": 3200.0}
SMALL = RUNNING | {"small_stop": 400.0}
FAILED = RUNNING | {"failure": 400.0}


def test_another_threshold_of_the_equipment_holds_from_now_on(boss, machine):
    run_an_hour(machine)
    assert lengths(machine) == SMALL
    answer = save(boss, url(type(machine), "change", machine.pk), stop_after_s="300")
    assert answer.status_code == 302
    assert (lengths(machine), lengths(machine, exact=True)) == (SMALL, SMALL)
    assert was_followed(machine)
    kept = PastThreshold.objects.get()
    assert (kept.equipment, kept.product, kept.stop_after_s) == (machine, None, 500)
    assert standing.stop_after(machine, None, timezone.now()) == timedelta(seconds=300)
    # Saved once more as it is: nothing is new.
    assert save(boss, url(type(machine), "change", machine.pk)).status_code == 302
    assert PastThreshold.objects.get() == kept


def test_another_threshold_of_the_product_holds_from_now_on(boss, machine):
    loaf = product()
    cycle = ideal_cycle(loaf, machine)
    set_context(machine, actor=None, at=at(-60), product=loaf)
    run_an_hour(machine)
    assert lengths(machine) == SMALL
    path = url(type(cycle), "change", cycle.pk)
    assert save(boss, path, stop_after_s="300").status_code == 302
    assert lengths(machine) == SMALL
    assert was_followed(machine)
    assert standing.stop_after(machine, loaf.pk, timezone.now()) == timedelta(seconds=300)
    assert boss.post(url(type(cycle), "delete", cycle.pk), {"post": "yes"}).status_code == 302
    assert lengths(machine) == SMALL
    assert standing.stop_after(machine, loaf.pk, timezone.now()) == timedelta(seconds=500)


def test_another_date_of_a_cycle_leaves_what_stops_were_judged_by(boss, machine):
    loaf = product()
    cycle = ideal_cycle(loaf, machine, effective_from=at(-HOUR))
    type(cycle).objects.update(stop_after_s=300)
    set_context(machine, actor=None, at=at(-60), product=loaf)
    run_an_hour(machine)
    assert lengths(machine) == FAILED
    path = url(type(cycle), "change", cycle.pk)
    later = {"effective_from_0": "2026-11-23", "effective_from_1": "10:15:00"}
    assert save(boss, path, **later).status_code == 302
    assert lengths(machine) == FAILED
    assert was_followed(machine)
    assert machine.downtimes.count() == 1


@pytest.mark.parametrize(
    ("changes", "bucket"),
    [
        ({"loss": "planned"}, "planned"),
        ({"loss": "changeover"}, "changeover"),
        ({"six_loss": "setup"}, "adjustment"),
        ({"six_loss": "idling"}, "idling"),
    ],
)
@pytest.mark.parametrize("way", ["page", "api"])
def test_another_loss_of_a_reason(boss, machine, changes, bucket, way):
    reason = explain(machine, loss="stop", six_loss="failure")
    run_an_hour(machine)
    assert lengths(machine) == FAILED
    if way == "page":
        answer = save(boss, url(Reason, "change", reason.pk), **changes)
        assert answer.status_code == 302
    else:
        answer = boss.patch("/api/v1/reasons/JAM/", changes, "application/json")
        assert answer.status_code == 200
    assert lengths(machine) == RUNNING | {bucket: 400.0}
    assert was_followed(machine)


def test_another_category_of_a_reason_leaves_what_is_settled(boss, machine):
    reason = explain(machine, loss="stop", six_loss="failure")
    run_an_hour(machine)
    changes = {"category": "maintenance", "name": "Jam of film"}
    assert save(boss, url(Reason, "change", reason.pk), **changes).status_code == 302
    assert boss.patch("/api/v1/reasons/JAM/", changes, "application/json").status_code == 200
    assert (Settlement.objects.get().until, TimeTally.objects.count()) == (at(HOUR), 4)
    assert lengths(machine) == FAILED


def shift_of(site):
    """Say that the site works from 10:00 to 10:30 by its own clock, which in UTC is the first half hour."""
    Shift.objects.create(site=site, name="Early", starts=time(10), ends=time(10, 30))


ABROAD = {"running": 3200.0, "not_scheduled": 400.0}


def test_another_clock_of_the_site(boss, machine):
    site = machine.line.area.site
    shift_of(site)
    run_an_hour(machine)
    assert lengths(machine) == SMALL
    answer = save(boss, url(Site, "change", site.pk), time_zone="Asia/Tokyo")
    assert answer.status_code == 302
    # What runs is run time whatever was planned; the stop now lies outside of every shift.
    assert lengths(machine) == ABROAD
    assert was_followed(machine)


def test_another_site_of_the_area_or_another_area_of_the_line(boss, machine):
    area = machine.line.area
    shift_of(area.site)
    abroad = Site.objects.create(code="JP", name="Tokyo", time_zone="Asia/Tokyo")
    shift_of(abroad)
    run_an_hour(machine)
    assert lengths(machine) == SMALL
    assert save(boss, url(Area, "change", area.pk), site=abroad.pk).status_code == 302
    assert lengths(machine) == ABROAD
    assert was_followed(machine)
    home = Area.objects.create(
        site=Site.objects.exclude(pk=abroad.pk).get(), code="NEW", name="New hall"
    )
    path = url(type(machine.line), "change", machine.line_id)
    assert save(boss, path, area=home.pk).status_code == 302
    assert lengths(machine) == SMALL
    assert was_followed(machine)


def test_another_line_of_the_equipment(boss, machine):
    shift_of(machine.line.area.site)
    abroad = line(code="L-2", time_zone="Asia/Tokyo")
    shift_of(abroad.area.site)
    run_an_hour(machine)
    assert lengths(machine) == SMALL
    path = url(type(machine), "change", machine.pk)
    assert save(boss, path, line=abroad.pk).status_code == 302
    assert lengths(machine) == ABROAD
    assert was_followed(machine)

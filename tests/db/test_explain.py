"""An OEE figure down to its rows: leaves and pieces add up to it, exactly."""

import itertools
from datetime import time, timedelta
from decimal import Decimal

import pytest

from production import explain as explaining
from production.accounting import accounts
from production.actions import observe
from production.calendars import calendar_of
from production.explain import explain
from production.hours import hours
from production.models import Break, Shift
from production.observation import CounterReading
from production.oee import PPT, Account, seconds, time_of
from production.ribbon import MOST, coarse, ribbon
from production.settling import settle
from production.timeline import Stretch
from tests.factories import at, equipment, ideal_cycle, observation, product

pytestmark = pytest.mark.django_db


def busy_machine(pairs=6):
    """Return a machine that ran a minute and stood a half, so often, with two products and rejects."""
    machine = equipment(is_constraint=True, no_data_after_s=300, stop_after_s=20)
    loaf, rye = product(), product()
    ideal_cycle(loaf, machine, "0.7")
    ideal_cycle(rye, machine, "1.1")
    seen = []
    for number in range(pairs):
        start = number * 90
        of = (loaf, rye)[number % 2].plc_number
        for second, state in ((0, "running"), (60, "stopped" if number % 3 else "idle")):
            counters = (
                CounterReading(kind="total", value=number * 50 + second // 2),
                CounterReading(kind="reject", value=number * 2),
            )
            seen.append(
                observation(
                    machine, start + second, state, counters=counters, product_number=of
                )
            )
    observe(seen)
    return machine


def total(found):
    time = dict(time_of(found.leaves))
    for bucket, length in found.rest.time.items():
        time[bucket] = time.get(bucket, timedelta()) + length
    return time


def test_leaves_and_pieces_add_up_to_the_figure_exactly():
    machine = busy_machine()
    settle(at(3600))
    found = explain(machine, at(7), at(500), at(600))
    plain = accounts([machine], at(7), at(500), at(600))[machine.pk]
    assert found.account == plain
    assert total(found) == dict(plain.time)
    measured = [row for row in found.made if row.measured]
    assert sum(row.good for row in measured) == plain.output.good > 0
    assert sum(row.total for row in measured) == plain.output.total
    assert sum((row.good_s for row in found.made), Decimal(0)) == plain.output.good_s
    assert sum((row.total_s for row in found.made), Decimal(0)) == plain.output.total_s
    oee = plain.output.good_s / seconds(plain.of(*PPT))
    assert round(found.figures.oee, 12) == round(oee, 12)
    assert dict(found.formula)["oee"].endswith(f"= {found.figures.oee:.6f}")


def test_every_leaf_names_its_span_and_the_downtime_it_is_of():
    machine = busy_machine()
    found = explain(machine, at(0), at(500), at(600))
    spans = {span.pk: span for span in machine.spans.all()}
    downtimes = set(machine.downtimes.values_list("pk", flat=True))
    assert downtimes
    for leaf in found.leaves:
        if leaf.what.span is None:
            assert leaf.what.state == "no_data"
            continue
        assert spans[leaf.what.span].state == leaf.what.state
        assert spans[leaf.what.span].started_at <= leaf.started_at
    assert {leaf.what.downtime for leaf in found.leaves} - {None} == downtimes


def test_of_many_leaves_the_longest_are_shown_and_the_rest_is_summed(monkeypatch):
    machine = busy_machine()
    whole = explain(machine, at(0), at(500), at(600))
    monkeypatch.setattr(explaining, "MOST", 4)
    found = explain(machine, at(0), at(500), at(600))
    assert (len(found.leaves), found.rest.leaves) == (4, len(whole.leaves) - 4)
    assert total(found) == total(whole)


def test_a_window_in_the_future_is_empty():
    machine = busy_machine(1)
    found = explain(machine, at(5000), at(6000), at(600))
    assert (found.account, found.leaves, found.made) == (Account(), [], [])


def test_the_shift_hour_by_hour_has_targets_of_planned_time_and_what_was_made():
    machine, loaf = equipment(is_constraint=True, no_data_after_s=300), product()
    ideal_cycle(loaf, machine, "0.5")
    shift = Shift.objects.create(
        site=machine.line.area.site, name="Early", starts=time(9, 30), ends=time(12, 30)
    )
    Break.objects.create(shift=shift, starts=time(10, 30), ends=time(10, 45))
    seen = [
        observation(
            machine,
            s,
            "idle" if 1800 <= s < 2700 else "stopped" if 2700 <= s < 3000 else "running",
            counters=(CounterReading(kind="good", value=s + 1800 if s < 1800 else 3600),),
            product_number=loaf.plc_number,
        )
        for s in range(-1800, 5401, 60)
    ]
    observe(seen)
    rows = hours(machine.line, machine, calendar_of(machine.line), at(5400))
    assert [(row.started_at, row.ended_at) for row in rows] == [
        (at(-1800), at(0)),
        (at(0), at(3600)),
        (at(3600), at(7200)),
        (at(7200), at(9000)),
    ]
    assert [row.target for row in rows] == [3600.0, 5400.0, 3600.0, None]
    assert [row.good for row in rows] == [1800, 1800, 0, 0]
    assert [row.downtime_s for row in rows] == [0.0, 300.0, 0.0, 0.0]
    assert [row.is_present for row in rows] == [False, False, True, False]
    assert rows[0].oee == 0.5
    rows = hours(machine.line, None, calendar_of(machine.line), at(5400))
    assert [row.target for row in rows] == [None] * 4


def test_the_ribbon_tells_breaks_from_stops_and_leaves_no_hole():
    machine = equipment(is_constraint=True, no_data_after_s=300)
    shift = Shift.objects.create(
        site=machine.line.area.site, name="Early", starts=time(10), ends=time(12)
    )
    Break.objects.create(shift=shift, starts=time(10, 5), ends=time(10, 10))
    observe(
        [observation(machine, s, "running" if s < 240 else "idle") for s in range(0, 721, 60)]
    )
    assert ribbon(machine, at(-60), at(900), at(800)) == [
        Stretch("not_scheduled", at(-60), at(0)),
        Stretch("running", at(0), at(240)),
        Stretch("idle", at(240), at(300)),
        Stretch("planned", at(300), at(600)),
        Stretch("idle", at(600), at(720)),
        Stretch("no_data", at(720), at(800)),
    ]
    assert ribbon(machine, at(900), at(1000), at(800)) == []


def test_a_restless_ribbon_is_drawn_in_few_stretches_that_cover_the_window():
    machine = busy_machine(400)
    found = ribbon(machine, at(0), at(36_000), at(36_000))
    assert 1 <= len(found) <= MOST
    assert (found[0].started_at, found[-1].ended_at) == (at(0), at(36_000))
    for earlier, later in itertools.pairwise(found):
        assert earlier.ended_at == later.started_at
        assert earlier.what != later.what


def test_a_cell_of_a_coarse_ribbon_is_what_lasted_longest_in_it():
    drawn = [
        Stretch("running", at(0), at(70)),
        Stretch("stopped", at(70), at(100)),
        Stretch("running", at(100), at(110)),
        Stretch("stopped", at(110), at(250)),
    ]
    assert coarse(drawn, timedelta(seconds=100)) == [
        Stretch("running", at(0), at(100)),
        Stretch("stopped", at(100), at(250)),
    ]

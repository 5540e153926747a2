"""A line's figures: the pieces of its constraint against what measured time allowed, over the day so far."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from production.actions import observe, set_context
from production.actions.counts import Ledger
from production.figures import day_start, production_update
from production.models import Count, Line, Tally
from production.observation import CounterReading
from tests.factories import (
    T0,
    at,
    equipment,
    good_count,
    ideal_cycle,
    line,
    observation,
    product,
    user,
)

pytestmark = pytest.mark.django_db


def bagger(seconds="0.6", **fields):
    """Return a constraint and its product, with an ideal cycle."""
    machine = equipment(is_constraint=True, **fields)
    loaf = product()
    ideal_cycle(loaf, machine, seconds)
    return machine, loaf


def work(on, loaf, start, end, *, state="running", rate=1, first=0, **fields):
    """Observe once a second a counter that gains `rate` pieces each time; return its last value."""
    seen = [
        observation(
            on,
            second,
            state,
            product_number=loaf.plc_number,
            counters=(good_count(first + rate * (second - start)),),
            **fields,
        )
        for second in range(start, end + 1)
    ]
    observe(seen)
    return seen[-1].counters[0].value


def figures(on, seconds):
    return production_update(on.line, at(seconds))


def test_the_constraint_that_ran_a_minute_at_its_ideal_cycle_has_all_its_target():
    machine, loaf = bagger("0.5")
    work(machine, loaf, 0, 60, rate=2, speed=118.0)
    now = figures(machine, 60)
    assert (now.constraint, now.state, now.product) == (machine.code, "running", loaf.name)
    assert (now.good, now.reject, now.target, now.efficiency) == (120, 0, 120.0, 1.0)
    assert (now.measured_s, now.downtime_s, now.why) == (60.0, 0.0, None)
    assert (now.speed, now.target_speed) == (118.0, 120.0)
    assert (now.rate, now.rate_before, now.job) == (120.0, None, None)
    assert (now.window.started_at, now.window.to) == (T0.replace(hour=0), at(60))


def test_measured_time_ends_at_the_last_reading_so_that_figures_never_go_back():
    machine, loaf = bagger("0.5")
    work(machine, loaf, 0, 60)
    assert figures(machine, 62.5).measured_s == 60.0
    assert figures(machine, 3600).measured_s == 60.0


def test_a_stop_is_downtime_and_costs_efficiency():
    machine, loaf = bagger("0.5")
    last = work(machine, loaf, 0, 59, rate=2)
    work(machine, loaf, 60, 120, state="stopped", rate=0, first=last)
    now = figures(machine, 120)
    assert (now.measured_s, now.downtime_s) == (120.0, 60.0)
    assert (now.good, now.target) == (118, 240.0)
    assert now.efficiency == pytest.approx(118 / 240)


def test_time_without_data_is_neither_target_nor_downtime_and_its_pieces_no_efficiency():
    machine, loaf = bagger("0.5", no_data_after_s=3)
    last = work(machine, loaf, 0, 60, rate=2)
    work(machine, loaf, 600, 660, rate=2, first=last + 500)
    now = figures(machine, 660)
    assert now.good == 120 + 500 + 120
    assert (now.measured_s, now.downtime_s, now.target) == (120.0, 0.0, 240.0)
    assert now.efficiency == 1.0


def test_each_product_of_the_day_counts_at_its_own_ideal_cycle():
    machine, loaf = bagger("0.5")
    slow = product()
    ideal_cycle(slow, machine, "1.0")
    last = work(machine, loaf, 0, 60, rate=2)
    work(machine, slow, 61, 121, first=last)
    now = figures(machine, 121)
    assert (now.product, now.target_speed) == (slow.name, 60.0)
    # 61 s at half a second, then 60 s at a second.
    assert now.target == 182.0
    assert now.good == 180


def test_without_an_ideal_cycle_there_is_no_target_and_a_reason():
    machine, loaf = equipment(is_constraint=True), product(name="Rye loaf")
    work(machine, loaf, 0, 10)
    now = figures(machine, 10)
    assert (now.target, now.efficiency, now.target_speed) == (None, None, None)
    assert now.why == f"no ideal cycle of Rye loaf on {machine.name}"
    assert (now.good, now.rate) == (10, 60.0)


def test_measured_time_without_a_product_leaves_no_target_and_a_reason():
    machine, _ = bagger()
    observe([observation(machine, second) for second in range(11)])
    now = figures(machine, 10)
    assert (now.target, now.efficiency, now.good_aside) == (None, None, 0)
    assert now.why == f"no product is set for measured time of {machine.name}"


def test_time_and_pieces_from_before_a_product_was_set_are_left_out_of_the_comparison():
    machine, loaf = bagger()
    observe([observation(machine, s, counters=(good_count(s),)) for s in range(11)])
    work(machine, loaf, 11, 20, first=11)
    now = figures(machine, 20)
    assert now.why is None
    assert now.target == 15.0
    assert now.good - now.good_aside == round(now.target * now.efficiency)
    assert now.good_aside == 11, "the reading that brought the product ends those before it"


def test_a_product_set_long_ago_holds_for_the_whole_day():
    machine, loaf = bagger("0.5")
    set_context(machine, actor=None, at=T0 - timedelta(days=3), product=loaf)
    observe([observation(machine, second) for second in range(61)])
    assert figures(machine, 60).target == 120.0
    other = product()
    ideal_cycle(other, machine, "1.0")
    set_context(machine, actor=None, at=at(30), product=other)
    assert figures(machine, 60).target == 90.0


def test_a_line_without_a_constraint_says_so():
    machine, loaf = bagger()
    machine.is_constraint = False
    machine.save()
    work(machine, loaf, 0, 10)
    now = figures(machine, 10)
    assert (now.constraint, now.state, now.good, now.target, now.rate) == (
        None,
        "no_data",
        0,
        None,
        None,
    )
    assert now.why == "no equipment is the constraint of this line"
    assert [(row.state, row.good) for row in now.equipment] == [("running", 10)]


def test_a_line_that_never_had_data_has_empty_figures():
    machine, _ = bagger()
    now = figures(machine, 0)
    assert (now.state, now.good, now.speed, now.rate) == ("no_data", 0, None, None)
    assert (now.target, now.efficiency, now.measured_s) == (0.0, None, 0.0)
    assert now.why == "nothing was measured yet"
    assert (now.equipment[0].since, now.equipment[0].state) == (None, "no_data")


def test_equipment_comes_in_flow_order_with_its_context():
    packing = line()
    last = equipment(line=packing, position=2, name="Packer")
    first = equipment(line=packing, position=1, name="Bagger", is_constraint=True)
    loaf, operator = product(), user(first_name="Ada", last_name="Byron")
    ideal_cycle(loaf, last, "0.75")
    set_context(last, actor=None, at=T0, product=loaf, operator=operator)
    set_context(first, actor=None, at=T0, target_speed=55.0, planned_stop=True)
    rows = production_update(packing, at(1)).equipment
    assert [row.equipment_code for row in rows] == [first.code, last.code]
    assert [row.target_speed for row in rows] == [55.0, 80.0]
    assert [row.operator for row in rows] == [None, "Ada Byron"]
    assert [row.planned_stop for row in rows] == ["planned stop", None]
    assert [row.product for row in rows] == [None, loaf.name]


def test_good_is_the_total_less_the_rejects_where_only_those_are_counted():
    machine, loaf = bagger("1.0")
    for second in range(61):
        readings = (
            CounterReading(kind="total", value=second),
            CounterReading(kind="reject", value=second // 10),
        )
        observe(
            [observation(machine, second, product_number=loaf.plc_number, counters=readings)]
        )
    now = figures(machine, 60)
    assert (now.good, now.reject, now.target) == (54, 6, 60.0)
    assert now.efficiency == pytest.approx(0.9)
    assert now.rate == pytest.approx(54.0)


def test_the_rate_is_of_the_measured_minutes_of_the_last_ten_and_of_the_ten_before():
    machine, loaf = bagger("0.5", no_data_after_s=10_000)
    last = work(machine, loaf, 0, 600)
    work(machine, loaf, 601, 1200, rate=2, first=last + 2)
    now = figures(machine, 1200)
    assert (now.rate, now.rate_before) == (120.0, 60.0)


@pytest.mark.parametrize(
    ("zone", "now", "start"),
    [
        ("UTC", "2026-11-23T00:00Z", "2026-11-23T00:00Z"),
        ("Europe/Berlin", "2026-07-01T21:59Z", "2026-06-30T22:00Z"),
        ("Europe/Berlin", "2026-07-01T22:00Z", "2026-07-01T22:00Z"),
        ("Europe/Berlin", "2026-03-29T12:00Z", "2026-03-28T23:00Z"),  # a day of 23 hours
        ("Europe/Berlin", "2026-10-25T22:30Z", "2026-10-24T22:00Z"),  # and one of 25
        ("Asia/Kathmandu", "2026-01-01T12:00Z", "2025-12-31T18:15Z"),
    ],
)
def test_the_day_is_the_calendar_day_of_the_site(zone, now, start):
    assert day_start(zone, datetime.fromisoformat(now)) == datetime.fromisoformat(start)


def test_pieces_before_midnight_at_the_site_are_of_the_day_before():
    machine, loaf = bagger("1.0", line=line(time_zone="Europe/Berlin"))
    midnight = datetime(2026, 11, 24, tzinfo=ZoneInfo("Europe/Berlin"))
    start = round((midnight - T0).total_seconds())
    work(machine, loaf, start - 60, start + 30)
    now = production_update(machine.line, midnight + timedelta(seconds=30))
    assert (now.good, now.measured_s, now.target) == (30, 30.0, 30.0)
    assert now.rate == pytest.approx(60.0)


def test_a_day_is_read_with_few_queries_however_long_it_was(django_assert_max_num_queries):
    machine, loaf = bagger("0.5")
    other = equipment(line=machine.line)
    slow = product()
    ideal_cycle(slow, machine, "1.0")
    last = work(machine, loaf, 0, 60)
    work(machine, slow, 61, 121, first=last)
    work(other, loaf, 0, 120)
    (packing,) = Line.objects.select_related("area__site")
    with django_assert_max_num_queries(44):
        update = production_update(packing, at(121))
    assert update.target == 182.0


def test_the_figures_of_the_day_are_read_from_tallies_that_equal_the_counts():
    machine, loaf = bagger("0.5")
    work(machine, loaf, 0, 4000, rate=2)
    counts = sum(row.quantity for row in Count.objects.filter(equipment=machine))
    assert Tally.objects.filter(equipment=machine).count() == 5
    assert figures(machine, 4000).good == counts == 8000
    assert Ledger.of([machine.pk]).counters[machine.pk, "good"].value == 8000

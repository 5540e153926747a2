"""Every few seconds the OEE of each line and equipment is said over the present shift, in few queries."""

import json
from datetime import time

import pytest

from ms5.events.models import Gauge
from production import processors, tasks
from production.actions import observe
from production.models import Line, Shift, Site, TimeTally
from production.observation import CounterReading
from production.oee_updates import updates
from production.settling import settle
from tests.factories import at, equipment, good_count, ideal_cycle, line, observation, product

pytestmark = pytest.mark.django_db


def gauges():
    rows = Gauge.objects.filter(type="oee_update")
    return {row.key: json.loads(row.text) for row in rows}


def run(on, loaf, start, end, step=60):
    observe(
        [
            observation(
                on, s, counters=(good_count(s - start),), product_number=loaf.plc_number
            )
            for s in range(start, end + 1, step)
        ]
    )


def bagger(**fields):
    machine, loaf = equipment(is_constraint=True, no_data_after_s=300, **fields), product()
    ideal_cycle(loaf, machine, "0.9")
    return machine, loaf


def test_the_present_shift_is_said_of_the_line_and_of_each_equipment():
    machine, loaf = bagger()
    other = equipment(line=machine.line)
    site = machine.line.area.site
    Shift.objects.create(site=site, name="Early", starts=time(10), ends=time(18))
    run(machine, loaf, -600, 1200)
    assert processors.oee(at(1200)) == 3
    said = gauges()
    code = machine.line.code
    assert set(said) == {
        f"oee:{code}",
        f"oee:{code}:{machine.code}",
        f"oee:{code}:{other.code}",
    }
    whole = said[f"oee:{code}"]
    assert (whole["line_id"], whole["equipment_code"]) == (code, None)
    data = whole["data"]
    assert (data["scope"], data["method"], data["shift"]) == ("line", "constraint", "Early")
    assert data["window"] == {
        "started_at": "2026-11-23T10:00:00Z",
        "to": "2026-11-23T10:20:00Z",
    }
    assert (data["availability"], data["performance"], data["quality"]) == (1.0, 0.9, 1.0)
    assert (data["oee"], data["confidence"], data["why"]) == (0.9, 1.0, None)
    assert (data["good"], data["reject"], data["pieces_aside"]) == (1200, 0, 0)
    assert data["seconds"]["slow"] == 120.0
    assert data["six_losses"]["speed"] == 120.0
    assert (data["product"], data["product_code"]) == (loaf.name, loaf.code)
    own = said[f"oee:{code}:{machine.code}"]
    assert own["equipment_code"] == machine.code
    assert own["data"] == data | {"scope": "equipment"}
    silent = said[f"oee:{code}:{other.code}"]["data"]
    assert (silent["oee"], silent["confidence"]) == (None, 0.0)
    assert silent["why"] == "nothing was planned, or nothing was measured"


def test_the_tick_settles_and_says_the_same_as_before():
    machine, loaf = bagger()
    run(machine, loaf, 0, 3600)
    processors.oee(at(3600))
    assert TimeTally.objects.count() == 3
    before = gauges()
    processors.oee(at(3600))
    after = gauges()
    assert {key: row["data"] for key, row in before.items()} == {
        key: row["data"] for key, row in after.items()
    }


def test_without_shifts_it_is_the_calendar_day_and_two_products_are_no_product():
    machine, loaf = bagger(line=line(time_zone="Asia/Kathmandu"))
    run(machine, loaf, 0, 60)
    run(machine, product(), 120, 180, step=30)
    processors.oee(at(180))
    data = gauges()[f"oee:{machine.line.code}"]["data"]
    assert data["shift"] is None
    assert data["window"]["started_at"] == "2026-11-22T18:15:00Z"
    assert (data["product"], data["oee"]) == (None, None)
    assert data["why"].startswith("no ideal cycle for Loaf")


def test_a_line_without_a_constraint_says_so():
    machine = equipment()
    processors.oee(at(0))
    data = gauges()[f"oee:{machine.line.code}"]["data"]
    assert (data["oee"], data["why"]) == (None, "no equipment is the constraint of this line")


def test_a_counter_that_contradicts_is_shown_with_a_warning():
    machine, loaf = bagger()
    for second in (0, 60):
        readings = (
            CounterReading(kind="total", value=second // 60),
            CounterReading(kind="reject", value=second),
        )
        observe(
            [observation(machine, second, counters=readings, product_number=loaf.plc_number)]
        )
    processors.oee(at(60))
    data = gauges()[f"oee:{machine.line.code}"]["data"]
    assert (data["good"], data["reject"]) == (-59, 60)
    assert "contradict" in data["warning"]


def test_a_line_that_fails_does_not_stop_the_others(caplog):
    machines = [bagger()[0] for _ in range(3)]
    Site.objects.filter(areas__lines=machines[1].line).update(time_zone="Mars/Olympus")
    with pytest.raises(ExceptionGroup, match="not every line was done"):
        processors.oee(at(0))
    lines = {row["line_id"] for row in gauges().values()}
    assert lines == {machines[0].line.code, machines[2].line.code}
    assert "a line's OEE failed" in caplog.text


def test_a_tick_that_comes_late_does_not_overwrite_a_newer_one():
    machine, loaf = bagger()
    run(machine, loaf, 0, 60)
    processors.oee(at(62))
    processors.oee(at(61))
    assert {row["source_at"] for row in gauges().values()} == {"2026-11-23T10:01:02Z"}


def test_the_number_of_reads_does_not_grow_with_the_plant(django_assert_num_queries):
    for more in (1, 4):
        for _ in range(more):
            run(*bagger(), 0, 2000)
        settle(at(2000))
        plant = list(Line.objects.all())
        with django_assert_num_queries(19):
            assert len(list(updates(plant, at(2000)))) == 2 * len(plant)


@pytest.mark.django_db(transaction=True, databases=["default", "snapshot"])
def test_the_task_says_them():
    equipment()
    assert tasks.oee() == 2

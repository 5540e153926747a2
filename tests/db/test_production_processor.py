"""Each second: what fell silent is lost, and every line's figures are said, one line's trouble apart."""

import json

import msgspec
import pytest

from ms5.events.models import Gauge
from ms5.processes.models import Heartbeat
from production import processors, tasks
from production.actions import lose, observe, silence
from production.models import Site
from production.snapshot import items
from tests.factories import at, equipment, facts_of, fault, line, observation, spans_of

pytestmark = pytest.mark.django_db


def gauges():
    return {row.key: json.loads(row.text) for row in Gauge.objects.all()}


def test_every_line_gets_its_figures_under_its_own_key():
    machines = [equipment(is_constraint=True) for _ in range(2)]
    observe([observation(machine, 0) for machine in machines])
    assert processors.production(at(1)) == 2
    said = gauges()
    assert set(said) == {f"production:{machine.line.code}" for machine in machines}
    for machine in machines:
        gauge = said[f"production:{machine.line.code}"]
        assert gauge["type"] == "production_update"
        assert gauge["line_id"] == machine.line.code
        assert gauge["source_at"] == "2026-11-23T10:00:01Z"
        assert gauge["data"]["state"] == "running"


def test_a_tick_that_comes_late_does_not_overwrite_a_newer_one():
    machine = equipment(is_constraint=True)
    observe([observation(machine, 0)])
    processors.production(at(2))
    processors.production(at(1))
    (gauge,) = gauges().values()
    assert gauge["source_at"] == "2026-11-23T10:00:02Z"


def test_equipment_that_fell_silent_is_lost_before_the_figures_are_said():
    machine = equipment(is_constraint=True, no_data_after_s=3)
    observe([observation(machine, 0), observation(machine, 1)])
    processors.production(at(10))
    assert spans_of(machine) == [("running", 0, 1), ("no_data", 1, None)]
    (gauge,) = gauges().values()
    assert gauge["data"]["state"] == "no_data"


def test_a_line_whose_figures_fail_does_not_stop_the_others(caplog):
    lines = [equipment(is_constraint=True).line for _ in range(3)]
    # As if edited past all forms: a zone that this machine's tz database does not have.
    Site.objects.filter(areas__lines=lines[1]).update(time_zone="Mars/Olympus")
    with pytest.raises(ExceptionGroup, match="not every line was done") as raised:
        processors.production(at(1))
    assert len(raised.value.exceptions) == 1
    assert set(gauges()) == {f"production:{lines[0].code}", f"production:{lines[2].code}"}
    assert [record.line for record in caplog.records] == [lines[1].code]


def test_a_broken_timeline_stops_neither_the_silence_of_others_nor_the_figures():
    broken, well = (equipment(is_constraint=True, no_data_after_s=3) for _ in range(2))
    observe([observation(broken, 0), observation(well, 0)])
    observe([observation(broken, 1), observation(well, 1)])
    # As if edited past all actions: it cannot end where the last reading was.
    broken.spans.update(started_at=at(2))
    with pytest.raises(ExceptionGroup, match="not every line was done"):
        processors.production(at(10))
    assert spans_of(well) == [("running", 0, 1), ("no_data", 1, None)]
    assert spans_of(broken) == [("running", 2, None)]
    assert len(gauges()) == 2


@pytest.mark.django_db(transaction=True, databases=["default", "snapshot"])
def test_the_task_leaves_a_heartbeat():
    equipment(is_constraint=True)
    assert tasks.production() == 1
    beat = Heartbeat.objects.get(name="production")
    assert beat.ok_at is not None
    assert beat.error == ""


def folded(*machines):
    """Fold what was said, as a client does: the newest data of each open subject."""
    board = {}
    for machine in machines:
        for fact in facts_of(machine):
            key = fact["data"].get("id", fact["data"]["equipment_code"])
            board[fact["type"], key] = fact["data"]
            if fact["data"].get("cleared_at"):
                del board[fact["type"], key]
    return board


def snapshot(of):
    return {
        (item.type, getattr(item.data, "id", item.equipment_code)): json.loads(
            msgspec.json.encode(item.data)
        )
        for item in items(of)
    }


def test_a_snapshot_holds_states_in_flow_order_and_then_open_faults():
    packing = line()
    second = equipment(line=packing, position=2)
    first = equipment(line=packing, position=1)
    equipment(line=packing, position=3)  # never had data: nothing to say about it
    observe(
        [
            observation(second, 0, "faulted", faults=(fault("F[1]"), fault("F[2]"))),
            observation(first, 0, "running"),
        ]
    )
    observe([observation(second, 1, "faulted", faults=(fault("F[2]"),))])
    said = [(item.type, item.line_id, item.equipment_code) for item in items(packing)]
    assert said == [
        ("equipment_state", packing.code, first.code),
        ("equipment_state", packing.code, second.code),
        ("equipment_fault", packing.code, second.code),
    ]
    assert items(packing)[2].data.code == "F[2]"


def test_the_facts_folded_are_the_snapshot_after_every_step():
    packing = line()
    one, two = equipment(line=packing), equipment(line=packing)
    film, door = fault("F[1]", "Film broken"), fault("F[2]", "Guard open")
    bad = {"quality": "bad", "reason": "tag Mode does not exist"}
    steps = [
        lambda: observe([observation(one, 0, "running"), observation(two, 0, None)]),
        lambda: observe([observation(one, 1, "running", faults=(door,))]),
        lambda: observe([observation(one, 2, "faulted", faults=(door, film))]),
        lambda: observe([observation(one, 3, "stopped", faults=(film,))]),
        lambda: observe([observation(two, 3, "idle", faults=())]),
        lambda: silence(at(10)),
        lambda: lose([one.pk, two.pk], "PLC does not answer", at(11)),
        lambda: observe([observation(one, 12, None, **bad)]),
        lambda: observe([observation(one, 13, "running", faults=())]),
        lambda: observe([observation(two, 60, "running"), observation(one, 60, "setup")]),
    ]
    for step in steps:
        step()
        assert folded(one, two) == snapshot(packing)

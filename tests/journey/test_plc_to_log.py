"""From the memory of a simulated controller, over its real protocol, to facts in the log."""

import json
import time

import pytest
from django.core.management import call_command
from django.utils import timezone

from ms5.events.models import Event, Gauge
from production.models import Condition, Count, Fault, Span
from production.processors import production
from telemetry import health, snapshot
from telemetry.models import Plc, Sample, Tag
from telemetry.simulator.plant import BakeryPorts, Plant
from tests.controllers import Clock, polling, ticks

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "snapshot"])

BAGGER, LOADER = "BP01.PACK.BAG1", "BP01.PACK.BAG1.BL"
WEIGHER, PACKER = "BP01.PACK.CW1", "BP01.PACK.CP1"


class Demo:
    """The bakery on free ports, its rows, and one worker; time passes when a test says so."""

    def __init__(self, plant, poll):
        self.plant, self.poll = plant, poll

    def run(self, seconds):
        for _ in range(seconds):
            self.plant.tick(1.0)
            ticks(self.poll, 1)


@pytest.fixture
def demo(monkeypatch):
    monkeypatch.setenv("MS5_DEMO_PASSWORD", "only-for-this-test")
    plant = Plant(BakeryPorts(bagger=0, loader=0, checkweigher=0, casepacker=0), seed=7)
    plant.start()
    try:
        call_command("seed_demo", verbosity=0)
        for code, server in plant.servers.items():
            Plc.objects.filter(code=code).update(port=server.port)
        with polling(clock=Clock()) as poll:
            yield Demo(plant, poll)
    finally:
        plant.stop()


def facts(type_, equipment=None):
    rows = Event.objects.filter(type=type_).order_by("stream", "seq")
    found = [json.loads(row.text)["data"] for row in rows]
    return [data for data in found if equipment in {None, data.get("equipment_code")}]


def test_all_four_machines_of_the_bakery_run_and_count(demo):
    demo.run(30)
    running = set(Condition.objects.filter(state="running").values_list("equipment__code"))
    assert (BAGGER,) in running
    assert Condition.objects.count() == 4
    assert Condition.objects.exclude(quality="good").count() == 0
    for code in (BAGGER, LOADER, WEIGHER):
        pieces = [count.quantity for count in Count.objects.filter(equipment__code=code)]
        assert sum(pieces) > 0
    assert {data["plc"]: data["status"] for data in facts("plc_status")} == dict.fromkeys(
        ("bagger", "loader", "checkweigher", "casepacker"), "connected"
    )
    assert health.links(timezone.now()) == {}
    assert sum(server.stats.writes for server in demo.plant.servers.values()) == 0
    assert {server.stats.connections for server in demo.plant.servers.values()} == {1}


def test_the_pieces_counted_are_those_the_controller_counted(demo):
    demo.run(1)
    before = demo.plant.get("bagger", "Count_Blade_PEC.ACC")
    demo.run(30)
    after = demo.plant.get("bagger", "Count_Blade_PEC.ACC")
    counted = Count.objects.filter(equipment__code=BAGGER, kind="total")
    assert sum(count.quantity for count in counted) == after - before > 0


def test_a_jam_is_a_fault_with_its_reason_and_ends_when_it_is_cleared(demo):
    demo.run(5)
    demo.plant.hold("bagger")
    demo.run(3)
    condition = Condition.objects.get(equipment__code=BAGGER)
    fault = Fault.objects.open().get(equipment__code=BAGGER, first_out=True)
    assert (condition.state, condition.reason) == ("faulted", fault.text)
    said = facts("equipment_fault", BAGGER)
    assert [(data["code"], data["cleared_at"]) for data in said] == [(fault.code, None)]
    demo.plant.release("bagger")
    demo.run(120)
    assert not Fault.objects.open().filter(pk=fault.pk).exists()
    assert "running" in {data["state"] for data in facts("equipment_state", BAGGER)[2:]}


def test_a_controller_that_drops_off_and_returns_leaves_a_gap_and_no_invented_pieces(demo):
    demo.run(5)
    server = demo.plant.servers["checkweigher"]
    server.stop()
    demo.run(4)
    assert Condition.objects.get(equipment__code=WEIGHER).state == "no_data"
    assert list(health.links(timezone.now())) == ["checkweigher"]
    (other,) = Condition.objects.filter(equipment__code=PACKER)
    assert other.quality == "good"
    server.start()
    demo.run(8)
    states = [data["state"] for data in facts("equipment_state", WEIGHER)]
    assert states[:2] == ["running", "no_data"]
    assert len(states) >= 3
    spans = list(Span.objects.filter(equipment__code=WEIGHER).order_by("started_at"))
    assert [span.ended_at for span in spans[:-1]] == [span.started_at for span in spans[1:]]
    statuses = [data["status"] for data in facts("plc_status") if data["plc"] == "checkweigher"]
    assert statuses == ["connected", "lost", "connected"]


def test_a_board_that_folds_the_facts_holds_what_a_fresh_one_is_given(demo):
    import msgspec

    from production.models import Line

    demo.run(5)
    demo.plant.servers["loader"].stop()
    demo.run(4)
    for line in Line.objects.all():
        fresh = {item.data.plc: msgspec.to_builtins(item.data) for item in snapshot.items(line)}
        rows = Event.objects.filter(type="plc_status", line_id=line.code).order_by("seq")
        folded = {}
        for row in rows:
            data = json.loads(row.text)["data"]
            folded[data["plc"]] = data
        assert {
            key: json.loads(msgspec.json.encode(data)) for key, data in fresh.items()
        } == folded


def test_the_figures_of_a_line_follow(demo):
    demo.run(20)
    now = timezone.now()
    assert production(now) >= 2
    gauge = Gauge.objects.get(key="production:L-BAG1")
    data = json.loads(gauge.text)["data"]
    assert data["constraint"] == BAGGER
    assert data["state"] == Condition.objects.get(equipment__code=BAGGER).state
    assert snapshot.freshness(now)["L-BAG1"].plc == "connected"


def test_every_tag_of_the_demo_is_read_well(demo):
    demo.run(3)
    assert set(Sample.objects.values_list("quality", flat=True)) == {"good"}
    assert Sample.objects.values("tag").distinct().count() == Tag.objects.count()


def test_a_value_is_a_fact_in_the_log_well_within_a_second(demo):
    demo.run(2)
    demo.plant.pin("loader", "BL_Running", value=0)
    begun = time.monotonic()
    demo.poll.links.clock.now += 1
    demo.poll.tick()
    assert time.monotonic() - begun < 0.8
    assert facts("equipment_state", LOADER)[-1]["state"] != "running"

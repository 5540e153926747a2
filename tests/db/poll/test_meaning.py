"""What follows of a changed program and of an unknown state, and what is said of tags while they are read."""

import json
import time

import pytest

from ms5.accounts.models import AuditEntry
from ms5.events.models import Gauge
from production.actions import observe
from production.models import Condition, Count, Counter
from production.observation import CounterReading
from production.refusals import ActionRefused
from telemetry import health, quarantine
from telemetry.models import ConfigurationWarning, StateRule, Tag, TagLatest
from telemetry.telling import EVERY_S
from tests.controllers import modbus, plc, tag, ticks
from tests.db.poll.said import facts, states
from tests.factories import equipment, good_count, observation
from tests.floor import T0
from tests.web.plant import person

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def device():
    places = [("state", "holding", 1, "uint16"), ("count", "holding", 2, "uint16")]
    with modbus(places, {"state": 6, "count": 100}) as server:
        yield server


def total_count(value):
    return CounterReading(kind="total", value=value)


def packer(server, of, **fields):
    row = plc(server, timeout_s=5)
    word = {"numbering": "packml_tr88"} | fields
    tag(row, "state", address="holding:1", data_type="uint16", of=of, role="state_word", **word)
    return row


def test_an_unknown_state_is_no_data_and_a_person_is_told_once(poll, device, bagger):
    row = packer(device, bagger)
    ticks(poll, 1)
    assert Condition.objects.get().state == "running"
    device.set("state", 42)
    ticks(poll, 3)
    told = "state shows 42, which its numbering does not name."
    assert (Condition.objects.get().state, Condition.objects.get().reason) == ("no_data", told)
    warning = ConfigurationWarning.objects.get()
    assert (warning.plc, warning.kind, warning.text) == (row, "unknown_state", told)
    assert told in health.configuration()["plc1"]
    engineer = person("engineer", "engineer", all_lines=True)
    quarantine.settle(warning, actor=engineer, at=T0)
    assert health.configuration() == {}
    assert AuditEntry.objects.get().action == "configurationwarning.settle"


def test_nothing_of_a_changed_program_counts_until_a_person_accepts_it(poll, server, bagger):
    row = plc(server, timeout_s=5)
    tag(row, "Running", of=bagger, role="running")
    tag(row, "Good", data_type="int32", of=bagger, role="good_count")
    ticks(poll, 2)
    assert Condition.objects.get().state == "running"
    counted = Counter.objects.get().value
    server.download()
    server.set("Good", 5000)
    ticks(poll, 4)
    assert (Condition.objects.get().state, states()) == ("no_data", ["running", "no_data"])
    assert set(TagLatest.objects.values_list("quality", flat=True)) == {"bad"}
    assert Counter.objects.get().value == counted
    told = ConfigurationWarning.objects.get().text
    assert told == "The program in Plc1 has changed; its tags may mean something else now."
    assert facts("plc_status")[-1][1]["error"] == told
    assert told in health.configuration()["plc1"]
    engineer = person("engineer", "engineer", all_lines=True)
    quarantine.accept(row, actor=engineer, at=T0)
    ticks(poll, 4)
    assert Condition.objects.get().state == "running"
    assert facts("plc_status")[-1][1]["error"] is None
    assert [deed.action for deed in AuditEntry.objects.all()] == ["plc.accept_program"]
    with pytest.raises(ActionRefused, match="accepted already"):
        quarantine.accept(row, actor=engineer, at=T0)


@pytest.mark.parametrize("fastest", [None, 200.0])
def test_what_another_program_counted_is_no_production(poll, server, bagger, fastest):
    row = plc(server, timeout_s=5)
    tag(row, "Running", of=bagger, role="running")
    tag(row, "Good", data_type="int32", of=bagger, role="good_count", max_per_minute=fastest)
    ticks(poll, 2)
    server.download()
    # A difference that even a counter of known speed may have made.
    server.set("Good", 1005 if fastest else 5000)
    ticks(poll, 4)
    engineer = person("engineer", "engineer", all_lines=True)
    quarantine.accept(row, actor=engineer, at=T0)
    ticks(poll, 4)
    server.set("Good", server.get("Good") + 2)
    ticks(poll, 1)
    assert list(Count.objects.order_by("pk").values_list("quantity", "decision")) == [
        (0, "baseline"),
        (0, "baseline"),
        (2, "counted"),
    ]
    assert AuditEntry.objects.get().after["counters"] == 1


def test_counters_that_are_guests_from_an_accepted_program_begin_anew_and_others_do_not(
    poll, server, bagger, device
):
    home, row = packer(device, bagger), plc(server, timeout_s=5)
    beside = equipment(code="BAG2", line=bagger.line)
    tag(row, "Good", data_type="int32", of=bagger, role="good_count")
    tag(home, "count", address="holding:2", data_type="uint16", of=bagger, role="reject_count")
    # Read by nobody now: it begins with a baseline whenever it is enabled again.
    tag(row, "Off", data_type="int32", of=beside, role="good_count", enabled=False)
    # Another controller counts these by now.
    tag(row, "Old", data_type="int32", of=beside, role="total_count", enabled=False)
    tag(home, "total", address="holding:2", data_type="uint16", of=beside, role="total_count")
    observe([observation(beside, counters=(good_count(5), total_count(5)))])
    ticks(poll, 3)
    server.download()
    server.set("Good", 5000)
    ticks(poll, 4)
    engineer = person("engineer", "engineer", all_lines=True)
    quarantine.accept(row, actor=engineer, at=T0)
    anew = Counter.objects.filter(begins_anew=True).values_list("equipment__code", "kind")
    assert set(anew) == {("BAG1", "good")}
    assert set(Counter.objects.values_list("equipment__code", "kind")) == {
        *(("BAG1", kind) for kind in ("good", "reject")),
        ("BAG2", "total"),
    }
    device.set("count", 103)
    ticks(poll, 4)
    counts = Count.objects.filter(equipment=bagger).order_by("pk")
    assert list(counts.filter(kind="good").values_list("quantity", "decision")) == [
        (0, "baseline"),
        (0, "baseline"),
    ]
    assert sum(counts.filter(kind="reject").values_list("quantity", flat=True)) == 3


def test_another_type_is_another_program_where_no_mark_tells_of_one(poll, server, bagger):
    server.controller.counts_changes = False
    row = plc(server, timeout_s=5)
    tag(row, "Running", of=bagger, role="running")
    tag(row, "Good", data_type="int32", of=bagger, role="good_count")
    tag(row, "Wrong", address="Speed", data_type="int32")
    ticks(poll, 3)
    # One that was never good is a mistake of whoever configured it.
    assert not ConfigurationWarning.objects.exists()
    server.stop()
    ticks(poll, 1)
    server.start()
    server.memory.define("Good", "REAL")
    ticks(poll, 3, seconds=60.0)
    assert Condition.objects.get().state == "no_data"
    assert set(TagLatest.objects.values_list("quality", flat=True)) == {"bad"}
    told = "Good in Plc1 has another type than before; its tags may mean something else now."
    assert ConfigurationWarning.objects.get().text == told
    server.memory.define("Good", "DINT")
    server.set("Good", 7)
    Tag.objects.filter(name="Wrong").delete()
    quarantine.accept(row, actor=person("engineer", "engineer", all_lines=True), at=T0)
    ticks(poll, 4)
    assert Condition.objects.get().state == "running"


def test_a_tag_that_was_given_another_type_by_a_person_is_no_other_program(
    poll, server, bagger
):
    server.controller.counts_changes = False
    row = plc(server, timeout_s=5)
    good = tag(row, "Good", data_type="int32", of=bagger, role="good_count")
    ticks(poll, 2)
    good.data_type = "float32"
    good.save()
    ticks(poll, 3)
    assert TagLatest.objects.get().quality == "bad"
    assert not ConfigurationWarning.objects.exists()


def test_a_program_whose_tags_cannot_be_read_is_not_accepted(poll, server, bagger):
    row = plc(server, timeout_s=5)
    tag(row, "Running", of=bagger, role="running")
    ticks(poll, 2)
    quarantine.begin(row.pk, [bagger.pk], "changed.", T0)
    tag(row, "Speed", data_type="int32")
    viewer = person("viewer", "viewer", all_lines=True)
    with pytest.raises(ActionRefused, match="not yours"):
        quarantine.accept(row, actor=viewer, at=T0)
    engineer = person("engineer", "engineer", all_lines=True)
    with pytest.raises(ActionRefused, match="Speed cannot be read as configured"):
        quarantine.accept(row, actor=engineer, at=T0)
    server.stop()
    with pytest.raises(ActionRefused, match="did not answer"):
        quarantine.accept(row, actor=engineer, at=T0)


def test_an_equipment_without_a_state_word_runs_while_it_counts(poll, device, bagger):
    row = plc(device, timeout_s=5)
    tag(row, "count", address="holding:2", data_type="uint16", of=bagger, role="good_count")
    said = {"equipment": bagger, "cycles": 2, "cycle_s": 600}
    StateRule.objects.create(position=1, when="count_movement", state="running", **said)
    StateRule.objects.create(equipment=bagger, position=2, when="otherwise", state="stopped")
    ticks(poll, 2)
    assert states() == ["no_data"]
    device.set("count", 101)
    ticks(poll, 1)
    assert states() == ["no_data", "running"]


def test_a_counter_that_is_read_more_rarely_than_its_controller_is_seen_to_move(
    poll, device, bagger, monkeypatch
):
    monkeypatch.setattr("telemetry.poll.LEAST_GAP_S", 0.0)
    row = plc(device, timeout_s=5, poll_period_s=0.2)
    fields = {"of": bagger, "role": "good_count", "period_s": 10}
    tag(row, "count", address="holding:2", data_type="uint16", **fields)
    tag(row, "other", address="holding:1", data_type="uint16")
    said = {"equipment": bagger, "cycles": 2, "cycle_s": 600}
    StateRule.objects.create(position=1, when="count_movement", state="running", **said)
    StateRule.objects.create(equipment=bagger, position=2, when="otherwise", state="stopped")
    ticks(poll, 1, seconds=10.0)
    # The readings bear the time of this machine: longer than three periods of the controller.
    time.sleep(0.7)
    device.set("count", 101)
    ticks(poll, 1, seconds=10.0)
    assert states() == ["no_data", "running"]


def test_a_counter_that_is_read_rarely_counts_what_its_speed_allows(poll, device, bagger):
    """At 100 a minute ten seconds make sixteen pieces, of which a poll of one second sees none too many."""
    row = packer(device, bagger)
    fields = {"of": bagger, "role": "good_count", "period_s": 10, "max_per_minute": 6000.0}
    tag(row, "count", address="holding:2", data_type="uint16", **fields)
    for value in (100, 120, 140):
        device.set("count", value)
        # Each of its readings is followed by nine polls of the others, here in real time a third of a second.
        ticks(poll, 9)
        time.sleep(0.3)
        ticks(poll, 1)
    made = Count.objects.filter(quantity__gt=0).values_list("quantity", "decision", "measured")
    assert list(made) == [(20, "counted", True), (20, "counted", True)]


def test_a_counter_whose_address_was_edited_begins_anew(poll, device, bagger):
    row = packer(device, bagger)
    count = tag(
        row, "count", address="holding:2", data_type="uint16", of=bagger, role="good_count"
    )
    ticks(poll, 2)
    device.set("count", 105)
    ticks(poll, 1)
    count.address = "holding:1"
    count.save()
    poll.links.clock.now += 2
    ticks(poll, 2)
    decisions = Count.objects.order_by("pk").values_list("quantity", "decision")
    assert list(decisions) == [(0, "baseline"), (5, "counted"), (0, "baseline")]


def test_what_tags_read_is_a_gauge_of_their_equipment_and_not_at_every_poll(
    poll, device, bagger
):
    row = packer(device, bagger)
    tag(row, "count", address="holding:2", data_type="uint16", of=bagger)
    for value in range(101, 108):
        device.set("count", value)
        ticks(poll, 1, seconds=1.0)
    gauge = Gauge.objects.get(type="telemetry_update")
    assert (gauge.key, gauge.equipment_code) == ("telemetry:BAG1:plc1", "BAG1")
    data = json.loads(gauge.text)["data"]
    assert [(each["tag"], each["value"]) for each in data["readings"]] == [
        ("state", 6),
        ("count", 107),
    ]
    assert EVERY_S == 2.0
    assert gauge.ver < 7

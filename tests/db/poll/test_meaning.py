"""What follows of a changed program and of an unknown state, and what is said of tags while they are read."""

import json

import pytest

from ms5.accounts.models import AuditEntry
from ms5.events.models import Gauge
from production.models import Condition, Counter
from production.refusals import ActionRefused
from telemetry import health, quarantine
from telemetry.models import ConfigurationWarning, StateRule, TagLatest
from telemetry.telling import EVERY_S
from tests.controllers import modbus, plc, tag, ticks
from tests.db.poll.said import facts, states
from tests.floor import T0
from tests.web.plant import person

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def device():
    places = [("state", "holding", 1, "uint16"), ("count", "holding", 2, "uint16")]
    with modbus(places, {"state": 6, "count": 100}) as server:
        yield server


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

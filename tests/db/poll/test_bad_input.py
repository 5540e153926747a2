"""What cannot be read says so in a sentence, and everything else goes on."""

import logging

import pytest
from django.utils import timezone

from production.models import Condition, Count, Fault, Span
from telemetry import health
from telemetry.models import PlcLink, TagLatest
from tests import factories
from tests.controllers import (
    bit,
    modbus,
    plc,
    tag,
    ticks,
)
from tests.db.poll.said import states, statuses

pytestmark = pytest.mark.django_db(transaction=True)


class TestBadInput:
    def test_a_plc_that_is_off_from_the_start_is_lost_and_the_others_are_polled(
        self, poll, wired
    ):
        off = plc(port=1, name="Oven")
        tag(off, "Speed", data_type="float32")
        # The pauses of about 1 and 2 seconds lie between its three polls.
        assert ticks(poll, 5) == [1, 1, 1, 1, 1]
        assert statuses() == [("L-1", "connected"), (None, "lost")]
        link = PlcLink.objects.get(plc=off)
        assert link.error == "127.0.0.1:1 refused the connection."
        assert link.last_ok_at is None

    def test_a_host_that_nobody_knows_is_said_in_a_sentence(self, poll):
        row = plc(port=44818, host="no-such-host.invalid")
        tag(row, "Speed", data_type="float32")
        ticks(poll, 5)
        error = PlcLink.objects.get(plc=row).error
        assert error == "no-such-host.invalid:44818 has a name that cannot be resolved."

    def test_a_tag_that_does_not_exist_or_is_of_another_type_is_bad_and_the_others_good(
        self, poll, wired, caplog
    ):
        tag(wired, "Missing", address="No_Such_Tag", data_type="int32")
        tag(wired, "Mistyped", address="Speed", data_type="int32")
        tag(wired, "Malformed", address="not a tag", data_type="int32")
        with caplog.at_level(logging.INFO):
            ticks(poll, 4)
        rows = {row.tag.name: row for row in TagLatest.objects.select_related("tag")}
        bad = {name: row.error for name, row in rows.items() if row.quality == "bad"}
        assert bad == {
            "Missing": "No_Such_Tag was not read: no such tag in the PLC.",
            "Mistyped": "Speed is REAL in the PLC, the tag says int32.",
            "Malformed": "'not a tag' is not the name of a Logix tag.",
        }
        assert {rows[name].value for name in bad} == {None}
        assert (rows["Speed"].quality, rows["Speed"].value) == ("good", 80)
        assert states() == ["running"]
        said = [record.tag for record in caplog.records if record.message == "tag bad"]
        assert sorted(said) == ["Malformed", "Missing", "Mistyped"]

    def test_a_tag_that_decides_the_state_and_cannot_be_read_leaves_the_equipment_unknown(
        self, poll, server, bagger
    ):
        row = plc(server)
        tag(row, "Running", address="No_Such_Tag", of=bagger, role="running")
        tag(row, "Good", data_type="int32", of=bagger, role="good_count")
        ticks(poll, 3)
        condition = Condition.objects.get(equipment=bagger)
        assert (condition.state, condition.quality) == ("no_data", "bad")
        assert condition.trouble == "No_Such_Tag was not read: no such tag in the PLC."
        assert (Count.objects.count(), Span.objects.count()) == (0, 0)
        assert statuses() == [("L-1", "connected")]

    def test_a_wrong_modbus_address_is_bad_and_its_neighbours_good(self, poll):
        with modbus([("Speed", "holding", 0, "uint16")], {"Speed": 7}) as device:
            row = plc(device)
            tag(row, "Speed", address="holding:0", data_type="uint16")
            tag(row, "Beyond", address="holding:9", data_type="uint16")
            ticks(poll, 2)
        rows = {row.tag.name: row for row in TagLatest.objects.select_related("tag")}
        assert (rows["Speed"].value, rows["Speed"].quality) == (7, "good")
        assert rows["Beyond"].error == "holding:9: illegal data address."

    def test_a_state_map_that_means_nothing_is_said_and_nothing_is_invented(self, poll, bagger):
        with modbus([("State", "holding", 0, "uint16")], {"State": 1}) as device:
            row = plc(device)
            tag(row, "State", address="holding:0", data_type="uint16", of=bagger,
                role="state_word", state_map={"one": "running"})  # fmt: skip
            ticks(poll, 1)
        assert Condition.objects.get().state == "no_data"
        assert "which its state map does not name" in Condition.objects.get().reason

    def test_a_number_that_no_product_can_have_leaves_the_line_as_it_is(self, poll, bagger):
        places = [("run", "holding", 1, "uint16"), ("product", "holding", 10, "uint64")]
        with modbus(places, {"run": 1, "product": 2**64 - 1}) as device:
            row = plc(device, timeout_s=5)
            word = {"data_type": "uint16", "role": "running"}
            tag(row, "run", address="holding:1", of=bagger, **word)
            tag(row, "product", address="holding:10", of=bagger, data_type="uint64",
                role="product")  # fmt: skip
            beside = factories.equipment(code="NEXT", line=bagger.line)
            tag(row, "run beside", address="holding:1", of=beside, **word)
            assert ticks(poll, 2) == [1, 1]
            device.set("product", 2**31)
            assert ticks(poll, 2) == [1, 1]
        assert states() == ["running", "running"]
        assert Condition.objects.get(equipment=bagger).product_number is None

    def test_a_fault_of_a_tag_with_a_long_name_is_raised(self, poll, server, bagger):
        row = plc(server)
        tag(row, "Running", of=bagger, role="running")
        name = "Fault".ljust(100, "x")
        word = tag(row, name, address="Fault", length=64, of=bagger, role="message_bits")
        for number in (30, 31):
            bit(word, number, "Broken")
            server.set(f"Fault[{number}]", True)
        server.set("Running", False)
        assert ticks(poll, 2) == [1, 1]
        assert states() == ["faulted"]
        assert [len(fault.code) for fault in Fault.objects.open()] == [100, 100]

    def test_a_tag_that_becomes_bad_is_said_although_another_was_read_long_ago(
        self, poll, server, bagger
    ):
        row = plc(server)
        tag(row, "Running", of=bagger, role="running")
        tag(row, "Product", data_type="int16", of=bagger, role="product", period_s=60)
        ticks(poll, 2)
        server.controller.tag_errors["Running"] = 0x05
        ticks(poll, 2)
        condition = Condition.objects.get()
        assert (condition.quality, bool(condition.trouble)) == ("bad", True)

    def test_a_plc_without_tags_is_not_polled_and_health_says_so(self, poll, server):
        plc(server)
        ticks(poll, 2)
        assert server.stats.connections == 0
        assert health.links(timezone.now()) == {"plc1": "has no tags to be read"}

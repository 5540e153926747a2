"""PLCs and tags as a person enters them, and what health says of them."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from telemetry import health
from telemetry.models import Plc, PlcLink, Tag
from tests.controllers import plc, tag
from tests.factories import T0, equipment

pytestmark = pytest.mark.django_db


def errors(row):
    with pytest.raises(ValidationError) as refused:
        row.full_clean()
    return {field: messages[0] for field, messages in refused.value.message_dict.items()}


@pytest.mark.parametrize(
    "host", ["10.1.2.3", "plc7", "plc-7.packing_1.example", "fd00::1", "::1"]
)
def test_a_host_is_a_name_or_an_address(host):
    plc(port=1, host=host).full_clean()


@pytest.mark.parametrize("host", ["a..b", "http://plc", "plc 7", "-plc", "plc/1", "plc:1/", ""])
def test_what_is_no_host_is_refused(host):
    assert list(errors(plc(port=1, host=host))) == ["host"]


def test_a_port_a_period_and_a_timeout_have_bounds():
    row = plc()
    row.port, row.poll_period_s, row.timeout_s = 70000, 0.1, 60
    assert list(errors(row)) == ["port", "poll_period_s", "timeout_s"]


def test_a_tag_with_every_mistake_is_told_each_of_them():
    row = tag(plc(port=1), "State", address="40001", data_type="float32", of=equipment(),
              role="state_word", state_map={"1": "sleeping"})  # fmt: skip
    assert sorted(errors(row)) == ["address", "role", "state_map"]


def test_a_type_that_does_not_exist_is_one_mistake_and_no_crash():
    row = tag(plc(port=1), "Speed", data_type="real")
    assert errors(row) == {"data_type": "Value 'real' is not a valid choice."}


def test_a_role_of_an_equipment_is_played_by_one_enabled_tag():
    machine, row = equipment(), plc(port=1)
    tag(row, "One", data_type="float32", of=machine, role="speed", enabled=False)
    tag(row, "Two", data_type="float32", of=machine, role="speed")
    with pytest.raises(IntegrityError), transaction.atomic():
        tag(row, "Three", data_type="float32", of=machine, role="speed")
    tag(row, "Bits", length=8, of=machine, role="message_bits")
    tag(row, "More", length=8, of=machine, role="message_bits")


@pytest.mark.parametrize("protocol", ["logix", "slc"])
def test_a_path_that_is_no_route_is_refused(protocol):
    row = Plc(code="new", name="New", protocol=protocol, host="plc", port=1, path="slot two")
    assert errors(row)["path"].startswith("'slot two' in 'slot two' is no slot")
    row.path = "bp/2"
    row.full_clean()


def test_a_path_of_a_device_that_has_none_is_not_looked_at():
    Plc(
        code="new", name="New", protocol="modbus_tcp", host="plc", port=502, path="x"
    ).full_clean()


def test_plcs_of_one_equipment_share_a_shard():
    machine = equipment()
    first, second = plc(port=1, name="Bagger"), plc(port=2, shard=1)
    tag(first, "Speed", data_type="float32", of=machine, role="speed")
    row = Tag(plc=second, name="Good", address="Good", data_type="int32",
              equipment=machine, role="good_count")  # fmt: skip
    sentence = "Bagger reads the same equipment in shard 0; one task must read them both."
    assert errors(row) == {"equipment": sentence}
    second.shard = 0
    second.save()
    row.full_clean()
    row.save()
    second.shard = 1
    together = "An action in the list of controllers moves them together."
    assert errors(second) == {"shard": f"{sentence} {together}"}
    Plc(code="new", name="New", protocol="logix", host="plc", port=1, shard=5).full_clean()


class TestHealth:
    def row(self, **link):
        row = plc(port=1)
        tag(row, "Speed", data_type="float32")
        if link:
            PlcLink.objects.create(plc=row, **link)
        return row

    def test_one_that_has_just_been_read_is_well(self):
        self.row(status="connected", since=T0, last_ok_at=T0)
        assert health.links(T0 + timedelta(seconds=3)) == {}

    def test_one_that_nobody_polls_is_told(self):
        self.row(status="connected", since=T0, last_ok_at=T0)
        assert health.links(T0 + timedelta(seconds=60)) == {"plc1": "was last read 60 s ago"}

    def test_one_that_has_never_been_polled_is_told(self):
        self.row()
        assert health.links(T0) == {"plc1": "has not been polled yet"}

    def test_one_that_fails_is_told_with_its_error(self):
        self.row(status="connected", last_ok_at=T0, failures=1, error="It refused.")
        assert health.links(T0) == {"plc1": "failing for 1 polls: It refused."}

    def test_a_disabled_one_is_not_expected_to_answer(self):
        self.row()
        Plc.objects.update(enabled=False)
        assert health.links(T0) == {}


def line_of(code, **fields):
    given = {"protocol": "modbus_rtu", "host": "/dev/ttyUSB0", "port": 1, "name": code} | fields
    return Plc(code=code, **given)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"host": "10.1.2.3"}, "A serial line is a device"),
        ({"protocol": "modbus_tcp"}, "Only Modbus RTU is spoken on a serial line"),
        ({"serial": "fast"}, "write it like 19200 8E1"),
        ({"shard": 1}, "one on the same line in shard 0|One is on the same line in shard 0"),
        ({"serial": "9600 8N1"}, "on the same line has the default"),
    ],
)
def test_devices_of_one_line_agree_about_it(fields, sentence):
    line_of("one", name="One").save()
    with pytest.raises(ValidationError, match=sentence):
        line_of("two", **fields).full_clean()
    line_of("three").full_clean()

"""Controllers that one task must read together are moved together."""

import pytest

from ms5.accounts.models import AuditEntry
from telemetry.models import Plc
from telemetry.sharding import bound
from tests.controllers import tag
from tests.factories import equipment, line
from tests.web import plant
from tests.web.forms import url

pytestmark = pytest.mark.django_db


def controller(code, **fields):
    fields = {"protocol": "modbus_tcp", "host": "127.0.0.1", "port": 502} | fields
    return Plc.objects.create(code=code, name=code, **fields)


@pytest.fixture
def sealer():
    return equipment(code="SEAL")


@pytest.fixture
def group(sealer):
    """Two that tell of one machine, and one on the serial line of the second."""
    scale, motor = (
        controller(code, protocol="modbus_rtu", host="/dev/ttyUSB0")
        for code in ("scale", "motor")
    )
    packer = controller("packer", protocol="logix", port=44818)
    tag(packer, "Running", of=sealer, role="running")
    tag(
        scale,
        "rejected",
        address="holding:1",
        data_type="uint16",
        of=sealer,
        role="reject_count",
    )
    return [motor, packer, scale]


@pytest.fixture
def alone():
    """One that only stores something of the same machine plays no role for it."""
    return controller("alone", port=5020)


def move(client, shard, *plcs):
    chosen = {
        "action": f"move_to_shard_{shard}",
        "_selected_action": [plc.pk for plc in plcs],
    }
    page = client.post(url(Plc, "changelist"), chosen, follow=True)
    return [str(message) for message in page.context["messages"]]


def shards():
    return dict(Plc.objects.values_list("code", "shard"))


def test_all_that_are_bound_together_are_found_from_any_of_them(group, alone, sealer):
    tag(alone, "Torque", address="holding:9", data_type="uint16", of=sealer)
    for one in group:
        assert bound(Plc.objects.filter(pk=one.pk)) == group
    assert bound(Plc.objects.filter(pk=alone.pk)) == [alone]
    assert bound(Plc.objects.none()) == []


def test_they_move_together_and_the_audit_tells_of_each(root, settings, group, alone):
    settings.POLL_SHARDS = 2
    stamps = dict(Plc.objects.values_list("code", "stamp"))
    assert move(root, 1, group[0]) == ["Moved to shard 1: motor, packer, scale."]
    assert {code for code, shard in shards().items() if shard} == {"motor", "packer", "scale"}
    # The polling is told.
    now = dict(Plc.objects.values_list("code", "stamp"))
    assert {code for code in now if now[code] != stamps[code]} == {"motor", "packer", "scale"}
    told = AuditEntry.objects.filter(action="plc.move").order_by("subject_name")
    assert [(row.subject_name, row.before, row.after) for row in told] == [
        (code, {"shard": 0}, {"shard": 1}) for code in ("motor", "packer", "scale")
    ]
    assert move(root, 1, group[2]) == ["Moved to shard 1: none, they are there already."]
    for plc in group:
        Plc.objects.get(pk=plc.pk).full_clean()


def test_with_one_task_there_is_nothing_to_move_to(root, group):
    page = root.get(url(Plc, "changelist"))
    assert b"move_to_shard" not in page.content


def test_who_may_not_change_one_of_them_moves_none(client, settings, group, sealer):
    settings.POLL_SHARDS = 2
    own = equipment(line=line(code="L-OWN"))
    mine = controller("mine", port=5021)
    tag(mine, "Running", address="coil:1", of=own, role="running")
    tag(group[1], "Beside", of=own, role="starved")
    engineer = plant.person("limited", "engineer", is_staff=True)
    engineer.line_access.create(line=own.line)
    client.force_login(engineer)
    (told,) = move(client, 1, mine)
    assert "would move too, and serves lines that are not yours" in told
    assert set(shards().values()) == {0}

"""Files of tags into a controller: what is shown is what is done, once, by who may, and nothing is lost."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from ms5.accounts.models import AuditEntry
from production.refusals import ActionRefused, NotAllowed
from telemetry import importing
from telemetry.models import MessageBit, Plc, Tag, TagImport
from tests.floor import T0, later
from tests.web import plant

EXPORTS = Path(__file__).parent.parent / "exports"
STUDIO = EXPORTS / "studio5000.csv"

pytestmark = pytest.mark.django_db


@pytest.fixture
def here():
    return plant.equip(plant.line("L-HERE"))


@pytest.fixture
def engineer(here):
    return plant.person("engineer", "engineer", all_lines=True)


@pytest.fixture
def wrapper():
    return Plc.objects.create(
        code="wrapper", name="Wrapper", protocol="logix", host="127.0.0.1"
    )


def bring(file, plc, engineer, equipment=None, roles=None, **said):
    data = file if isinstance(file, bytes) else file.read_bytes()
    imported = importing.upload(
        plc, data, name="file.csv", equipment=equipment, actor=engineer, at=T0
    )
    seen = importing.preview(data, plc, equipment)
    said = {"everything": False, "retire": False} | said
    roles = seen.roles if roles is None else roles
    importing.apply(imported, roles=roles, seen=seen.digest, actor=engineer, at=T0, **said)
    return importing.preview(data, plc, equipment).counts


def played(plc):
    return {tag.name: tag.role for tag in plc.tags.filter(enabled=True)}


def test_a_file_becomes_tags_with_roles_and_message_bits_and_the_rest_waits(
    here, engineer, wrapper
):
    counts = bring(STUDIO, wrapper, engineer, here.equipment)
    assert played(wrapper) == {
        "MachineRunning": "running",
        "LineSpeed": "speed",
        "GoodPacks": "good_count",
        "BladeCount.ACC": "total_count",
        "RejectPacks": "reject_count",
        "ProductNumber": "product",
        "Messages": "message_bits",
        "AlarmWord": "message_bits",
    }
    assert (wrapper.tags.count(), MessageBit.objects.filter(tag__plc=wrapper).count()) == (
        19,
        4,
    )
    # The same file again changes nothing.
    assert (counts["new"], counts["changed"], counts["vanished"]) == (0, 0, 0)
    assert counts["unchanged"] == 23
    deed = AuditEntry.objects.get(action="plc.import")
    assert (deed.actor, deed.line_id) == (engineer, "L-HERE")
    assert deed.after["counts"]["refused"] == 12


def test_applying_twice_is_applying_once(here, engineer, wrapper):
    data = STUDIO.read_bytes()
    imported = importing.upload(wrapper, data, name="a", equipment=None, actor=engineer, at=T0)
    seen = importing.preview(data, wrapper, None)
    said = {"roles": {}, "everything": True, "retire": False, "seen": seen.digest}
    for at in (T0, later(9)):
        done = importing.apply(imported, **said, actor=engineer, at=at)
        assert (done.applied_at, bytes(done.content)) == (T0, b"")
    assert AuditEntry.objects.filter(action="plc.import").count() == 1
    assert wrapper.tags.filter(enabled=True).count() == 19


def test_what_was_edited_since_it_was_shown_is_shown_again(here, engineer, wrapper):
    data = STUDIO.read_bytes()
    imported = importing.upload(wrapper, data, name="a", equipment=None, actor=engineer, at=T0)
    seen = importing.preview(data, wrapper, None)
    Tag.objects.create(plc=wrapper, name="LineSpeed", address="LineSpeed", data_type="int32")
    with pytest.raises(ActionRefused, match="edited meanwhile"):
        importing.apply(
            imported,
            roles={},
            everything=False,
            retire=False,
            seen=seen.digest,
            actor=engineer,
            at=T0,
        )
    assert wrapper.tags.count() == 1


def test_a_file_changes_what_it_tells_and_leaves_what_people_said(here, engineer, wrapper):
    bring(STUDIO, wrapper, engineer, here.equipment)
    speed = wrapper.tags.get(name="LineSpeed")
    speed.scale, speed.deadband = 2, 0.5
    speed.save()
    bit = MessageBit.objects.get(tag__name="Messages", bit=31)
    bit.kind, bit.reason_code = "prompt", "JAM"
    bit.save()
    edited = STUDIO.read_bytes().replace(
        b'"REAL","","(RADIX := Float, ExternalAccess := Read Only)"', b'"DINT","",""'
    )
    edited = edited.replace(b"Film jam at$Nthe folder", b"Film jam")
    counts = bring(edited, wrapper, engineer, here.equipment, roles={})
    speed.refresh_from_db()
    bit.refresh_from_db()
    assert (speed.data_type, speed.role, speed.scale, speed.deadband) == (
        "int32",
        "speed",
        2,
        0.5,
    )
    assert (bit.text, bit.kind, bit.reason_code) == ("Film jam", "prompt", "JAM")
    assert counts["changed"] == 0


@pytest.mark.parametrize("retire", [True, False])
def test_what_vanished_is_told_and_at_most_disabled(here, engineer, wrapper, retire):
    bring(STUDIO, wrapper, engineer, here.equipment)
    mine = Tag.objects.create(plc=wrapper, name="Mine", address="Mine", data_type="int32")
    kept = b"\r\n".join(
        line for line in STUDIO.read_bytes().split(b"\r\n") if b"GoodPacks" not in line
    )
    seen = importing.preview(kept, wrapper, here.equipment)
    gone = [change.name for change in seen.changes if change.what == "vanished"]
    assert gone == ["GoodPacks"]
    bring(kept, wrapper, engineer, here.equipment, roles={}, retire=retire)
    assert wrapper.tags.get(name="GoodPacks").enabled is not retire
    mine.refresh_from_db()
    assert mine.enabled


def test_a_symbol_that_was_renamed_is_the_same_tag(here, engineer):
    loader = Plc.objects.create(code="loader", name="Loader", protocol="slc", host="127.0.0.1")
    symbols = EXPORTS / "rslogix500.csv"
    bring(symbols, loader, engineer, here.equipment, roles={})
    before = loader.tags.get(name="MODE_DISPLAY").pk
    renamed = symbols.read_bytes().replace(b"MODE_DISPLAY", b"MODE_NOW")
    counts = bring(renamed, loader, engineer, here.equipment, roles={})
    assert loader.tags.get(name="MODE_NOW").pk == before
    assert (counts["new"], counts["vanished"]) == (0, 0)


def test_message_bits_go_to_their_tag_and_without_it_are_refused(here, engineer, wrapper):
    messages = EXPORTS / "messages.csv"
    seen = importing.preview(messages.read_bytes(), wrapper, None)
    assert seen.counts["new"] == 0
    assert any("has no tag Messages" in change.why for change in seen.changes)
    bring(STUDIO, wrapper, engineer, here.equipment)
    bring(messages, wrapper, engineer, here.equipment)
    bits = {bit.bit: bit.kind for bit in MessageBit.objects.filter(tag__name="Messages")}
    assert bits[0] == "fault"
    assert bits[5] == "status"
    assert set(bits) == {0, 1, 2, 4, 5, 6, 8, 12, 29, 31}


def test_a_file_of_another_kind_of_controller_is_refused(engineer, wrapper):
    data = (EXPORTS / "rslogix500.csv").read_bytes()
    with pytest.raises(ActionRefused, match="another kind of controller than wrapper"):
        importing.preview(data, wrapper, None)


@pytest.mark.parametrize(
    ("roles", "why"),
    [
        ({"Nobody": "speed"}, "cannot play"),
        ({"BatchName": "speed"}, "cannot play"),
        ({"GoodPacks": "good_count", "RejectPacks": "good_count"}, "Two tags"),
    ],
)
def test_a_role_that_cannot_be_played_is_refused_whole(here, engineer, wrapper, roles, why):
    with pytest.raises(ActionRefused, match=why):
        bring(STUDIO, wrapper, engineer, here.equipment, roles=roles)
    assert wrapper.tags.count() == 0


def test_only_who_may_edit_the_controller_and_sees_the_equipment_imports(here, wrapper):
    viewer = plant.person("viewer", "viewer", all_lines=True)
    stranger = plant.person("stranger", "engineer", plant.line("L-OTHER"))
    for who in (viewer, stranger):
        with pytest.raises(NotAllowed):
            bring(STUDIO, wrapper, who, here.equipment)
    assert TagImport.objects.filter(plc=wrapper).count() == 0


def test_the_command_shows_and_then_does_the_same(here, engineer, wrapper):
    shown = StringIO()
    said = {"plc": "wrapper", "equipment": here.equipment.code, "stdout": shown}
    call_command("import_tags", str(STUDIO), **said)
    assert wrapper.tags.count() == 0
    assert "new        LineSpeed as speed" in shown.getvalue()
    assert "    31  refused    TAG, machinerunning" in shown.getvalue()
    with pytest.raises(CommandError, match="whose deed"):
        call_command("import_tags", str(STUDIO), **said, apply=True)
    call_command("import_tags", str(STUDIO), **said, apply=True, user="engineer")
    assert played(wrapper)["LineSpeed"] == "speed"


@pytest.mark.parametrize(
    ("file", "plc", "why"),
    [
        ("no-such-file.csv", "wrapper", "cannot be read"),
        (str(STUDIO), "nobody", "no controller 'nobody'"),
        (str(EXPORTS / "rslogix500.csv"), "wrapper", "another kind of controller"),
    ],
)
def test_the_command_says_what_is_wrong(wrapper, file, plc, why):
    with pytest.raises(CommandError, match=why):
        call_command("import_tags", file, plc=plc, stdout=StringIO())

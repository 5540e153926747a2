"""Files of tags into a controller: what is shown is what is done, once, by who may, and nothing is lost."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import connection

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


def refuse_what_was_edited(imported, seen, engineer):
    said = {"roles": {}, "everything": False, "retire": False, "seen": seen.digest}
    with pytest.raises(ActionRefused, match="edited meanwhile"):
        importing.apply(imported, **said, actor=engineer, at=T0)


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
    refuse_what_was_edited(imported, seen, engineer)
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


def test_bits_that_a_shorter_array_has_no_place_for_are_told(here, engineer, wrapper):
    bring(STUDIO, wrapper, engineer, here.equipment)
    messages = wrapper.tags.get(name="Messages")
    MessageBit.objects.create(tag=messages, bit=60, text="Cooling", kind="fault")
    shorter = b"\r\n".join(
        line.replace(b"BOOL[64]", b"BOOL[32]")
        for line in STUDIO.read_bytes().split(b"\r\n")
        if not line.startswith(b"COMMENT")
    )
    seen = importing.preview(shorter, wrapper, here.equipment)
    assert [(row.name, row.why) for row in seen.changes if row.what == "vanished"] == [
        ("Messages[60]", "Messages has 32 bits, of which 0 is the first; it stays as it is")
    ]
    counts = bring(shorter, wrapper, engineer, here.equipment, roles={})
    messages.refresh_from_db()
    assert (messages.length, counts["changed"], counts["vanished"]) == (32, 0, 0)


def test_a_bit_that_vanished_takes_no_tag_with_it(here, engineer, wrapper):
    bring(STUDIO, wrapper, engineer, here.equipment)
    messages = wrapper.tags.get(name="Messages")
    # The row of a bit that a person described has the number that a tag has among the tags.
    same = {"pk": 10**6}
    MessageBit.objects.create(**same, tag=messages, bit=60, text="Cooling", kind="fault")
    mine = Tag.objects.create(
        **same, plc=wrapper, name="Mine", address="Mine", data_type="int32"
    )
    counts = bring(STUDIO, wrapper, engineer, here.equipment, roles={}, retire=True)
    assert counts["vanished"] == 1
    assert messages.bits.filter(bit=60).exists()
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


def test_what_a_list_of_messages_leaves_out_and_what_is_not_used_of_it_is_shown(
    wrapper, tmp_path
):
    Tag.objects.create(plc=wrapper, name="Fault", address="F", data_type="bool", length=32)
    file, shown = tmp_path / "bits.csv", StringIO()
    file.write_bytes(b"Tag,Description,Source\nFault[0],Jam,internal,by night\nFault[32],Jam\n")
    call_command("import_tags", str(file), plc="wrapper", stdout=shown)
    told = shown.getvalue()
    assert (
        "     2  in part    Fault[0], Jam, internal, by night  cells beyond the third" in told
    )
    assert "     2  new        Fault[0] as fault" in told
    assert "     3  refused    Fault[32]  Fault has 32 bits, of which 0 is the first" in told
    assert "missing    Fault: bits 1 to 31 are not in the file" in told
    assert told.endswith(
        "messages: 1 refused, 1 in part, 1 new, 1 passed over.\n"
        "Nothing was changed; --apply changes it.\n"
    )


@pytest.mark.parametrize(
    ("data_type", "length", "last"),
    [("bool", 32, 31), ("bool", 1, 0), ("uint16", 1, 15), ("int64", 1, 63)],
)
def test_a_person_too_gives_a_meaning_only_to_bits_that_are_there(
    wrapper, data_type, length, last
):
    tag = Tag.objects.create(
        plc=wrapper, name="W", address="W", data_type=data_type, length=length
    )
    said = {"tag": tag, "text": "Jam", "kind": "fault"}
    MessageBit(bit=last, **said).full_clean()
    with pytest.raises(ValidationError, match=f"W has {last + 1} bits, of which 0 is the"):
        MessageBit(bit=last + 1, **said).full_clean()


@pytest.mark.parametrize(
    ("data_type", "length", "what"),
    [("float32", 1, "a float32"), ("int32", 4, "an array of int32"), ("string", 1, "a string")],
)
def test_what_has_no_message_bits_gets_none(wrapper, data_type, length, what):
    tag = Tag.objects.create(
        plc=wrapper, name="W", address="W", data_type=data_type, length=length
    )
    with pytest.raises(ValidationError, match=f"W is {what}; message bits are an array"):
        MessageBit(tag=tag, bit=0, text="Jam", kind="fault").full_clean()


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


@pytest.mark.parametrize("kinds", [{"Messages[63]": "fault"}, {"Messages[29]": "sundry"}])
def test_a_kind_of_no_new_bit_and_no_kind_are_refused_whole(here, engineer, wrapper, kinds):
    with pytest.raises(ActionRefused, match="cannot be of the kind"):
        bring(STUDIO, wrapper, engineer, here.equipment, kinds=kinds)
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
    assert "new        Messages[29] as prompt" in shown.getvalue()
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


HEAD = b"TYPE,SCOPE,NAME,DESCRIPTION,DATATYPE,SPECIFIER,ATTRIBUTES\n"


def told(data, plc, equipment):
    seen = importing.preview(data, plc, equipment)
    return {
        change.name: (change.what, change.why) for change in seen.changes if change.line != 1
    }


def test_a_file_that_gives_a_tag_a_type_that_cannot_play_its_role_changes_nothing_of_it(
    here, engineer, wrapper
):
    state = Tag.objects.create(
        plc=wrapper,
        name="State",
        address="State",
        data_type="int32",
        equipment=here.equipment,
        role="state_word",
        state_map={"1": "running"},
    )
    data = HEAD + b'TAG,,State,"",REAL[4],"",""\nTAG,,Level,"",REAL,"",""\n'
    why = (
        "it would be float32[4], and plays the role state_word."
        " A role is played by one value; this tag is an array."
    )
    assert told(data, wrapper, here.equipment) == {
        "State": ("refused", why),
        "Level": ("new", ""),
    }
    bring(data, wrapper, engineer, here.equipment)
    state.refresh_from_db()
    assert (state.data_type, state.length) == ("int32", 1)
    state.full_clean()
    wider = HEAD + b'TAG,,State,"",INT,"",""\n'
    bring(wider, wrapper, engineer, here.equipment)
    state.refresh_from_db()
    assert state.data_type == "int16"


def test_no_tag_plays_a_role_for_an_equipment_that_another_shard_reads(
    here, engineer, wrapper, tmp_path
):
    Tag.objects.create(
        plc=wrapper,
        name="R",
        address="R",
        data_type="bool",
        equipment=here.equipment,
        role="running",
    )
    other = Plc.objects.create(
        code="other", name="Other", protocol="logix", host="127.0.0.1", shard=1
    )
    data = HEAD + b'TAG,,GoodPacks,"",DINT,"",""\nTAG,,Level,"",REAL,"",""\n'
    parted = "Wrapper reads the same equipment in shard 0; one task must read them both."
    assert told(data, other, here.equipment) == {
        "GoodPacks": ("refused", parted),
        "Level": ("new", ""),
    }
    seen = importing.preview(data, other, here.equipment)
    assert (seen.roles, seen.choices) == ({}, {})
    with pytest.raises(ActionRefused, match="in shard 0"):
        bring(data, other, engineer, here.equipment, roles={"Level": "speed"})
    file, shown = tmp_path / "tags.csv", StringIO()
    file.write_bytes(data)
    call_command(
        "import_tags", str(file), plc="other", equipment=here.equipment.code, stdout=shown
    )
    assert f"refused    GoodPacks  {parted}" in shown.getvalue()
    bring(data, other, engineer, here.equipment)
    assert [tag.name for tag in other.tags.all()] == ["Level"]
    # Stored only, it is nobody's to part.
    assert told(data, other, None)["GoodPacks"] == ("new", "")
    for tag in Tag.objects.all():
        tag.full_clean()


def test_a_file_is_read_before_the_database_is_held(here, engineer, wrapper, monkeypatch):
    data = STUDIO.read_bytes()
    imported = importing.upload(wrapper, data, name="a", equipment=None, actor=engineer, at=T0)
    seen = importing.preview(data, wrapper, None)
    held, read = [], importing.parsed

    def parsed(content):
        held.append(len(connection.savepoint_ids))
        return read(content)

    monkeypatch.setattr(importing, "parsed", parsed)
    outside = len(connection.savepoint_ids)
    said = {"roles": {}, "everything": True, "retire": False, "seen": seen.digest}
    importing.apply(imported, **said, actor=engineer, at=T0)
    assert held == [outside]


def test_what_is_edited_while_the_file_is_read_is_shown_again(
    here, engineer, wrapper, monkeypatch
):
    data = STUDIO.read_bytes()
    imported = importing.upload(wrapper, data, name="a", equipment=None, actor=engineer, at=T0)
    seen = importing.preview(data, wrapper, None)
    digest = importing._digest

    def edited(*said):
        Tag.objects.create(
            plc=wrapper, name="LineSpeed", address="LineSpeed", data_type="int32"
        )
        return digest(*said)

    monkeypatch.setattr(importing, "_digest", edited)
    refuse_what_was_edited(imported, seen, engineer)
    assert wrapper.tags.count() == 1


def test_a_tag_that_is_written_in_another_case_is_the_same_tag_with_its_bits(
    here, engineer, wrapper
):
    bring(STUDIO, wrapper, engineer, here.equipment)
    before = wrapper.tags.get(name="Messages")
    renamed = STUDIO.read_bytes().replace(b"Messages", b"MESSAGES")
    counts = bring(renamed, wrapper, engineer, here.equipment, roles={})
    after = wrapper.tags.get(name="MESSAGES")
    assert (after.pk, after.role, after.bits.count()) == (before.pk, "message_bits", 3)
    assert (counts["new"], counts["vanished"]) == (0, 0)


def test_many_changed_rows_are_written_together_and_each_has_another_stamp(
    engineer, wrapper, django_assert_max_num_queries
):
    def file(word):
        tags = "".join(f'TAG,,T{n},"{word}",DINT,"",""\n' for n in range(600))
        bits = "".join(f'COMMENT,,B,"{word} jam","","B[{n}]"\n' for n in range(600))
        same = 'TAG,,Same,"",DINT,"",""\nTAG,,B,"",BOOL[600],"",""\n'
        return HEAD + (tags + same + bits).encode()

    def stamped():
        bits = MessageBit.objects.filter(tag__plc=wrapper)
        return dict(wrapper.tags.values_list("name", "stamp")) | {
            bit.bit: bit.stamp for bit in bits
        }

    bring(file("one"), wrapper, engineer)
    Tag.objects.filter(name="T7").update(scale=3)
    MessageBit.objects.filter(bit=7).update(kind="prompt")
    before, imported = stamped(), wrapper.tags.get(name="Same").imported_at
    with django_assert_max_num_queries(80):
        bring(file("two"), wrapper, engineer)
    after = stamped()
    assert {name for name in after if after[name] == before[name]} == {"Same", "B"}
    assert len(set(after.values())) == 1202
    tag, bit = wrapper.tags.get(name="T7"), MessageBit.objects.get(bit=7)
    assert (tag.description, tag.scale, tag.imported_at) == ("two", 3, imported)
    assert (bit.text, bit.kind) == ("two jam", "prompt")
    with django_assert_max_num_queries(80):
        bring(
            HEAD + b'TAG,,Same,"",DINT,"",""\n', wrapper, engineer, retire=True, everything=True
        )
    assert not wrapper.tags.exclude(name="Same").filter(enabled=True).exists()
    told = dict(wrapper.tags.exclude(name="Same").values_list("name", "stamp"))
    assert not any(stamp == after[name] for name, stamp in told.items())

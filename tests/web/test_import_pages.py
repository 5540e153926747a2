"""The admin's pages of imports, tests of tags, and warnings: shown first, done by who may, and written down."""

from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from ms5.accounts.models import AuditEntry
from telemetry import quarantine
from telemetry.models import ConfigurationWarning, MessageBit, Plc, Tag, TagImport
from tests.controllers import logix, modbus
from tests.floor import T0
from tests.web import plant
from tests.web.forms import url

STUDIO = Path(__file__).parent.parent / "exports" / "studio5000.csv"


@pytest.fixture
def wrapper(db):
    return Plc.objects.create(
        code="wrapper", name="Wrapper", protocol="logix", host="127.0.0.1"
    )


def upload(client, plc, data, **said):
    file = SimpleUploadedFile("tags.csv", data)
    page = reverse("admin:telemetry_tagimport_upload", args=[plc.pk])
    return client.post(page, {"file": file, **said})


def told(answer):
    return [str(message) for message in answer.context["messages"]]


def test_a_file_is_shown_and_then_applied_as_chosen(root, own, wrapper):
    shown = upload(root, wrapper, STUDIO.read_bytes(), equipment=own.equipment.pk)
    assert shown.status_code == 302
    page = root.get(shown.url)
    text = page.content.decode()
    assert "AXIS_SERVO_DRIVE is a structure" in text
    assert "Nothing has changed yet" in text
    assert wrapper.tags.count() == 0
    form = page.context["form"]
    chosen = {name: field.initial for name, field in form.fields.items() if field.initial}
    chosen["role_total_count"] = ""
    done = root.post(shown.url, chosen, follow=True)
    assert told(done)[0].startswith("tags.csv is imported: 12 refused, 23 new")
    roles = dict(wrapper.tags.exclude(role="none").values_list("name", "role"))
    assert roles["LineSpeed"] == "speed"
    assert "BladeCount.ACC" not in roles
    assert AuditEntry.objects.filter(action="plc.import").count() == 1
    again = root.get(shown.url, follow=True)
    assert told(again) == ["This file has been applied already."]


def test_a_tag_cannot_play_two_roles_and_a_stale_preview_is_shown_anew(root, own, wrapper):
    shown = upload(root, wrapper, STUDIO.read_bytes(), equipment=own.equipment.pk)
    seen = root.get(shown.url).context["form"].fields["seen"].initial
    twice = {"seen": seen, "role_good_count": "GoodPacks", "role_total_count": "GoodPacks"}
    assert "GoodPacks cannot play two roles" in root.post(shown.url, twice).content.decode()
    Tag.objects.create(plc=wrapper, name="GoodPacks", address="x", data_type="int32")
    stale = root.post(shown.url, {"seen": seen})
    assert "Something was edited meanwhile" in stale.content.decode()
    assert wrapper.tags.count() == 1


MESSAGES = (
    b"Tag,Description\nFault[0],Press overload\nFault[1],Double loaf\nFault[2],Close guard\n"
)


def fault_tag(plc, length=32):
    return Tag.objects.create(
        plc=plc, name="Fault", address="Fault", data_type="bool", length=length
    )


def test_the_kind_of_each_new_bit_is_chosen_before_it_is_there(root, wrapper):
    fault_tag(wrapper)
    shown = upload(root, wrapper, MESSAGES)
    page = root.get(shown.url)
    text = page.content.decode()
    assert '<select name="kind_Fault[1]" aria-label="Kind of Fault[1]"' in text
    assert text.count("<option selected>fault</option>") == 1
    seen = page.context["form"].fields["seen"].initial
    chosen = {"kind_Fault[0]": "fault", "kind_Fault[1]": "fault", "kind_Fault[2]": "status"}
    wrong = root.post(shown.url, {"seen": seen, "kind_Fault[1]": "sundry"})
    assert "Fault[1] cannot be of the kind sundry." in wrong.content.decode()
    assert not MessageBit.objects.filter(tag__plc=wrapper).exists()
    root.post(shown.url, {"seen": seen} | chosen)
    kept = MessageBit.objects.filter(tag__plc=wrapper).order_by("bit")
    assert [bit.kind for bit in kept] == ["fault", "fault", "status"]
    deed = AuditEntry.objects.get(action="plc.import")
    # What was guessed and left so is nobody's choice.
    assert deed.after["kinds"] == {"Fault[1]": "fault", "Fault[2]": "status"}
    # Now they are a person's, and no file asks again.
    again = upload(root, wrapper, MESSAGES.replace(b"Double loaf", b"Two loaves"))
    assert "<select name" not in root.get(again.url).content.decode().split("Nothing has")[1]


def test_a_page_of_very_many_bits_can_be_sent_back(root, wrapper):
    fault_tag(wrapper, 2000)
    rows = b"".join(b"Fault[%d],Jam %d\n" % (bit, bit) for bit in range(2000))
    shown = upload(root, wrapper, b"Tag,Description\n" + rows)
    page = root.get(shown.url)
    text = page.content.decode()
    assert (text.count("<select name"), "The first 500 of 2000." in text) == (500, True)
    assert len(text) < 400_000
    chosen = {f"kind_Fault[{bit}]": "info" for bit in range(500)}
    chosen["seen"] = page.context["form"].fields["seen"].initial
    assert told(root.post(shown.url, chosen, follow=True))[0].startswith("tags.csv is imported")
    kinds = MessageBit.objects.filter(tag__plc=wrapper).values_list("kind", flat=True)
    assert (list(kinds).count("info"), list(kinds).count("fault")) == (500, 1500)


def test_what_was_chosen_stands_when_the_form_is_shown_again(root, own, wrapper):
    shown = upload(root, wrapper, STUDIO.read_bytes(), equipment=own.equipment.pk)
    seen = root.get(shown.url).context["form"].fields["seen"].initial
    twice = {"seen": seen, "role_good_count": "GoodPacks", "role_total_count": "GoodPacks"}
    again = root.post(shown.url, twice | {"kind_Messages[29]": "unused"}).content.decode()
    assert again.count("<option selected>unused</option>") == 1


def test_the_form_of_a_tag_refuses_a_bit_beyond_it_and_one_without_a_tag(root, own):
    page = root.get(url(Tag, "change", own.tag.pk))
    given = {
        name: value
        for name, value in page.context["adminform"].form.initial.items()
        if value is not None and value != ""
    } | {"state_map": "{}", "data_type": "bool", "length": 8, "role": "message_bits"}
    bit = {"bit": 8, "text": "Jam", "kind": "fault", "severity": "medium", "source": "internal"}
    given |= {f"bits-0-{name}": value for name, value in bit.items()}
    given |= {"bits-TOTAL_FORMS": 1, "bits-INITIAL_FORMS": 0}
    told = root.post(url(Tag, "change", own.tag.pk), given).content.decode()
    assert "has 8 bits, of which 0 is the first." in told
    root.post(url(Tag, "change", own.tag.pk), given | {"bits-0-bit": 7})
    assert own.tag.bits.filter(bit=7).count() == 1
    alone = root.post(url(MessageBit, "add"), bit)
    assert list(alone.context["adminform"].form.errors) == ["tag"]
    # A length that is none is told for itself.
    wrong = root.post(url(Tag, "change", own.tag.pk), given | {"length": ""})
    assert "length" in wrong.context["adminform"].form.errors


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"what, is, this", "none that is known"),
        (b"N7:0,0,A,,,,,,0,,,0,\r\n", "another kind of controller"),
        (b"\xff\xfe\x00", "mark of UTF-16"),
        (b"a\x00b", "zero bytes"),
    ],
)
def test_a_file_that_cannot_be_taken_says_why(root, wrapper, data, why):
    answer = upload(root, wrapper, data)
    assert answer.status_code == 200
    assert why in answer.content.decode()
    assert TagImport.objects.filter(plc=wrapper).count() == 0


def test_only_who_may_edit_a_controller_imports_into_it(own, foreign, as_user):
    engineer = as_user(plant.person("engineer", "engineer", own.line, is_staff=True))
    maintenance = as_user(plant.person("fitter", "maintenance", own.line, is_staff=True))
    assert upload(engineer, foreign.plc, b"x").status_code == 404
    assert upload(maintenance, own.plc, b"x").status_code == 403
    theirs = TagImport.objects.get(plc=foreign.plc)
    page = reverse("admin:telemetry_tagimport_preview", args=[theirs.pk])
    assert engineer.get(page).status_code == 404


def test_a_test_of_a_tag_shows_every_way_it_reads(root, own):
    with modbus([("speed", "holding", 1, "uint16")], {"speed": 80}) as server:
        Plc.objects.filter(pk=own.plc.pk).update(port=server.port, timeout_s=5)
        asked = {"action": "test_tags", "_selected_action": [own.tag.pk]}
        found = told(root.post(url(Tag, "changelist"), asked, follow=True))
    assert found[0] == "speed at holding:1 as uint16 ABCD: 80 (good)"
    assert len(found) == 4
    # Of one that does not answer only that it failed.
    Plc.objects.filter(pk=own.plc.pk).update(timeout_s=0.2)
    assert told(root.post(url(Tag, "changelist"), asked, follow=True)) == ["speed: failed."]
    assert AuditEntry.objects.filter(action="tag.test").count() == 2


def test_an_address_outside_of_the_allowed_networks_cannot_be_saved(root, settings):
    settings.PLC_NETWORKS, settings.PLC_PORTS = ["10.1.0.0/16"], ["502"]
    page = root.get(url(Plc, "add"))
    given = {
        name: value for name, value in page.context["adminform"].form.initial.items() if value
    }
    given |= {"code": "x", "name": "x", "protocol": "modbus_tcp", "host": "8.8.8.8"}
    given |= {"port": 502, "tags-TOTAL_FORMS": 0, "tags-INITIAL_FORMS": 0}
    answer = root.post(url(Plc, "add"), given)
    assert "none of the networks" in str(answer.context["adminform"].form.errors["host"])


def test_a_person_sees_a_changed_program_and_accepts_it(root, own):
    with logix() as server:
        Plc.objects.filter(pk=own.plc.pk).update(
            port=server.port, protocol="logix", timeout_s=5
        )
        Tag.objects.filter(pk=own.tag.pk).update(address="Speed", data_type="float32")
        ConfigurationWarning.objects.all().delete()
        quarantine.begin(own.plc.pk, [], "The program has changed.", T0)
        shown = root.get(url(Plc, "change", own.plc.pk))
        assert told(shown) == ["The program has changed."]
        row = ConfigurationWarning.objects.get()
        asked = {"action": "settle", "_selected_action": [row.pk]}
        done = root.post(url(ConfigurationWarning, "changelist"), asked, follow=True)
    assert told(done) == ["1 settled."]
    row.refresh_from_db()
    assert row.settled_at is not None
    assert quarantine.standing([own.plc.pk]) == {}


def test_a_warning_of_a_foreign_controller_is_neither_seen_nor_settled(own, foreign, as_user):
    engineer = as_user(plant.person("engineer", "engineer", own.line, is_staff=True))
    page = url(ConfigurationWarning, "changelist")
    theirs = ConfigurationWarning.objects.get(plc=foreign.plc)
    assert theirs not in engineer.get(page).context["cl"].result_list
    engineer.post(page, {"action": "settle", "_selected_action": [theirs.pk]})
    theirs.refresh_from_db()
    assert theirs.settled_at is None

"""The admin's pages of imports, tests of tags, and warnings: shown first, done by who may, and written down."""

from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from ms5.accounts.models import AuditEntry
from telemetry import quarantine
from telemetry.models import ConfigurationWarning, Plc, Tag, TagImport
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


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"what, is, this", "none that is known"),
        (b"N7:0,0,A,,,,,,0,,,0,\r\n", "another kind of controller"),
        (b"\xff\xfe\x00", "zero bytes"),
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

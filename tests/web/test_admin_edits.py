"""What people change in the admin is checked, kept within their lines, and written down."""

import html

import pytest
from django.db import DatabaseError, connection
from django.urls import reverse

from ms5.accounts.models import AuditEntry
from production.models import Equipment, IdealCycle, Line, Product, Site
from telemetry.models import Plc, Tag
from tests.web.forms import errors, form_of, save, url


def test_a_choice_offers_and_accepts_visible_lines_alone(engineer, own, foreign):
    query = {"app_label": "production", "model_name": "equipment", "field_name": "line"}
    offered = engineer.get(reverse("admin:autocomplete"), query).json()["results"]
    assert [each["text"] for each in offered] == ["Line L-OWN"]
    answer = save(engineer, url(Equipment, "change", own.equipment.pk), line=foreign.line.pk)
    assert "line" in errors(answer)[0]
    own.equipment.refresh_from_db()
    assert own.equipment.line == own.line


@pytest.mark.parametrize("sent", ["abc", "9" * 30, "1.5", "-1", "\0"])
def test_what_is_no_choice_is_refused_with_a_sentence(root, own, sent):
    for path, name in (
        (url(Tag, "change", own.tag.pk), "plc"),
        (url(Plc, "change", own.plc.pk), "tags-0-equipment"),
    ):
        answer = save(root, path, **{name: sent})
        told = {field for form in errors(answer) for field in form}
        assert name.rpartition("-")[2] in told


def test_a_change_is_written_down_with_before_and_after(engineer, own):
    answer = save(engineer, url(Equipment, "change", own.equipment.pk), name="Bagger 1")
    assert answer.status_code == 302, errors(answer)
    entry = AuditEntry.objects.get()
    assert (entry.actor_name, entry.action, entry.subject_type) == (
        "engineer",
        "equipment.change",
        "production.equipment",
    )
    assert (entry.before, entry.after) == ({"name": "Machine L-OWN.M1"}, {"name": "Bagger 1"})
    assert (entry.line_id, entry.subject_id) == ("L-OWN", str(own.equipment.pk))


def test_saving_without_a_change_writes_nothing(engineer, own):
    assert save(engineer, url(Equipment, "change", own.equipment.pk)).status_code == 302
    assert AuditEntry.objects.count() == 0


def test_rows_under_their_owner_are_written_down_each(engineer, own):
    product = Product.objects.get()
    answer = save(
        engineer,
        url(Equipment, "change", own.equipment.pk),
        **{
            "ideal_cycles-0-seconds": "0.75",
            "ideal_cycles-TOTAL_FORMS": "2",
            "ideal_cycles-1-equipment": own.equipment.pk,
            "ideal_cycles-1-product": product.pk,
            "ideal_cycles-1-seconds": "0.5",
            "ideal_cycles-1-effective_from_0": "2026-04-01",
            "ideal_cycles-1-effective_from_1": "06:00:00",
        },
    )
    assert answer.status_code == 302, errors(answer)
    deeds = {entry.action: entry for entry in AuditEntry.objects.all()}
    assert set(deeds) == {"idealcycle.change", "idealcycle.add"}
    assert deeds["idealcycle.change"].before == {"seconds": "0.600000"}
    assert deeds["idealcycle.change"].after == {"seconds": "0.75"}
    assert deeds["idealcycle.add"].after["effective_from"] == "2026-04-01T06:00:00Z"
    assert {entry.line_id for entry in deeds.values()} == {"L-OWN"}

    answer = save(
        engineer,
        url(Equipment, "change", own.equipment.pk),
        **{"ideal_cycles-0-DELETE": "on"},
    )
    assert answer.status_code == 302, errors(answer)
    gone = AuditEntry.objects.get(action="idealcycle.delete")
    assert gone.before["seconds"] in {"0.500000", "0.750000"}
    assert IdealCycle.objects.filter(equipment=own.equipment).count() == 1


def test_what_goes_is_written_down_one_by_one_and_together(root):
    products = [Product.objects.create(code=f"X{number}", name="Old") for number in range(3)]
    root.post(url(Product, "delete", products[0].pk), {"post": "yes"})
    chosen = {
        "action": "delete_selected",
        "_selected_action": [product.pk for product in products[1:]],
        "post": "yes",
    }
    root.post(url(Product, "changelist"), chosen)
    assert Product.objects.filter(name="Old").count() == 0
    gone = AuditEntry.objects.filter(action="product.delete").order_by("subject_id")
    assert [entry.before["code"] for entry in gone] == ["X0", "X1", "X2"]
    assert [entry.after for entry in gone] == [{}, {}, {}]


def test_a_deed_and_its_entry_stand_or_fall_together(engineer, own):
    path = url(Equipment, "change", own.equipment.pk)
    values = form_of(engineer.get(path)) | {"name": "Bagger 1"}
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE accounts_auditentry RENAME TO gone")
    with pytest.raises(DatabaseError, match="accounts_auditentry"):
        engineer.post(path, values)
    own.equipment.refresh_from_db()
    assert own.equipment.name == "Machine L-OWN.M1"


@pytest.mark.parametrize("model", [Site, Line, Equipment, Product, Plc])
def test_a_code_never_changes(root, own, model):
    row = model.objects.get()
    answer = save(root, url(model, "change", row.pk), code="ANOTHER", name="Another name")
    assert answer.status_code == 302, errors(answer)
    after = model.objects.get()
    assert (after.code, after.name) == (row.code, "Another name")


def test_a_code_under_its_line_never_changes_either(root, own):
    answer = save(root, url(Line, "change", own.line.pk), **{"equipment-0-code": "ANOTHER"})
    assert answer.status_code == 302, errors(answer)
    assert Equipment.objects.get().code == "L-OWN.M1"


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"address": "somewhere"}, "address", "somewhere"),
        ({"state_map": '{"1": "sleeping"}'}, "state_map", "sleeping"),
        ({"data_type": "uint99"}, "data_type", "uint99"),
    ],
)
def test_bad_wiring_is_refused_with_a_sentence(engineer, own, changes, field, sentence):
    path = url(Tag, "change", own.tag.pk)
    answer = save(engineer, path, **({"role": "state_word"} | changes))
    assert answer.status_code == 200
    assert sentence in str(errors(answer)[0][field])
    own.tag.refresh_from_db()
    assert own.tag.address == "holding:1"


@pytest.mark.parametrize("scale", ["0", "-1"])
def test_a_counter_that_would_count_nothing_is_refused_with_a_sentence(root, own, scale):
    path = url(Tag, "change", own.tag.pk)
    answer = save(root, path, role="good_count", scale=scale)
    assert "it would count nothing" in str(errors(answer)[0]["scale"])
    assert save(root, path, role="speed", scale=scale).status_code == 302


@pytest.mark.parametrize(
    ("code", "sentence"),
    [("all", "reserved word"), ("a b", "A code has up to"), ("l-own", "case")],
)
def test_a_bad_code_is_refused_with_a_sentence(root, own, code, sentence):
    empty = {"equipment-TOTAL_FORMS": 0, "equipment-INITIAL_FORMS": 0}
    answer = root.post(
        url(Line, "add"),
        {"code": code, "name": "X", "area": own.line.area.pk, "position": 1, **empty},
    )
    assert sentence in str(errors(answer)[0])
    assert Line.objects.count() == 1


@pytest.mark.parametrize(("role", "status"), [("running", 200), ("message_bits", 302)])
def test_two_new_tags_play_one_role_only_if_it_is_for_many(root, own, role, status):
    new = {"data_type": "bool", "equipment": own.equipment.pk, "role": role, "enabled": "on"}
    rows = {
        f"tags-{place}-{field}": value
        for place, name in ((1, "coil:1"), (2, "coil:2"))
        for field, value in {**new, "name": name, "address": name}.items()
    }
    rows["tags-TOTAL_FORMS"] = "3"
    answer = save(root, url(Plc, "change", own.plc.pk), **rows)
    assert answer.status_code == status
    if status == 200:
        assert errors(answer)[3] == {
            "role": ["Another tag of this page plays that role already."]
        }


@pytest.mark.parametrize(
    "written",
    ['{"1":' * 3000, "[" * 3000, '{"1": "\\ud800"}', '{"\\ud800": "running"}', "9" * 5000],
)
def test_a_state_map_that_cannot_be_stored_is_refused_with_a_sentence(root, own, written):
    answer = save(root, url(Tag, "change", own.tag.pk), state_map=written)
    (told,) = errors(answer)[0]["state_map"]
    assert told["message"].startswith("It is nested too deeply, or holds a text or a number")
    assert written.encode() in html.unescape(answer.content.decode()).encode()


def test_a_role_may_go_to_a_new_tag_of_a_page_that_deletes_another_new_one(root, own):
    new = {
        "data_type": "bool",
        "equipment": own.equipment.pk,
        "role": "running",
        "enabled": "on",
    }
    rows = {
        f"tags-{place}-{field}": value
        for place, name in ((1, "coil:1"), (2, "coil:2"))
        for field, value in {**new, "name": name, "address": name}.items()
    }
    rows |= {"tags-TOTAL_FORMS": "3", "tags-1-DELETE": "on"}
    assert save(root, url(Plc, "change", own.plc.pk), **rows).status_code == 302
    assert own.plc.tags.get(role="running").name == "coil:2"


def test_a_type_is_not_changed_under_a_bit_that_it_has_not(root, own):
    Tag.objects.filter(pk=own.tag.pk).update(role="message_bits", data_type="uint32")
    own.tag.bits.create(bit=20, text="Cooling", kind="fault")
    answer = save(root, url(Plc, "change", own.plc.pk), **{"tags-0-data_type": "uint16"})
    assert errors(answer)[1]["data_type"][0].startswith("speed has 16 bits")
    assert (
        save(root, url(Plc, "change", own.plc.pk), **{"tags-0-data_type": "int32"}).status_code
        == 302
    )


def test_what_is_wrong_with_a_field_of_another_page_is_said_of_the_whole_row(root, own):
    path = url(Plc, "change", own.plc.pk)
    answer = save(root, path, **{"tags-0-role": "state_word"})
    (told,) = errors(answer)[1]["__all__"]
    assert told == "A state word needs a state map."
    assert told in answer.content.decode()

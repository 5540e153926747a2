"""Corrections over the API: previewed, made once a key, taken back, refused with what stands against them."""

import pytest

from production.actions import observe
from production.models import Correction, Count, Downtime, Reason
from tests.factories import at, equipment, good_count, ideal_cycle, line, observation, product
from tests.web import plant

API = "/api/v1/corrections/"


@pytest.fixture
def machine(db):
    own = equipment(line=line(), is_constraint=True, no_data_after_s=3600)
    loaf = product()
    ideal_cycle(loaf, own, "1")
    observe(
        [
            observation(own, 0, counters=(good_count(0),), product_number=loaf.plc_number),
            observation(own, 600, "stopped", counters=(good_count(600),)),
            observation(own, 1200, "running", counters=(good_count(600),)),
            observation(own, 1800, "running", counters=(good_count(1100),)),
        ]
    )
    return own


@pytest.fixture
def downtime(machine):
    return Downtime.objects.first() or Downtime.objects.create(
        equipment=machine, started_at=at(600), ended_at=at(1200)
    )


@pytest.fixture
def manager(machine, as_user):
    return as_user(plant.person("manager", "shift_manager", machine.line, is_staff=True))


def post(client, path="", **body):
    return client.post(API + path, body, content_type="application/json")


def split(downtime, moment=900):
    return {
        "subject": "downtime",
        "what": "split",
        "subject_id": downtime.pk,
        "at": at(moment).isoformat(),
        "reason": "two causes",
    }


def test_a_correction_is_previewed_then_made_then_taken_back(manager, machine, downtime):
    count = Count.objects.get(quantity=500)
    body = {
        "subject": "count",
        "what": "count",
        "subject_id": count.pk,
        "quantity": 450,
        "reason": "the eye was dirty",
    }
    for path in ("?preview=1", "preview/"):
        seen = post(manager, path, **body)
        assert seen.status_code == 200, seen.content
        assert seen.json()["rows"] == [
            {
                "subject": "count",
                "id": count.pk,
                "before": {"quantity": 500},
                "after": {"quantity": 450},
            }
        ]
    assert Correction.objects.count() == 0
    made = post(manager, **body)
    assert made.status_code == 201, made.content
    told = made.json()
    assert (told["before"], told["after"]) == ({"quantity": 500}, {"quantity": 450})
    assert (told["oee_before"], told["oee_after"]) == (
        seen.json()["oee_before"],
        seen.json()["oee_after"],
    )
    assert told["by_name"] == "manager"
    back = post(manager, f"{told['id']}/undo/", reason="it was clean")
    assert back.status_code == 201, back.content
    assert (back.json()["undoes"], back.json()["what"]) == (told["id"], "undo")
    assert sum(Count.objects.values_list("quantity", flat=True)) == 1100
    shown = manager.get(API).json()["results"]
    assert [row["undone_by"] for row in shown] == [None, back.json()["id"]]


def test_the_same_key_corrects_once(manager, downtime):
    answers = [
        manager.post(
            API,
            split(downtime),
            content_type="application/json",
            headers={"Idempotency-Key": "k1"},
        )
        for _ in range(2)
    ]
    assert [each.status_code for each in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert Correction.objects.count() == 1


def test_what_stands_against_it_is_in_the_answer(manager, downtime):
    first = post(manager, **split(downtime)).json()
    second = post(manager, **split(downtime, 700)).json()
    refused = post(manager, f"{first['id']}/undo/", reason="no")
    assert refused.status_code == 409
    assert refused.json()["present"]["id"] == second["id"]
    outside = post(manager, **split(downtime, 5000))
    assert outside.status_code == 409
    assert outside.json()["code"] == "outside"


def test_every_kind_can_be_asked_for(manager, machine, downtime):
    Reason.objects.create(code="JAM", name="Jam")
    of = {"subject": "downtime", "subject_id": downtime.pk, "reason": "why"}
    asked = [
        {**of, "what": "reason", "reason_code": "JAM", "note": "film"},
        {**of, "what": "ends", "started_at": at(630).isoformat()},
        {
            "subject": "count",
            "what": "count",
            "equipment": machine.code,
            "kind": "good",
            "pieces": 5,
            "at": at(1000).isoformat(),
            "reason": "by hand",
        },
        {
            "subject": "span",
            "what": "reason",
            "equipment": machine.code,
            "started_at": at(700).isoformat(),
            "ended_at": at(800).isoformat(),
            "planned_stop_reason": "Cleaning",
            "reason": "forgotten",
        },
    ]
    for body in asked:
        answer = post(manager, **body)
        assert answer.status_code == 201, answer.content
    halves = post(manager, **split(downtime)).json()
    merged = post(manager, **of, what="merge", other_id=halves["after"]["other_id"])
    assert merged.status_code == 201, merged.content


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"subject": "downtime", "what": "split", "reason": "x"}, "at"),
        ({"subject": "downtime", "what": "merge", "reason": "x"}, "other_id"),
        ({"subject": "downtime", "what": "count", "reason": "x"}, "what"),
        ({"subject": "downtime", "what": "split"}, "reason"),
        ({"subject": "downtime", "what": "reason", "reason": "x", "reason_code": "?"}, None),
        ({"subject": "downtime", "what": "undo", "reason": "x"}, "what"),
    ],
)
def test_what_is_asked_wrongly_is_told_field_by_field(manager, downtime, body, field):
    answer = post(manager, **body, subject_id=downtime.pk)
    assert answer.status_code == 400
    assert (field or "reason_code") in answer.json()["errors"]
    assert Correction.objects.count() == 0


def test_only_supervisors_of_the_line(machine, downtime, as_user, foreign):
    operator = as_user(plant.person("operator", "operator", machine.line))
    stranger = as_user(plant.person("stranger", "shift_manager", foreign.line))
    assert post(operator, **split(downtime)).status_code == 403
    assert post(stranger, **split(downtime)).status_code == 404
    assert post(stranger, "preview/", **split(downtime)).status_code == 404
    assert operator.get(API).status_code == 200

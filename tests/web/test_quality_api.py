"""Counting, checking and thresholds as a program meets them: who may, what comes back, what is refused."""

from datetime import timedelta

import pytest
from django.utils import timezone

from ms5.accounts.models import AuditEntry
from production.models import (
    Count,
    Defect,
    Job,
    JobRun,
    QualityAlert,
    QualityCheck,
    QualityThreshold,
)
from tests.web import plant

API = "/api/v1/"
JSON = "application/json"


@pytest.fixture(autouse=True)
def no_quality_yet(own, foreign):
    """Take away what the plant of all pages brings: here each test makes what it looks at."""
    for rows in (QualityAlert, QualityThreshold, QualityCheck):
        rows.objects.all().delete()
    Count.objects.filter(by__isnull=False).delete()
    Defect.objects.all().delete()


@pytest.fixture
def torn(no_quality_yet):
    return Defect.objects.create(code="torn", name="Torn bag")


@pytest.fixture
def operator(own, as_user):
    return as_user(plant.person("operator", "operator", own.line))


@pytest.fixture
def quality(own, as_user):
    return as_user(plant.person("quality", "quality", own.line))


def post(client, path, body, key=None, status=201):
    headers = {"Idempotency-Key": key} if key else {}
    answer = client.post(API + path, body, JSON, headers=headers)
    assert answer.status_code == status, answer.content
    return answer.json()


def codes(client, path, **query):
    answer = client.get(API + path, query)
    assert answer.status_code == 200, answer.content
    return [row.get("code", row.get("id")) for row in answer.json()["results"]]


def entry(own, **fields):
    return {"equipment": own.equipment.code} | fields


# Entries


def test_good_pieces_and_rejects_enter_in_one_request(operator, own, torn):
    own.equipment.is_constraint = True
    own.equipment.save()
    job = Job.objects.create(
        line=own.line, number="4711", product_id=own.equipment.context.product_id
    )
    Job.objects.filter(pk=job.pk).update(status="running")
    JobRun.objects.create(job=job, started_at=timezone.now() - timedelta(hours=1))
    rejects = [{"defect": "torn", "quantity": 3}, {"defect": None, "quantity": 1}]
    answer = post(operator, "entries/", entry(own, good=40, rejects=rejects))
    assert answer["equipment"] == own.equipment.code
    assert [
        (row["kind"], row["quantity"], row["defect"], row["job"], row["by"])
        for row in answer["counts"]
    ] == [
        ("good", 40, None, "4711", "operator"),
        ("reject", 3, "torn", "4711", "operator"),
        ("reject", 1, None, "4711", "operator"),
    ]
    assert answer["job"] == {"number": "4711", "status": "running", "good": 40, "reject": 4}
    listed = operator.get(f"{API}entries/").json()["results"]
    assert {row["id"] for row in listed} == {row["id"] for row in answer["counts"]}
    assert len(operator.get(f"{API}entries/", {"defect": "torn"}).json()["results"]) == 1


def test_the_same_key_counts_once(operator, own):
    first = post(operator, "entries/", entry(own, good=5), key="k1")
    again = operator.post(
        f"{API}entries/", entry(own, good=5), JSON, headers={"Idempotency-Key": "k1"}
    )
    assert (again.status_code, again.json()) == (201, first)
    assert again.headers["Idempotent-Replay"] == "true"
    assert Count.objects.filter(by__isnull=False).count() == 1
    post(operator, "entries/", entry(own, good=6), key="k1", status=400)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, "nothing"),
        ({"good": 1, "at": "2999-01-01T00:00:00Z"}, "in_future"),
        ({"good": 1, "at": "0001-01-01T00:00:00Z"}, None),
        ({"good": -1}, None),
        ({"good": 10**30}, None),
        ({"good": "many"}, None),
        ({"rejects": [{"defect": "nothing such", "quantity": 1}]}, None),
        ({"rejects": [{"defect": "torn", "quantity": 1}] * 2}, None),
        ({"rejects": {"torn": 1}}, None),
        ({"good": 1, "equipment": "L-FOREIGN.M1"}, None),
        ({"good": 1, "equipment": ["x"]}, None),
        ({"good": 1, "note": "x" * 301}, None),
    ],
)
def test_what_cannot_be_entered_is_refused_with_400(quality, own, foreign, torn, fields, code):
    answer = quality.post(f"{API}entries/", entry(own) | fields, JSON)
    assert answer.status_code in ({400, 403} if "0001" in str(fields) else {400})
    if code:
        assert answer.json()["code"] == code
    assert Count.objects.filter(by__isnull=False).count() == 0


def test_fields_that_are_not_known_are_named_beside_all_else_that_is_wrong(operator, own):
    answer = operator.post(
        f"{API}entries/",
        entry(own) | {"reject": 2, "good": "x", "rejects": [{"defect": None, "amount": 1}]},
        JSON,
    )
    assert answer.status_code == 400
    assert answer.json() == {
        "detail": (
            "good: A valid integer is required. rejects[0].quantity: This field is required."
            " rejects[0].amount: There is no such field."
            " reject: There is no such field; it is `rejects`."
        ),
        "code": "invalid",
        "errors": {
            "good": ["A valid integer is required."],
            "rejects": {
                "0": {
                    "quantity": ["This field is required."],
                    "amount": ["There is no such field."],
                }
            },
            "reject": ["There is no such field; it is `rejects`."],
        },
    }
    alone = operator.post(f"{API}entries/", entry(own) | {"reject": 2}, JSON).json()
    assert (alone["code"], list(alone["errors"])) == ("unknown_field", ["reject"])
    assert Count.objects.filter(by__isnull=False).count() == 0


def test_an_earlier_day_is_for_those_who_correct(operator, own, as_user):
    body = entry(own, good=1, at=(timezone.now() - timedelta(days=2)).isoformat())
    answer = operator.post(f"{API}entries/", body, JSON)
    assert answer.status_code == 403
    assert "supervisor" in answer.json()["detail"]
    post(as_user(plant.person("manager", "shift_manager", own.line)), "entries/", body)


@pytest.mark.parametrize("role", ["viewer", "engineer", "maintenance"])
def test_who_may_not_count_is_refused(role, own, as_user):
    client = as_user(plant.person(role, role, own.line))
    post(client, "entries/", entry(own, good=1), status=403)
    post(client, "entries/defects/", entry(own, defect="torn", quantity=1), status=403)
    post(client, "quality-checks/", {}, status=403)


def test_a_token_counts_with_the_scope_of_production_alone(own, with_key):
    user = plant.person("mes", "integrator", own.line)
    post(with_key(user, scopes=["production"]), "entries/", entry(own, good=1))
    post(with_key(user), "entries/", entry(own, good=1), status=403)


def test_the_defect_of_counted_rejects_is_said(operator, own, torn):
    made = Count.objects.create(
        equipment=own.equipment, kind="reject", quantity=5, at=timezone.now()
    )
    answer = post(operator, "entries/defects/", entry(own, defect="torn", quantity=2))
    assert [(row["quantity"], row["defect"]) for row in answer["counts"]] == [(2, "torn")]
    made.refresh_from_db()
    assert (made.quantity, made.defect) == (3, None)
    refused = post(
        operator, "entries/defects/", entry(own, defect="torn", quantity=9), status=400
    )
    assert refused["code"] == "too_many"


# Checks


def test_a_check_is_written_down_and_found(operator, own, foreign, torn):
    body = {
        "line": own.line.code,
        "equipment": own.equipment.code,
        "kind": "final",
        "checked": 20,
        "failed": 2,
        "defects": [{"defect": "torn", "quantity": 2}],
        "note": "sealing bar cold",
    }
    answer = post(operator, "quality-checks/", body, key="c1")
    assert answer == post(operator, "quality-checks/", body, key="c1")
    assert {key: answer[key] for key in ("result", "product", "job", "by", "defects")} == {
        "result": "fail",
        "product": "P500",
        "job": None,
        "by": "operator",
        "defects": [{"defect": "torn", "quantity": 2}],
    }
    assert codes(operator, "quality-checks/", result="fail") == [answer["id"]]
    assert codes(operator, "quality-checks/", kind="audit") == []
    assert QualityCheck.objects.count() == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"checked": 0},
        {"failed": 21},
        {"line": "L-FOREIGN"},
        {"equipment": "L-FOREIGN.M1"},
        {"kind": "guess"},
        {"defects": [{"defect": "torn", "quantity": 21}]},
        {"defects": [{"defect": "torn", "quantity": 1}] * 2},
        {"at": "2999-01-01T00:00:00Z"},
        {"job": "of another line"},
    ],
)
def test_a_check_that_cannot_be_is_refused_with_400(operator, own, foreign, torn, fields):
    Job.objects.create(
        line=foreign.line,
        number="of another line",
        product_id=own.equipment.context.product_id,
    )
    body = {"line": own.line.code, "kind": "final", "checked": 20}
    post(operator, "quality-checks/", body | fields, status=400)
    assert QualityCheck.objects.count() == 0


# Defects


def test_defects_are_kept_by_those_who_may(quality, operator, own):
    body = {"code": "burnt", "name": "Burnt", "severity": "major"}
    post(operator, "defects/", body, status=403)
    made = post(quality, "defects/", body)
    assert made == body | {"category": "", "is_active": True}
    post(quality, "defects/", body, status=400)  # there is one of that code
    changed = quality.patch(f"{API}defects/burnt/", {"name": "Black", "code": "x"}, JSON)
    assert changed.json() == made | {"name": "Black"}  # codes never change
    assert codes(operator, "defects/", severity="major") == ["burnt"]
    assert quality.delete(f"{API}defects/burnt/").status_code == 204
    assert list(AuditEntry.objects.order_by("pk").values_list("action", "before", "after"))[
        1:2
    ] == [("defect.change", {"name": "Burnt"}, {"name": "Black"})]
    assert list(AuditEntry.objects.order_by("pk").values_list("action", flat=True)) == [
        "defect.add",
        "defect.change",
        "defect.delete",
    ]


def test_saving_a_defect_without_a_change_writes_nothing(quality, torn):
    assert quality.patch(f"{API}defects/torn/", {"name": "Torn bag"}, JSON).status_code == 200
    assert AuditEntry.objects.count() == 0


def test_a_defect_that_records_name_stays(quality, own, torn):
    Count.objects.create(
        equipment=own.equipment, kind="reject", quantity=1, at=timezone.now(), defect=torn
    )
    answer = quality.delete(f"{API}defects/torn/")
    assert (answer.status_code, answer.json()["code"]) == (409, "in_use")
    assert answer.json()["present"]["code"] == "torn"
    assert AuditEntry.objects.count() == 0


# Thresholds and alerts


def body_of(own, **fields):
    return {
        "name": "Rejects",
        "metric": "reject_rate",
        "line": own.line.code,
        "window_size": 30,
        "warning": 0.05,
        "warning_clears": 0.03,
        "critical": 0.1,
        "critical_clears": 0.08,
    } | fields


def test_thresholds_are_kept_by_those_who_may_on_their_lines(quality, operator, own, foreign):
    post(operator, "quality-thresholds/", body_of(own), status=403)
    made = post(quality, "quality-thresholds/", body_of(own), key="t1")
    assert made == post(quality, "quality-thresholds/", body_of(own), key="t1")
    assert (made["window_kind"], made["least_items"], made["equipment"]) == ("time", 20, None)
    path = f"{API}quality-thresholds/{made['id']}/"
    assert quality.patch(path, {"warning": 0.06}, JSON).json()["warning"] == 0.06
    assert operator.get(path).json()["warning"] == 0.06
    assert operator.delete(path).status_code == 403
    foreign_line = QualityThreshold.objects.create(**body_of(own) | {"line": foreign.line})
    assert codes(quality, "quality-thresholds/") == [made["id"]]
    path_there = f"{API}quality-thresholds/{foreign_line.pk}/"
    assert quality.patch(path_there, {"warning": 0.06}, JSON).status_code == 404
    assert quality.delete(path_there).status_code == 404
    assert quality.delete(path).status_code == 204
    assert set(AuditEntry.objects.values_list("action", "line_id")) == {
        ("qualitythreshold.add", own.line.code),
        ("qualitythreshold.change", own.line.code),
        ("qualitythreshold.delete", own.line.code),
    }


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"warning_clears": 0.06}, "warning_clears"),
        ({"critical": 0.04, "critical_clears": 0.03}, "critical"),
        ({"metric": "defect"}, "defect"),
        ({"line": "L-FOREIGN"}, "line"),
        ({"equipment": "L-FOREIGN.M1"}, "equipment"),
        ({"window_size": 0}, "window_size"),
        ({"window_size": 1441}, "window_size"),
        ({"warning": 2}, "warning"),
        ({"window_kind": "moons"}, "window_kind"),
    ],
)
def test_a_threshold_that_cannot_be_is_refused_by_field(quality, own, foreign, fields, field):
    answer = post(quality, "quality-thresholds/", body_of(own, **fields), status=400)
    assert field in answer["errors"]
    assert QualityThreshold.objects.count() == 0


def test_alerts_are_listed_open_or_cleared_on_visible_lines(operator, own, foreign):
    now = timezone.now()
    alerts = []
    for line, cleared_at in ((own.line, None), (own.line, now), (foreign.line, None)):
        threshold = QualityThreshold.objects.create(**body_of(own) | {"line": line})
        alerts.append(
            QualityAlert.objects.create(
                threshold=threshold,
                line=line,
                severity="warning",
                value=0.07,
                limit=0.05,
                clears_at=0.03,
                opened_at=now - timedelta(minutes=5),
                cleared_at=cleared_at,
                window_from=now - timedelta(minutes=35),
                window_to=now,
                items=100,
                breakdown=[{"reason_code": None, "reason": None, "count": 7}],
            )
        )
    assert codes(operator, "quality-alerts/", open="true") == [alerts[0].pk]
    assert codes(operator, "quality-alerts/", open="false") == [alerts[1].pk]
    assert codes(operator, "quality-alerts/", severity="critical") == []
    shown = operator.get(f"{API}quality-alerts/{alerts[0].pk}/").json()
    assert (shown["name"], shown["metric"], shown["value"], shown["line"]) == (
        "Rejects",
        "reject_rate",
        0.07,
        own.line.code,
    )
    assert shown["breakdown"] == [{"reason_code": None, "reason": None, "count": 7}]
    assert operator.get(f"{API}quality-alerts/{alerts[2].pk}/").status_code == 404
    assert operator.post(f"{API}quality-alerts/", {}, JSON).status_code in {403, 405}


def test_a_threshold_with_alerts_can_be_made_inactive_and_not_deleted(quality, own):
    threshold = QualityThreshold.objects.create(**body_of(own) | {"line": own.line})
    now = timezone.now()
    QualityAlert.objects.create(
        threshold=threshold,
        line=own.line,
        severity="warning",
        limit=0.05,
        clears_at=0.03,
        opened_at=now,
        window_from=now,
        window_to=now,
        items=0,
    )
    path = f"{API}quality-thresholds/{threshold.pk}/"
    assert quality.delete(path).json()["code"] == "in_use"
    assert quality.patch(path, {"is_active": False}, JSON).status_code == 200
    answer = quality.patch(path, {"metric": "first_pass_yield"}, JSON)
    assert answer.status_code == 400
    assert "metric" in answer.json()["errors"]

"""Jobs as programs and tablets move them: one deed a key, 409 with what stands against it, lines as limits."""

import json

import pytest

from ms5.events.models import Event
from production.models import Job, Line, Product
from tests.floor import T0
from tests.web import plant

API = "/api/v1/jobs/"


@pytest.fixture(autouse=True)
def _no_jobs_yet(own, foreign):
    Job.objects.all().delete()


@pytest.fixture
def boss(own, with_key):
    user = plant.person("boss", "shift_manager", own.line)
    return with_key(user, scopes=["read", "production"])


@pytest.fixture
def ada(own):
    return plant.person("ada", "operator", own.line)


@pytest.fixture
def operator(ada, with_key):
    return with_key(ada, scopes=["read", "production"])


def post(client, path, body=None, code=200, **headers):
    answer = client.post(
        f"{API}{path}", json.dumps(body or {}), content_type="application/json", headers=headers
    )
    assert answer.status_code == code, answer.content
    return answer.json()


def plan(client, number="PO-1", code=201, **order):
    body = {"line": "L-OWN", "number": number, "product": "P500"} | order
    return post(client, "", body, code)


def given(boss, number="PO-1", **order):
    job = plan(boss, number, **order)
    return post(boss, f"{job['id']}/assign/", {"operator": "ada"})


def test_a_job_is_planned_assigned_and_done(boss, operator, ada):
    job = plan(boss, target=200, note="soft")
    assert job == {
        "id": Job.objects.get().pk,
        "line": "L-OWN",
        "number": "PO-1",
        "product": "P500",
        "target": 200,
        "completes_at_target": False,
        "status": "planned",
        "position": 1,
        "operator": None,
        "operator_name": None,
        "good": 0,
        "reject": 0,
        "progress": 0.0,
        "planned_start_at": None,
        "planned_end_at": None,
        "assigned_at": None,
        "accepted_at": None,
        "started_at": None,
        "paused_at": None,
        "ended_at": None,
        "pause_reason": "",
        "cancel_reason": "",
        "note": "soft",
        "by": "boss",
        "version": 1,
    }
    path = f"{job['id']}/"
    assert post(boss, f"{path}assign/", {"operator": "ada"})["operator"] == "ada"
    assert post(operator, f"{path}accept/")["status"] == "accepted"
    assert post(operator, f"{path}start/", {"version": 3})["status"] == "running"
    assert post(operator, f"{path}pause/", {"reason": "film"})["pause_reason"] == "film"
    assert post(operator, f"{path}note/", {"note": "went well"})["note"] == "went well"
    assert post(operator, f"{path}resume/")["status"] == "running"
    done = post(operator, f"{path}complete/")
    assert (done["status"], done["by"], done["version"]) == ("completed", "ada", 8)
    assert operator.get(f"{API}{path}").json() == done


def test_the_same_key_does_it_once_and_gets_the_same_answer(boss):
    key = {"Idempotency-Key": "k1"}
    body = {"line": "L-OWN", "number": "PO-1", "product": "P500"}
    first = post(boss, "", body, 201, **key)
    assert post(boss, "", body, 201, **key) == first
    assert Job.objects.count() == 1
    assert post(boss, "", body | {"number": "PO-2"}, 400, **key)["code"] == "key_reused"


def test_what_stands_against_a_start_is_told(boss, operator):
    first, second = given(boss, "PO-1"), given(boss, "PO-2")
    post(operator, f"{first['id']}/start/")
    told = post(operator, f"{second['id']}/start/", code=409)
    assert told["code"] == "line_busy"
    assert told["detail"] == "Job PO-1 runs on Line L-OWN: pause or complete it first."
    assert (told["present"]["id"], told["present"]["status"]) == (first["id"], "running")


def test_another_version_is_409_with_the_present_job(boss, operator):
    job = given(boss)
    told = post(operator, f"{job['id']}/start/", {"version": 1}, 409)
    assert (told["code"], told["present"]["version"]) == ("changed", 2)


def test_a_move_that_cannot_be_is_409_with_the_present_job(boss, operator):
    job = plan(boss)
    told = post(boss, f"{job['id']}/start/", code=409)
    assert (told["code"], told["present"]["status"]) == ("wrong_status", "planned")
    assert told["detail"] == "PO-1 is planned: assign it to an operator first."


@pytest.mark.parametrize("move", ["assign", "cancel"])
def test_an_operator_plans_nothing(boss, operator, move):
    job = given(boss)
    post(operator, f"{job['id']}/{move}/", {"operator": "ada", "reason": "x"}, 403)
    post(operator, "reorder/", {"line": "L-OWN", "jobs": [job["id"]]}, 403)
    plan(operator, "PO-2", 403)


@pytest.mark.parametrize("role", ["viewer", "maintenance", "engineer", "quality"])
def test_who_does_no_jobs_moves_none(own, boss, with_key, role, ada):
    job = given(boss)
    reader = with_key(plant.person("someone", role, own.line), scopes=["read", "production"])
    for move in ("accept", "start", "pause", "resume", "complete", "note"):
        post(reader, f"{job['id']}/{move}/", code=403)
    assert reader.get(API).json()["count"] == 1


def test_a_colleague_moves_no_job_of_mine(own, boss, with_key, ada):
    job = given(boss)
    other = with_key(plant.person("eve", "operator", own.line), scopes=["read", "production"])
    told = post(other, f"{job['id']}/start/", code=403)
    assert "is not yours" in told["detail"]


def test_a_token_that_only_reads_moves_nothing(boss, ada, with_key):
    job = given(boss)
    reading = with_key(ada, scopes=["read"])
    told = post(reading, f"{job['id']}/start/", code=403)
    assert told == {
        "detail": (
            "Your token has no scope for this: to accept, start, pause, resume and complete jobs"
            " it needs `production`."
        ),
        "code": "permission_denied",
    }


def test_a_role_that_may_not_is_named(own, boss, as_user):
    viewer = as_user(plant.person("eve", "viewer", own.line))
    told = plan(viewer, "PO-3", 403)
    assert told["detail"] == (
        "Your role, viewer, may not plan, assign, reorder and cancel jobs."
    )


def test_a_method_that_is_not_there_is_405(boss):
    job = plan(boss)
    assert boss.delete(f"{API}{job['id']}/").status_code == 405


@pytest.mark.parametrize(
    ("status", "move", "sentence"),
    [
        ("planned", "accept", "PO-1 is planned: assign it to an operator first."),
        ("planned", "pause", "PO-1 is planned: assign it to an operator and start it first."),
        ("assigned", "complete", "PO-1 is assigned: start it first."),
        ("accepted", "resume", "PO-1 is accepted: start it first."),
        ("paused", "start", "PO-1 is paused: resume it instead."),
        ("running", "accept", "PO-1 is running: it has begun and cannot be accepted any more."),
        (
            "completed",
            "start",
            "PO-1 is completed: it is over and cannot be started; plan another job.",
        ),
    ],
)
def test_a_move_that_cannot_be_says_what_to_do(boss, status, move, sentence):
    job = plan(boss)
    times = {"started_at": T0} if status in {"running", "paused", "completed"} else {}
    times |= {"ended_at": T0} if status == "completed" else {}
    ada = plant.person("ada", "operator", Line.objects.get(code="L-OWN"))
    Job.objects.filter(pk=job["id"]).update(
        status=status, operator=None if status == "planned" else ada, **times
    )
    told = post(boss, f"{job['id']}/{move}/", code=409)
    assert (told["code"], told["detail"]) == ("wrong_status", sentence)


def test_a_foreign_line_has_no_jobs_and_takes_none(boss, foreign, with_key):
    theirs = with_key(
        plant.person("them", "shift_manager", foreign.line), scopes=["read", "production"]
    )
    job = plan(theirs, line="L-FOREIGN")
    assert boss.get(API).json()["count"] == 0
    assert boss.get(f"{API}{job['id']}/").status_code == 404
    for move in ("accept", "start", "complete"):
        post(boss, f"{job['id']}/{move}/", code=404)
    told = plan(boss, "PO-9", 400, line="L-FOREIGN")
    assert told["errors"] == {"line": ["There is no such line."]}
    taken = plan(boss, "PO-1", 400)
    assert (taken["code"], "present" in taken) == ("number_taken", False)


def test_a_number_is_given_once(boss):
    job = plan(boss)
    told = plan(boss, code=409)
    assert (told["code"], told["present"]["id"]) == ("number_taken", job["id"])


def test_a_cancelled_job_says_why(boss, operator):
    job = given(boss)
    post(boss, f"{job['id']}/cancel/", code=400)
    post(boss, f"{job['id']}/cancel/", {"reason": " "}, 400)
    told = post(boss, f"{job['id']}/cancel/", {"reason": "no flour"})
    assert (told["status"], told["cancel_reason"], told["position"]) == (
        "cancelled",
        "no flour",
        None,
    )
    said = json.loads(Event.objects.filter(type="job_cancelled").get().text)
    assert said["data"]["cancel_reason"] == "no flour"


def test_an_assignment_is_taken_back(boss, operator):
    job = given(boss)
    told = post(boss, f"{job['id']}/assign/", {"operator": None})
    assert (told["status"], told["operator"]) == ("planned", None)


@pytest.mark.parametrize("who", ["nobody", "watcher"])
def test_a_job_is_not_given_to_who_does_none(own, boss, who):
    plant.person("watcher", "viewer", own.line)
    job = plan(boss)
    post(boss, f"{job['id']}/assign/", {"operator": who}, 400)


def test_what_is_wanted_is_changed(boss):
    Product.objects.create(code="P750", name="750 g loaf")
    job = plan(boss)
    answer = boss.patch(
        f"{API}{job['id']}/",
        json.dumps({"target": 70, "product": "P750", "version": 1}),
        content_type="application/json",
    )
    assert answer.status_code == 200, answer.content
    told = answer.json()
    assert (told["target"], told["product"], told["version"]) == (70, "P750", 2)


@pytest.mark.parametrize(
    "order",
    [
        {"target": 0},
        {"target": -1},
        {"target": 10**18},
        {"target": "many"},
        {"product": "NONE"},
        {"number": ""},
        {"number": "x" * 61},
        {"number": "a\x00b"},
        {"note": "x" * 301},
        {"planned_start_at": "soon"},
        {"planned_start_at": "2026-03-02T09:00Z", "planned_end_at": "2026-03-02T08:00Z"},
        {"line": ["L-OWN"]},
    ],
)
def test_what_cannot_be_planned_is_400(boss, order):
    plan(boss, **{"code": 400, **order})
    assert Job.objects.count() == 0


def test_the_queue_gets_another_order(boss):
    ids = [plan(boss, f"PO-{number}")["id"] for number in range(3)]
    wanted = [ids[2], ids[0], ids[1]]
    told = post(boss, "reorder/", {"line": "L-OWN", "jobs": wanted})
    assert told == {"line": "L-OWN", "jobs": wanted}
    rows = boss.get(API, {"line": "L-OWN"}).json()["results"]
    assert [(row["id"], row["position"]) for row in rows] == list(
        zip(wanted, (1, 2, 3), strict=True)
    )
    told = post(boss, "reorder/", {"line": "L-OWN", "jobs": wanted[:2]}, 409)
    assert (told["code"], told["present"]) == (
        "queue_changed",
        {"line": "L-OWN", "jobs": wanted},
    )


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ({}, ["PO-2", "PO-3", "PO-1"]),
        ({"status": "running"}, ["PO-1"]),
        ({"status": ["running", "planned"]}, ["PO-3", "PO-1"]),
        ({"operator": "ada"}, ["PO-2", "PO-1"]),
        ({"open": "true"}, ["PO-2", "PO-3", "PO-1"]),
        ({"open": "false"}, []),
        ({"product": "P500", "line": "L-OWN"}, ["PO-2", "PO-3", "PO-1"]),
        ({"product": "P750"}, []),
        ({"line": "L-FOREIGN"}, []),
        ({"search": "PO-3"}, ["PO-3"]),
    ],
)
def test_the_list_is_narrowed_by_what_is_asked(boss, operator, query, numbers):
    first = given(boss, "PO-1")
    given(boss, "PO-2")
    plan(boss, "PO-3")
    post(operator, f"{first['id']}/start/")
    rows = boss.get(API, query).json()["results"]
    assert [row["number"] for row in rows] == numbers


def test_a_list_of_jobs_costs_as_many_queries_as_one(
    boss, operator, django_assert_max_num_queries
):
    for number in range(12):
        given(boss, f"PO-{number}")
    with django_assert_max_num_queries(6):
        assert boss.get(API).json()["count"] == 12

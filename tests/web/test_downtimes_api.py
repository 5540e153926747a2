"""Downtimes over the API: found by line, given reasons, confirmed, split, merged and added up."""

from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.utils import timezone

from ms5.accounts.models import AuditEntry
from production import processors, settling, starting
from production.actions import observe
from production.models import Downtime, Reason, Settlement, Site, TimeTally
from production.public.downtimes import downtime_of
from tests import factories
from tests.factories import T0, at, observation
from tests.web import plant

API = "/api/v1/downtimes/"
JSON = "application/json"
pytestmark = pytest.mark.django_db


def machine(code, number=1):
    line = plant.line(code, number)
    on = factories.equipment(
        line=line, is_constraint=True, stop_after_s=60, no_data_after_s=9999
    )
    states = [(0, "running"), (600, "stopped"), (1200, "running"), (3600, "running")]
    observe([observation(on, seconds, state) for seconds, state in states])
    return on


@pytest.fixture
def own():
    starting.load()
    return machine(plant.OWN, 1)


@pytest.fixture
def foreign(own):
    return machine(plant.FOREIGN, 2)


@pytest.fixture
def row(own):
    return own.downtimes.get()


@pytest.fixture
def person(own, as_user):
    def of(role):
        return as_user(plant.person(f"a-{role}", role, own.line))

    return of


@pytest.fixture
def supervisor(person):
    return person("shift_manager")


def post(client, row, verb, body=None, **headers):
    return client.post(f"{API}{row.pk}/{verb}/", body or {}, JSON, headers=headers)


@pytest.fixture
def lasting(own):
    """A downtime that began a quarter of an hour ago and lasts, about noon by the clock of its site."""
    now = timezone.now()
    Site.objects.update(time_zone=f"Etc/GMT{now.hour - 12:+d}")
    ago = [(now - timedelta(minutes=each), state) for each, state in PRESENT]
    observe([observation(own, source_at=moment, state=state) for moment, state in ago])
    processors.downtime(now)
    return own.downtimes.get(ended_at=None)


PRESENT = ((20, "running"), (15, "stopped"), (1, "stopped"))


def window(**extra):
    times = {"from": T0.isoformat(), "to": at(3600).isoformat()}
    return "?" + urlencode(times | extra)


def test_a_list_shows_the_downtimes_of_lines_one_may_see(supervisor, own, foreign):
    (only,) = supervisor.get(API).json()["results"]
    assert only["equipment"] == own.code
    assert (only["status"], only["reason"], only["category"]) == ("closed", None, "unplanned")
    assert (only["started_at"], only["ended_at"]) == (
        "2026-11-23T10:10:00Z",
        "2026-11-23T10:20:00Z",
    )
    assert supervisor.get(f"{API}{foreign.downtimes.get().pk}/").status_code == 404


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ("unassigned=true", 1),
        ("unassigned=false", 0),
        ("open=true", 0),
        ("open=false", 1),
        ("confirmed=false", 1),
        ("confirmed=true", 0),
        ("line=L-OWN", 1),
        ("line=L-FOREIGN", 0),
        ("reason=CLEANING", 0),
        ("category=unplanned", 1),
        ("after=2026-11-23T10:19:59Z", 1),
        ("after=2026-11-23T10:20:00Z", 0),
        ("before=2026-11-23T10:10:00Z", 0),
        ("before=2026-11-23T10:10:01Z", 1),
    ],
)
def test_a_list_can_be_narrowed(supervisor, foreign, query, number):
    assert len(supervisor.get(f"{API}?{query}").json()["results"]) == number


def test_an_operator_says_the_reason_and_a_supervisor_confirms_it(person, supervisor, row):
    said = post(person("operator"), row, "reason", {"reason": "MOTOR_FAIL", "note": "smoke"})
    assert said.status_code == 200
    assert (said.json()["reason"], said.json()["note"]) == ("MOTOR_FAIL", "smoke")
    confirmed = post(supervisor, row, "confirm").json()
    assert (confirmed["status"], confirmed["confirmed_by"]) == ("confirmed", "a-shift_manager")
    again = post(supervisor, row, "unconfirm").json()
    assert (again["status"], again["reason"]) == ("closed", "MOTOR_FAIL")
    assert list(AuditEntry.objects.order_by("pk").values_list("action", flat=True)) == [
        "downtime.reason",
        "downtime.confirm",
        "downtime.unconfirm",
    ]


def test_a_deed_with_a_key_is_done_once(supervisor, lasting):
    body = {"at": (lasting.started_at + timedelta(minutes=5)).isoformat()}
    before = Downtime.objects.count()
    answers = [
        post(supervisor, lasting, "split", body, **{"Idempotency-Key": "k1"}) for _ in "12"
    ]
    assert answers[0].json() == answers[1].json()
    assert answers[1].headers["Idempotent-Replay"] == "true"
    assert Downtime.objects.count() == before + 1


def test_what_is_past_is_put_right_by_a_correction_alone(person, supervisor, row):
    operator = person("operator")
    assert post(operator, row, "reason", {"reason": "MOTOR_FAIL"}).status_code == 200
    for client, verb, body in (
        (operator, "reason", {"reason": "REWORK"}),
        (supervisor, "reason", {"reason": None}),
        (supervisor, "confirm", {"reason": "REWORK"}),
        (supervisor, "split", {"at": at(900).isoformat()}),
    ):
        refused = post(client, row, verb, body)
        assert (refused.status_code, refused.json()["code"]) == (409, "needs_correction")
        assert refused.json()["present"]["reason"] == "MOTOR_FAIL"
    body = {"subject": "downtime", "what": "reason", "subject_id": row.pk}
    body |= {"reason_code": "REWORK", "reason": "as found by maintenance"}
    assert supervisor.post("/api/v1/corrections/", body, JSON).status_code == 201
    row.refresh_from_db()
    assert row.reason.code == "REWORK"


def test_who_was_slower_gets_409_with_the_present_object(supervisor, row):
    assert (
        post(supervisor, row, "confirm", {"reason": "REWORK", "version": 1}).status_code == 200
    )
    late = post(supervisor, row, "confirm", {"reason": "CLEANING", "version": 1})
    assert late.status_code == 409
    assert late.json()["code"] == "changed"
    assert (late.json()["present"]["reason"], late.json()["present"]["version"]) == (
        "REWORK",
        2,
    )


def test_one_that_was_merged_is_closed_and_listed_only_where_it_is_asked_for(supervisor, row):
    post(supervisor, row, "reason", {"reason": "MOTOR_FAIL"})
    body = {
        "subject": "downtime",
        "what": "split",
        "subject_id": row.pk,
        "at": at(900).isoformat(),
        "reason": "two causes",
    }
    corrections = "/api/v1/corrections/"
    told = supervisor.post(corrections, body, JSON).json()
    half = Downtime.objects.exclude(pk=row.pk).get()
    assert post(supervisor, half, "confirm").json()["status"] == "confirmed"
    undone = supervisor.post(f"{corrections}{told['id']}/undo/", {"reason": "one cause"}, JSON)
    assert undone.status_code == 201, undone.content

    half.refresh_from_db()
    public = downtime_of(half)
    assert (public.status, public.merged_into) == ("closed", row.pk)
    shown = supervisor.get(f"{API}{half.pk}/").json()
    assert (shown["status"], shown["merged_into"]) == ("closed", row.pk)

    def listed(query=""):
        return {each["id"] for each in supervisor.get(API + query).json()["results"]}

    assert listed() == listed("?merged=false") == {row.pk}
    assert listed("?merged=true") == {row.pk, half.pk}


def test_split_halves_are_merged_again(supervisor, lasting):
    moment = lasting.started_at + timedelta(minutes=5)
    post(supervisor, lasting, "split", {"at": moment.isoformat()})
    second = Downtime.objects.get(started_at=moment)
    whole = post(supervisor, lasting, "merge", {"other": second.pk}).json()
    assert (whole["id"], whole["ended_at"]) == (lasting.pk, None)
    assert supervisor.get(f"{API}{second.pk}/").json()["merged_into"] == lasting.pk


def test_a_neighbour_on_a_foreign_line_cannot_be_named(supervisor, row, foreign):
    answer = post(supervisor, row, "merge", {"other": foreign.downtimes.get().pk})
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("verb", "body", "code"),
    [
        ("reason", {}, 400),
        ("reason", {"reason": "NO_SUCH"}, 400),
        ("confirm", {}, 409),
        ("split", {"at": "2026-11-23T11:00:00Z"}, 409),
        ("split", {"at": "soon"}, 400),
        ("split", {}, 400),
        ("merge", {}, 400),
        ("respond", {"at": "2026-11-23T09:00:00Z"}, 409),
        ("reason", {"reason": "REWORK", "version": 0}, 400),
    ],
)
def test_what_cannot_be_is_refused_with_a_reason_and_changes_nothing(
    supervisor, row, verb, body, code
):
    answer = post(supervisor, row, verb, body)
    assert answer.status_code == code
    assert Downtime.objects.get().version == 1
    assert AuditEntry.objects.count() == 0


@pytest.mark.parametrize(
    ("role", "says", "confirms"),
    [
        ("operator", 200, 403),
        ("shift_manager", 200, 200),
        ("production_manager", 200, 200),
        ("admin", 200, 200),
        ("engineer", 403, 403),
        ("quality", 403, 403),
        ("viewer", 403, 403),
        ("integrator", 200, 403),
    ],
)
def test_who_may_say_and_who_may_confirm(person, row, role, says, confirms):
    client = person(role)
    assert post(client, row, "reason", {"reason": "REWORK"}).status_code == says
    assert post(client, row, "confirm", {"reason": "REWORK"}).status_code == confirms


def test_a_token_says_reasons_within_its_scope_and_confirms_nothing(own, row, with_key):
    manager = plant.person("program", "shift_manager", own.line)
    for scopes, says in ((["read"], 403), (["read", "production"], 200)):
        client = with_key(manager, scopes=scopes)
        assert post(client, row, "reason", {"reason": "REWORK"}).status_code == says
        refused = post(client, row, "confirm")
        assert refused.status_code == 403
        assert refused.json()["detail"] == (
            "No token may confirm, split and merge downtimes: that is for people who are signed in."
        )


def test_a_foreign_downtime_is_not_there(supervisor, foreign):
    for verb in ("reason", "confirm", "split", "merge", "respond", "repaired"):
        assert post(supervisor, foreign.downtimes.get(), verb).status_code == 404


def test_coming_and_mending_make_the_mean_times(person, supervisor, row, own):
    operator = person("operator")
    post(operator, row, "reason", {"reason": "MOTOR_FAIL"})
    post(operator, row, "respond", {"at": at(660).isoformat()})
    post(operator, row, "repaired", {"at": at(960).isoformat()})
    found = supervisor.get(f"{API}reliability/{window(line=own.line.code)}").json()
    assert (found["failures"], found["unassigned"], found["run_minutes"]) == (1, 0, 50.0)
    assert found["between_failures"] == {"minutes": 50.0, "count": 1, "why": None}
    assert [found[name]["minutes"] for name in ("to_respond", "to_repair", "to_restore")] == [
        1.0,
        5.0,
        10.0,
    ]


def test_the_pareto_is_that_of_lines_one_may_see(supervisor, own, foreign):
    found = supervisor.get(f"{API}pareto/{window()}").json()
    assert (found["by"], found["unassigned_minutes"]) == ("reason", 10.0)
    assert found["rows"] == [
        {
            "code": None,
            "name": "Unassigned",
            "minutes": 10.0,
            "count": 1,
            "lost_parts": None,
            "share": 1.0,
            "cumulative_share": 1.0,
        }
    ]
    by_machine = supervisor.get(f"{API}pareto/{window(by='equipment')}").json()
    assert [row["code"] for row in by_machine["rows"]] == [own.code]
    nothing = supervisor.get(f"{API}pareto/{window(line=foreign.line.code)}").json()
    assert nothing["rows"] == []


@pytest.mark.parametrize(
    "query",
    [
        "by=mood",
        "from=yesterday",
        "from=2026-11-24T00:00:00Z&to=2026-11-23T00:00:00Z",
        "from=2024-01-01T00:00:00Z&to=2026-11-23T00:00:00Z",
    ],
)
def test_a_window_that_cannot_be_is_refused_with_a_sentence(supervisor, query):
    answer = supervisor.get(f"{API}pareto/?{query}")
    assert answer.status_code == 400
    assert answer.json()


def test_the_reasons_are_listed_as_a_tree(supervisor):
    rows = supervisor.get("/api/v1/reasons/").json()["results"]
    assert len(rows) == 34
    assert [row["code"] for row in rows[:3]] == ["MECHANICAL", "MECH_FAULT", "BEARING_FAIL"]
    assert [row["code"] for row in rows if row["parent"] is None][:3] == [
        "MECHANICAL",
        "ELECTRICAL",
        "MATERIAL",
    ]
    assert len(supervisor.get("/api/v1/reasons/?parent=FLOW").json()["results"]) == 3


def test_master_data_of_reasons_is_kept_by_those_whose_role_says_so(own, as_user):
    engineer = as_user(plant.person("eng", "engineer", own.line))
    new = {"code": "GLUE", "name": "Glue", "parent": "MATERIAL", "six_loss": "idling"}
    made = engineer.post("/api/v1/reasons/", new, JSON)
    assert (made.status_code, made.json()["parent"]) == (201, "MATERIAL")
    deep = {"code": "GLUE2", "name": "Cold", "parent": "GLUE"}
    assert engineer.post("/api/v1/reasons/", deep, JSON).status_code == 201
    deeper = {"code": "GLUE3", "name": "Colder", "parent": "GLUE2"}
    assert engineer.post("/api/v1/reasons/", deeper, JSON).status_code == 400
    changed = engineer.patch("/api/v1/reasons/GLUE2/", {"name": "Cold glue"}, JSON)
    assert changed.json()["name"] == "Cold glue"
    assert engineer.delete("/api/v1/reasons/GLUE2/").status_code == 204
    assert list(AuditEntry.objects.order_by("pk").values_list("action", flat=True)) == [
        "reason.add",
        "reason.add",
        "reason.change",
        "reason.delete",
    ]
    viewer = as_user(plant.person("look", "operator", own.line))
    assert viewer.patch("/api/v1/reasons/GLUE/", {"name": "x"}, JSON).status_code == 403


def test_a_reason_that_records_name_stays(own, row, as_user):
    Downtime.objects.update(reason=Reason.objects.get(code="REWORK"))
    engineer = as_user(plant.person("eng", "engineer", own.line))
    assert engineer.delete("/api/v1/reasons/REWORK/").status_code == 409
    assert Reason.objects.filter(code="REWORK").count() == 1


def test_another_bucket_of_a_reason_takes_back_what_was_settled_by_it(own, row, as_user):
    reason = Reason.objects.get(code="REWORK")
    Downtime.objects.update(reason=reason)
    settling.settle(at(3600))
    own.refresh_from_db()
    before = own.settlement.until
    assert before > row.started_at + timedelta(minutes=15)
    engineer = as_user(plant.person("eng", "engineer", own.line))
    changed = engineer.patch("/api/v1/reasons/REWORK/", {"loss": "planned"}, JSON)
    assert changed.status_code == 200
    # The stop began in the first quarter of all, so nothing is settled any more.
    assert Settlement.objects.count() == TimeTally.objects.count() == 0

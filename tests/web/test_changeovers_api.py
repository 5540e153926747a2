"""Changeovers over the API: started, taken in steps, ended and called off; their targets and their lengths."""

from datetime import timedelta

import pytest
from django.utils import timezone

from ms5.accounts.models import AuditEntry
from production.actions import changeovers, set_context
from production.models import Changeover, ChangeoverTarget, Equipment, Job, Product, StepPlan
from tests.web import plant

API = "/api/v1/changeovers/"
TARGETS = "/api/v1/changeover-targets/"
JSON = {"content_type": "application/json"}


@pytest.fixture(autouse=True)
def _bare(own, foreign):
    """The lines come with a changeover and a target each; here every test makes its own."""
    Changeover.objects.all().delete()
    ChangeoverTarget.objects.all().delete()


@pytest.fixture
def now():
    return timezone.now().replace(microsecond=0)


@pytest.fixture
def rolls(own, now):
    """Another product; until an hour ago the line was set to loaves."""
    Equipment.objects.filter(pk=own.equipment.pk).update(is_constraint=True)
    loaf = Product.objects.get(code="P500")
    own.equipment.context.delete()
    set_context(own.equipment, actor=None, at=now - timedelta(hours=2), product=loaf)
    return Product.objects.create(code="ROLL", name="Rolls", plc_number=7)


@pytest.fixture
def operator(own, as_user):
    return as_user(plant.person("op", "operator", own.line))


@pytest.fixture
def manager(own, as_user):
    return as_user(plant.person("pm", "production_manager", own.line))


def start(client, **said):
    return client.post(API, {"line": "L-OWN", "to_product": "ROLL"} | said, **JSON)


def target_of(own, rolls, **fields):
    target = ChangeoverTarget.objects.create(line=own.line, minutes=10, **fields)
    StepPlan.objects.create(target=target, name="Blades", minutes=4, position=1)
    return target


class TestActing:
    def test_an_operator_starts_one_and_sees_what_it_is(self, operator, own, rolls, now):
        target_of(own, rolls)
        began = now - timedelta(minutes=5)
        answer = start(operator, at=began.isoformat(), note="early")
        assert answer.status_code == 201, answer.content
        told = answer.json()
        assert (told["from_product"], told["to_product"]) == ("P500", "ROLL")
        assert (told["line"], told["status"], told["started_with"]) == (
            "L-OWN",
            "running",
            "person",
        )
        assert (told["target_s"], told["actual_s"], told["started_by"]) == (600.0, None, "op")
        assert [step["name"] for step in told["steps"]] == ["Blades"]
        assert operator.get(f"{API}{told['id']}/").json() == told

    def test_a_key_makes_one_of_two_requests(self, operator, rolls):
        headers = {"headers": {"Idempotency-Key": "k-1"}}
        body = {"line": "L-OWN", "to_product": "ROLL"}
        first, second = (operator.post(API, body, **JSON, **headers) for _ in range(2))
        assert first.json() == second.json()
        assert second.headers["Idempotent-Replay"] == "true"
        assert Changeover.objects.count() == AuditEntry.objects.count() == 1

    def test_a_job_is_named_by_its_number(self, operator, own, rolls):
        job = Job.objects.create(line=own.line, number="J", product=rolls)
        assert start(operator, job=job.pk).json()["job"] == job.pk
        assert start(operator, job=999_999).json()["errors"] == {
            "job": ["The line has no such job."]
        }

    def test_steps_have_their_own_times(self, operator, own, rolls):
        target_of(own, rolls)
        told = start(operator).json()
        step = f"{API}{told['id']}/steps/{told['steps'][0]['id']}"
        refused = operator.post(f"{step}/end/")
        assert (refused.status_code, refused.json()["code"]) == (409, "not_begun")
        assert operator.post(f"{step}/start/").status_code == 200
        answer = operator.post(f"{step}/end/").json()
        taken = answer["steps"][0]
        assert taken["started_at"] <= taken["ended_at"]
        assert answer["version"] == 3
        assert operator.post(f"{API}{told['id']}/steps/999999/start/").status_code == 404

    def test_it_is_completed_and_then_no_more_called_off(self, operator, rolls, now):
        began = now - timedelta(minutes=5)
        told = start(operator, at=began.isoformat()).json()
        path = f"{API}{told['id']}/"
        ended = began + timedelta(seconds=90)
        done = operator.post(f"{path}complete/", {"at": ended.isoformat()}, **JSON).json()
        assert (done["status"], done["actual_s"], done["ended_by"]) == ("completed", 90.0, "op")
        refused = operator.post(f"{path}cancel/", {"note": "no"}, **JSON)
        assert (refused.status_code, refused.json()["code"]) == (409, "over")
        assert refused.json()["present"] == done

    def test_it_is_called_off_with_a_note(self, operator, rolls):
        told = start(operator).json()
        path = f"{API}{told['id']}/cancel/"
        assert (
            operator.post(path, {"note": "other line"}, **JSON).json()["status"] == "cancelled"
        )
        assert Changeover.objects.get().note == "other line"

    def test_an_old_view_of_it_is_refused_with_the_present_one(self, operator, rolls):
        told = start(operator).json()
        refused = operator.post(f"{API}{told['id']}/complete/", {"version": 9}, **JSON)
        assert (refused.status_code, refused.json()["present"]["version"]) == (409, 1)

    @pytest.mark.parametrize(
        ("said", "field"),
        [
            ({"line": "L-FOREIGN"}, "line"),
            ({"line": "nowhere"}, "line"),
            ({"to_product": "NONE"}, "to_product"),
            ({"at": "2999-01-01T00:00:00Z"}, "at"),
            ({"at": "soon"}, "at"),
            ({"note": "x" * 301}, "note"),
        ],
    )
    def test_what_cannot_be_is_400(self, operator, foreign, rolls, said, field):
        answer = start(operator, **said)
        assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])
        assert Changeover.objects.count() == 0

    @pytest.mark.parametrize("role", ["viewer", "quality", "maintenance", "engineer"])
    def test_who_only_looks_starts_none(self, role, own, rolls, as_user):
        client = as_user(plant.person(role, role, own.line))
        assert start(client).status_code == 403
        assert client.get(API).status_code == 200

    def test_one_of_a_foreign_line_is_not_there(self, operator, foreign, rolls, now):
        chief = plant.person("chief", "admin", all_lines=True)
        theirs = changeovers.start(foreign.line, rolls, actor=chief, at=now)
        assert operator.get(API).json()["count"] == 0
        for path in ("", "complete/", "cancel/", "steps/1/start/"):
            method = operator.post if path else operator.get
            assert method(f"{API}{theirs.pk}/{path}").status_code == 404


def test_the_list_is_narrowed(operator, own, rolls, now):
    told = start(operator, at=(now - timedelta(minutes=9)).isoformat()).json()
    operator.post(f"{API}{told['id']}/complete/")
    start(operator, to_product="P500", from_product="ROLL")
    for query, expected in (
        ({}, 2),
        ({"line": "L-OWN"}, 2),
        ({"line": "L-FOREIGN"}, 0),
        ({"status": "completed"}, 1),
        ({"open": "true"}, 1),
        ({"to_product": "ROLL"}, 1),
        ({"from_product": "ROLL", "open": "true"}, 1),
        ({"over_target": "true"}, 0),
        ({"over_target": "false"}, 2),
        ({"before": (now - timedelta(minutes=5)).isoformat()}, 1),
    ):
        assert operator.get(API, query).json()["count"] == expected, query


def test_the_summary_tells_how_long_each_pair_takes(operator, own, rolls, now):
    loaf = Product.objects.get(code="P500")
    for number in range(10):
        began = now - timedelta(days=1, minutes=30 * number)
        Changeover.objects.create(
            line=own.line,
            from_product=loaf,
            to_product=rolls,
            status="completed",
            started_at=began,
            ended_at=began + timedelta(minutes=number + 1),
            target_s=300,
            started_with="product",
            good_needed=10,
        )
    Changeover.objects.create(
        line=own.line,
        to_product=loaf,
        status="cancelled",
        started_at=now,
        ended_at=now,
        started_with="person",
        good_needed=10,
    )
    assert operator.get(f"{API}summary/").json() == [
        {
            "from_product": "P500",
            "to_product": "ROLL",
            "count": 10,
            "median_s": 330.0,
            "p90_s": 540.0,
            "shortest_s": 60.0,
            "longest_s": 600.0,
            "target_s": 300.0,
            "within": 0.5,
        }
    ]
    assert operator.get(f"{API}summary/", {"line": "L-FOREIGN"}).json() == []


class TestTargets:
    BODY = {
        "line": "L-OWN",
        "to_product": "ROLL",
        "minutes": "12.50",
        "step_plans": [
            {"name": "Trays", "kind": "external", "minutes": "3.00"},
            {"name": "Blades", "kind": "internal", "minutes": None},
        ],
    }

    def make(self, client, **said):
        return client.post(TARGETS, self.BODY | said, **JSON)

    def test_one_is_made_changed_and_taken_away_with_its_steps(self, manager, rolls):
        answer = self.make(manager)
        assert answer.status_code == 201, answer.content
        told = answer.json()
        assert told == {"id": told["id"], "from_product": None, **self.BODY}
        path = f"{TARGETS}{told['id']}/"
        body = {"step_plans": [{"name": "All", "kind": "internal"}]}
        changed = manager.patch(path, body, **JSON)
        assert [step["name"] for step in changed.json()["step_plans"]] == ["All"]
        assert manager.patch(path, {"minutes": "9"}, **JSON).json()["minutes"] == "9.00"
        assert StepPlan.objects.count() == 1
        assert [manager.delete(path).status_code for _ in range(2)] == [204, 404]
        deeds = AuditEntry.objects.order_by("pk").values_list("action", "line_id")
        assert list(deeds) == [
            ("changeovertarget.add", "L-OWN"),
            ("changeovertarget.change", "L-OWN"),
            ("changeovertarget.change", "L-OWN"),
            ("changeovertarget.delete", "L-OWN"),
        ]

    @pytest.mark.parametrize(
        "said",
        [
            {"minutes": "0"},
            {"minutes": "-1"},
            {"minutes": "soon"},
            {"line": "L-FOREIGN"},
            {"to_product": "NONE"},
            {"step_plans": [{"kind": "internal"}]},
            {"step_plans": [{"name": "S", "kind": "internal"}] * 21},
        ],
    )
    def test_what_cannot_be_is_400(self, manager, foreign, rolls, said):
        answer = self.make(manager, **said)
        assert answer.status_code == 400, answer.content
        assert ChangeoverTarget.objects.count() == 0

    def test_a_pair_of_products_has_one(self, manager, rolls):
        assert [self.make(manager).status_code for _ in range(2)] == [201, 400]

    def test_one_of_any_line_is_seen_by_all_and_changed_by_who_sees_every_line(
        self, manager, own, rolls, as_user
    ):
        assert self.make(manager, line=None).status_code == 403
        everywhere = as_user(plant.person("all", "production_manager", all_lines=True))
        told = self.make(everywhere, line=None).json()
        path = f"{TARGETS}{told['id']}/"
        assert manager.get(path).json() == told
        assert manager.patch(path, {"minutes": "1"}, **JSON).status_code == 403
        assert manager.patch(path, {"line": "L-OWN"}, **JSON).status_code == 403
        assert manager.delete(path).status_code == 403
        assert everywhere.patch(path, {"minutes": "1"}, **JSON).status_code == 200

    def test_those_of_foreign_lines_are_not_there(self, manager, foreign, rolls):
        theirs = ChangeoverTarget.objects.create(line=foreign.line, minutes=5)
        assert manager.get(TARGETS).json()["count"] == 0
        assert manager.delete(f"{TARGETS}{theirs.pk}/").status_code == 404

    def test_who_may_not_set_standards_sets_none(self, operator, own, rolls):
        target = target_of(own, rolls)
        assert self.make(operator).status_code == 403
        assert operator.delete(f"{TARGETS}{target.pk}/").status_code == 403
        assert operator.get(TARGETS).json()["count"] == 1

"""Calls as programs and tablets raise and answer them, and what can be asked about them."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from andon.models import AndonCall, Policy, RosterEntry, Rule
from ms5.accounts.models import AuditEntry, User
from ms5.events.models import Event
from tests.web import plant

API = "/api/v1/andon/"


@pytest.fixture(autouse=True)
def _no_calls_yet(own, foreign):
    AndonCall.objects.all().delete()


@pytest.fixture
def boss(own, as_user):
    return as_user(plant.person("boss", "shift_manager", own.line, first_name="Ayse"))


@pytest.fixture
def fitter(own, as_user):
    return as_user(plant.person("fitter", "maintenance", own.line, first_name="Max"))


@pytest.fixture
def operator(own, with_key):
    return with_key(plant.person("ada", "operator", own.line), scopes=["read", "calls"])


def send(client, path, body=None, code=200, method="post", **headers):
    answer = getattr(client, method)(
        f"{API}{path}",
        json.dumps(body or {}),
        content_type="application/json",
        headers=headers,
    )
    assert answer.status_code == code, answer.content
    return answer.json() if answer.content else None


def get(client, path, code=200, **query):
    answer = client.get(f"{API}{path}", query)
    assert answer.status_code == code, answer.content
    return answer.json()


def call(client, code=201, **said):
    return send(client, "calls/", {"line": "L-OWN", "category": "stop"} | said, code)


def test_a_call_is_raised_answered_and_resolved(operator, boss, own):
    raised = call(operator, equipment=own.equipment.code, description="Film torn")
    assert (raised["status"], raised["priority"], raised["raised_by"]) == (
        "open",
        "high",
        "ada",
    )
    assert (raised["equipment"], raised["line_name"]) == (own.equipment.code, "Line L-OWN")
    path = f"calls/{raised['id']}/"
    assert send(boss, f"{path}acknowledge/")["acknowledged_by"] == "Ayse"
    assert send(boss, f"{path}arrive/", {"version": 2})["status"] == "arrived"
    send(operator, f"{path}comment/", {"text": "the roll was old"})
    done = send(boss, f"{path}resolve/", {"text": "new roll"})
    assert (done["status"], done["resolution"], done["version"]) == ("resolved", "new roll", 4)
    assert [(event["verb"], event["text"]) for event in done["events"]] == [
        ("raise", "Film torn"),
        ("acknowledge", ""),
        ("arrive", ""),
        ("comment", "the roll was old"),
        ("resolve", "new roll"),
    ]
    assert done["policy"]["acknowledge_within_s"] == 300
    assert {step["state"] for step in done["steps"]} == {"cancelled"}
    assert get(boss, path) == done
    facts = Event.objects.filter(type="andon_event", line_id="L-OWN").order_by("pk")
    said = [json.loads(fact.text)["data"] for fact in facts]
    assert [data["status"] for data in said] == ["open", "acknowledged", "arrived", "resolved"]
    # What the API tells of it is what the fact told.
    shared = said[-1].keys() & done.keys() - {"equipment_code"}
    assert {name: done[name] for name in shared} | {"resolution": "new roll"} == {
        name: said[-1][name] for name in shared
    } | {"shelf_reason": ""}


def test_the_same_key_calls_once_and_a_repeat_counts(operator):
    key = {"Idempotency-Key": "k1"}
    body = {"line": "L-OWN", "category": "safety"}
    first = send(operator, "calls/", body, 201, **key)
    assert first["priority"] == "critical"
    assert send(operator, "calls/", body, 201, **key) == first
    assert call(operator, category="safety")["occurrences"] == 2
    assert AndonCall.objects.count() == 1


def test_who_is_second_is_told_by_whom_and_when(operator, boss, fitter):
    path = f"calls/{call(operator)['id']}/"
    send(boss, f"{path}acknowledge/")
    told = send(fitter, f"{path}acknowledge/", code=409)
    assert told["code"] == "wrong_status"
    assert told["detail"].startswith("Ayse acknowledged it at ")
    assert told["present"]["acknowledged_by"] == "Ayse"
    assert told["present"]["acknowledged_at"]
    assert send(boss, f"{path}acknowledge/")["version"] == 2


def test_who_may_not_is_told_so(operator, boss, own, as_user):
    raised = call(operator)
    path = f"calls/{raised['id']}/"
    told = send(operator, f"{path}acknowledge/", code=403)
    assert told["detail"] == "Your role, operator, may not answer calls."
    quality = as_user(plant.person("quinn", "quality", own.line))
    told = send(quality, f"{path}acknowledge/", code=403)
    assert told["detail"] == "You answer calls about quality."
    assert "cancels" in send(boss, f"{path}cancel/", code=403)["detail"]
    assert send(operator, f"{path}cancel/", {"text": "mistake"})["status"] == "cancelled"
    viewer = as_user(plant.person("vera", "viewer", own.line))
    assert call(viewer, 403)["code"] == "permission_denied"


def test_a_foreign_line_and_its_calls_do_not_exist(operator, foreign, with_key):
    there = with_key(plant.person("there", "operator", foreign.line), scopes=["read", "calls"])
    theirs = call(there, line="L-FOREIGN")
    assert "line" in call(operator, 400, line="L-FOREIGN")["errors"]
    assert "equipment" in call(operator, 400, equipment=foreign.equipment.code)["errors"]
    send(operator, f"calls/{theirs['id']}/cancel/", code=404)
    assert get(operator, "calls/")["count"] == 0


def test_calls_are_found_by_what_they_are(operator, boss):
    stop, quality = call(operator), call(operator, category="quality", priority="low")
    send(boss, f"calls/{stop['id']}/resolve/", {"text": "done"})

    def found(**query):
        return [row["id"] for row in get(operator, "calls/", **query)["results"]]

    assert found() == [quality["id"], stop["id"]]
    assert found(open="true") == found(category="quality") == [quality["id"]]
    assert found(status="resolved", line="L-OWN", priority="high") == [stop["id"]]
    assert found(after=(timezone.now() + timedelta(hours=1)).isoformat()) == []
    assert get(operator, "calls/", 400, colour="red")["code"] == "unknown_parameter"


def test_a_call_rests_on_the_shelf_with_a_reason(operator, boss):
    path = f"calls/{call(operator)['id']}/"
    until = (timezone.now() + timedelta(hours=1)).isoformat()
    shelved = send(boss, f"{path}shelve/", {"until": until, "text": "spare part comes"})
    assert (shelved["shelved_by"], shelved["shelf_reason"]) == ("Ayse", "spare part comes")
    assert send(boss, f"{path}unshelve/")["shelved_until"] is None
    late = (timezone.now() + timedelta(hours=9)).isoformat()
    assert send(boss, f"{path}shelve/", {"until": late, "text": "x"}, 400)["code"] == "bad_time"


POLICY = {
    "name": "Night",
    "priority": "high",
    "category": "material",
    "line": "L-OWN",
    "acknowledge_within_s": 60,
    "resolve_within_s": 600,
    "levels": [
        {
            "number": 1,
            "after_s": 0,
            "channels": ["live"],
            "recipients": [{"kind": "role", "role": "maintenance"}],
        },
        {
            "number": 2,
            "after_s": 120,
            "reminder_every_s": 30,
            "channels": ["live", "email"],
            "recipients": [{"kind": "duty", "duty": "On call"}],
        },
    ],
}


@pytest.fixture
def chief(own, as_user):
    return as_user(plant.person("chief", "production_manager", own.line))


def test_a_policy_is_made_with_its_levels_and_says_who_would_be_told(chief, fitter, own):
    made = send(chief, "policies/", POLICY, 201)
    assert [level["recipients"] for level in made["levels"]] == [
        [{"kind": "role", "role": "maintenance", "person": None, "duty": None}],
        [{"kind": "duty", "role": "", "person": None, "duty": "On call"}],
    ]
    RosterEntry.objects.update(person=User.objects.get(username="fitter"))
    told = get(
        chief,
        "who-would-be-told/",
        line="L-OWN",
        category="material",
        priority="high",
        at="2026-11-29T02:10:00Z",
    )
    assert (told["policy"], told["at"]) == ("Night", "2026-11-29T02:10:00Z")
    rows = [(row["after_s"], row["kind"], row["level"], row["people"]) for row in told["rows"]]
    assert rows == [
        (0, "level", 1, ["Max"]),
        (60, "reminder", 1, ["Max"]),
        # Nobody is on call then: the level below is told in its place.
        (120, "level", 2, ["Max"]),
        (150, "reminder", 2, ["Max"]),
        (180, "reminder", 2, ["Max"]),
    ]
    assert told["rows"][2]["recipients"] == ["On call (nobody)", "Maintenance"]


def test_a_policy_is_changed_and_deleted_with_an_entry_in_the_audit(chief, own):
    made = send(chief, "policies/", POLICY, 201)
    path = f"policies/{made['id']}/"
    changed = send(chief, path, {"levels": POLICY["levels"][:1]}, method="patch")
    assert len(changed["levels"]) == 1
    send(chief, path, {"levels": POLICY["levels"][:1]}, method="patch")
    send(chief, path, code=204, method="delete")
    entries = AuditEntry.objects.filter(subject_type="andon.policy").order_by("pk")
    assert [(entry.action, entry.line_id) for entry in entries] == [
        ("policy.add", "L-OWN"),
        ("policy.change", "L-OWN"),
        ("policy.delete", "L-OWN"),
    ]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"levels": [{"number": 2, "after_s": 0, "channels": ["live"]}]}, "levels"),
        ({"levels": [{"number": 1, "after_s": 0, "channels": ["smoke"]}]}, "levels"),
        ({"acknowledge_within_s": 0}, "acknowledge_within_s"),
        ({"line": "L-FOREIGN"}, "line"),
        ({"category": "material", "priority": "high", "name": "Night"}, "name"),
    ],
)
def test_a_policy_that_cannot_be_is_refused_at_its_field(chief, change, field):
    send(chief, "policies/", POLICY | {"category": ""}, 400)  # the line has one of its own
    send(chief, "policies/", POLICY, 201)
    body = POLICY | {"name": "Other", "category": "safety"} | change
    assert field in send(chief, "policies/", body, 400)["errors"]


def test_what_is_for_any_line_is_changed_by_those_who_see_every_one(chief, own, as_user):
    anywhere = Policy.objects.create(
        name="Any", priority="low", acknowledge_within_s=900, resolve_within_s=3600
    )
    assert get(chief, f"policies/{anywhere.pk}/")["line"] is None
    send(chief, f"policies/{anywhere.pk}/", {"name": "Mine"}, 403, "patch")
    send(chief, "policies/", POLICY | {"line": None}, 403)
    rule = {"name": "Any stop", "kind": "long_stop"}
    send(chief, "rules/", rule, 403)
    made = send(chief, "rules/", rule | {"line": "L-OWN", "delay_s": 600}, 201)
    send(chief, f"rules/{made['id']}/", {"line": None}, 403, "patch")
    send(chief, f"rules/{made['id']}/", {"delay_s": 300}, method="patch")
    assert Rule.objects.get(pk=made["id"]).delay_s == 300
    everywhere = as_user(plant.person("all", "admin", all_lines=True))
    send(everywhere, f"policies/{anywhere.pk}/", {"name": "Mine"}, method="patch")


def test_a_shift_manager_keeps_the_roster(boss, fitter, foreign):
    entry = {
        "duty": "On call",
        "person": "fitter",
        "line": "L-OWN",
        "starts": "22:00",
        "ends": "06:00",
    }
    made = send(boss, "roster/", entry, 201)
    assert made["weekdays"] == "1234567"
    assert "line" in send(boss, "roster/", entry | {"line": "L-FOREIGN"}, 400)["errors"]
    assert "starts" in send(boss, "roster/", entry | {"starts": None}, 400)["errors"]
    send(boss, f"roster/{made['id']}/", code=204, method="delete")
    send(boss, "policies/", POLICY, 403)


def test_how_calls_were_answered_is_told(operator, boss, own):
    first = call(operator)
    send(boss, f"calls/{first['id']}/acknowledge/")
    send(boss, f"calls/{first['id']}/resolve/", {"text": "done"})
    call(operator)
    call(operator, category="quality")
    told = get(boss, "analytics/", line="L-OWN", by="category")
    assert told["whole"]["calls"] == 3
    assert (told["whole"]["acknowledge"]["taken"], told["whole"]["acknowledge"]["pending"]) == (
        1,
        2,
    )
    assert [(row["key"], row["calls"]) for row in told["groups"]] == [
        ("stop", 2),
        ("quality", 1),
    ]
    assert [(row["category"], row["calls"]) for row in told["offenders"]] == [("stop", 2)]
    assert told["floods"] == []
    assert "by" in get(boss, "analytics/", 400, by="colour")["errors"]

"""Calls in the admin: moved on by actions, never rewritten; policies with whom they tell; who would be told."""

import pytest
from django.urls import reverse

from andon.actions import calls
from andon.choices import Priority
from andon.models import AndonCall, Policy, RosterEntry
from ms5.accounts.models import AuditEntry, User
from tests.floor import T0
from tests.web import plant
from tests.web.forms import errors, form_of, url
from tests.web.test_jobs_admin import told

CALL, POLICY = "andon.andoncall", "andon.policy"


@pytest.fixture(autouse=True)
def _no_calls_yet(own, foreign):
    AndonCall.objects.all().delete()


@pytest.fixture
def boss(own, as_user):
    return as_user(plant.person("boss", "shift_manager", own.line, is_staff=True))


@pytest.fixture
def chief(own, as_user):
    return as_user(plant.person("chief", "production_manager", own.line, is_staff=True))


def raised(on, category="stop"):
    return calls.raise_call(on.line, category=category, priority=Priority.HIGH, at=T0)


def act(client, action, *rows, **said):
    chosen = {"action": action, "_selected_action": [row.pk for row in rows]}
    return client.post(url(CALL, "changelist"), chosen | said)


def test_calls_are_moved_by_actions_and_refusals_are_said(boss, own, foreign):
    call, other = raised(own), raised(foreign)
    answer = act(boss, "acknowledge", call, other)
    assert told(answer) == ["1 call acknowledged."]
    assert b"What was done" in act(boss, "resolve", call).content
    act(boss, "resolve", call, apply="1", text="new film")
    call.refresh_from_db()
    other.refresh_from_db()
    assert (call.status, call.resolution, other.status) == ("resolved", "new film", "open")
    assert "resolved it" in told(act(boss, "arrive", call))[-1]
    act(boss, "comment", call, apply="1", text="well done")
    assert call.events.get(verb="comment").text == "well done"
    page = boss.get(url(CALL, "change", call.pk))
    assert b"new film" in page.content
    assert boss.post(url(CALL, "change", call.pk), {"status": "open"}).status_code == 403
    assert boss.get(url(CALL, "change", other.pk)).status_code == 302


def test_a_viewer_of_the_admin_has_no_actions(own, as_user):
    viewer = as_user(plant.person("vera", "viewer", own.line, is_staff=True))
    call = raised(own)
    act(viewer, "acknowledge", call)
    call.refresh_from_db()
    assert call.status == "open"


def _level(number, after_s, **whom):
    row = {"number": number, "after_s": after_s, "channels": ["live"], "roles": []}
    return {f"levels-{number - 1}-{name}": value for name, value in (row | whom).items()}


def test_a_policy_is_saved_with_its_levels_and_audited_as_a_whole(chief, own):
    path = url(POLICY, "add")
    values = form_of(chief.get(path)) | {
        "name": "Night",
        "priority": "high",
        "category": "safety",
        "line": own.line.pk,
        "acknowledge_within_s": "60",
        "resolve_within_s": "600",
        "levels-TOTAL_FORMS": "2",
        **_level(1, 0, roles=["maintenance"]),
        **_level(2, 120, duties=[RosterEntry.objects.first().duty_id]),
    }
    answer = chief.post(path, values)
    assert answer.status_code == 302, errors(answer)
    policy = Policy.objects.get(name="Night")
    assert [
        [str(recipient) for recipient in level.recipients.all()]
        for level in policy.levels.order_by("number")
    ] == [["Maintenance"], ["On call"]]
    entry = AuditEntry.objects.get(action="policy.add")
    assert [level["recipients"] for level in entry.after["levels"]] == [
        ["Maintenance"],
        ["On call"],
    ]
    change = url(POLICY, "change", policy.pk)
    page = chief.get(change)
    kept = form_of(page) | {"levels-0-roles": ["quality"], "levels-0-channels": ["live"]}
    kept |= {"levels-1-channels": ["live"], "levels-1-duties": values["levels-1-duties"]}
    answer = chief.post(change, kept)
    assert answer.status_code == 302, errors(answer)
    assert str(policy.levels.get(number=1).recipients.get()) == "Quality"
    assert AuditEntry.objects.get(action="policy.change").line_id == "L-OWN"


def test_levels_have_no_gaps_and_tell_somebody(chief, own):
    path = url(POLICY, "add")
    values = form_of(chief.get(path)) | {
        "name": "Night",
        "priority": "low",
        "line": own.line.pk,
        "acknowledge_within_s": "60",
        "resolve_within_s": "600",
        "levels-TOTAL_FORMS": "1",
    }
    for level in (_level(1, 0), _level(1, 0, roles=["quality"]) | {"levels-0-number": "2"}):
        assert chief.post(path, values | level).status_code == 200
    assert not Policy.objects.filter(name="Night").exists()


def test_who_would_be_told_on_a_sunday_night_is_shown(chief, boss, own, foreign, as_user):
    page = chief.get(reverse("admin:andon-simulator"))
    assert page.status_code == 200
    asked = {
        "line": own.line.pk,
        "category": "stop",
        "priority": "high",
        "day": "2026-11-29",
        "time": "07:10",
    }
    RosterEntry.objects.filter(line=own.line).update(person=User.objects.get(username="boss"))
    text = chief.get(reverse("admin:andon-simulator"), asked).content.decode()
    assert "On call (boss)" in text
    assert "Sun 07:10:00" in text
    night = chief.get(
        reverse("admin:andon-simulator"), asked | {"time": "03:10"}
    ).content.decode()
    assert "On call (nobody)" in night
    assert ">nobody</b>" in night
    hidden = chief.get(reverse("admin:andon-simulator"), asked | {"line": foreign.line.pk})
    assert hidden.context["forecast"] is None
    operator = as_user(plant.person("op", "operator", own.line, is_staff=True))
    assert operator.get(reverse("admin:andon-simulator")).status_code == 403

"""The admin's page "Is it alive?" and the rows it refreshes itself from."""

import re
from datetime import timedelta

import pytest
from django.db import OperationalError, connection, connections
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from andon.periods import PERIODS_S as ANDON_S
from ms5.accounts.roles import Role
from ms5.processes.leases import home
from ms5.processes.models import Heartbeat, Run
from ms5.processes.runs import begin, note_run, tell
from realtime import health
from telemetry.models import ConfigurationWarning, Plc, PlcLink
from tests.web import plant

pytestmark = pytest.mark.django_db

PAGE, ROWS = "/admin/alive/", "/admin/alive/now/"


@pytest.fixture(autouse=True)
def nothing_kept():
    health.latest.forget()
    yield
    health.latest.forget()


def table(browser, key):
    """Return the rows of a table as texts, and the level of each row's second cell."""
    health.latest.forget()
    (found,) = [each for each in browser.get(ROWS).json()["tables"] if each["key"] == key]
    width = len(found["columns"])
    assert all(len(row) == width for row in found["rows"])
    return {row[0]["text"]: [cell["text"] for cell in row[1:]] for row in found["rows"]}, {
        row[0]["text"]: row[1]["level"] for row in found["rows"]
    }


@pytest.fixture
def all_seeing(own, as_user):
    return as_user(plant.person("ada", "admin", all_lines=True, is_staff=True))


@pytest.mark.parametrize("role", Role.values)
def test_it_is_for_those_who_may_see_operations(own, as_user, role):
    browser = as_user(plant.person(role, role, own.line, is_staff=True))
    may = role in {Role.ENGINEER, Role.ADMIN}
    assert [browser.get(path).status_code for path in (PAGE, ROWS)] == [200 if may else 403] * 2
    links = [
        item["title"]
        for group in browser.get(reverse("admin:index")).context["sidebar_navigation"]
        for item in group["items"]
    ]
    assert ("Is it alive?" in links) is may
    linked = f'<p class="alive-link"><a href="{PAGE}">Is it alive?</a></p>'
    assert (linked in browser.get(reverse("admin:index")).content.decode()) is may


def test_strangers_and_those_who_are_no_staff_are_led_to_the_login(own, as_user, client):
    plain = as_user(plant.person("plain", "admin", all_lines=True))
    for browser in (plain, client):
        for path in (PAGE, ROWS):
            answer = browser.get(path)
            assert (answer.status_code, answer.url) == (302, f"/admin/login/?next={path}")


def test_the_page_shows_what_its_rows_say_before_any_script_runs(all_seeing, own):
    now = timezone.now()
    Heartbeat.objects.create(
        name="production", period_s=1, instance="h:7", ok_at=now, took_ms=12.4
    )
    answer = all_seeing.get(PAGE)
    text = answer.content.decode()
    told = all_seeing.get(ROWS).json()
    assert told["status"] == "degraded"
    for each in told["tables"]:
        assert each["title"] in text
        for row in each["rows"]:
            assert row[0]["text"] in text
    assert 'data-level="degraded"' in text
    assert "no-store" in answer["Cache-Control"]
    ours = re.search(r'<div id="alive".*', text, re.DOTALL).group()
    assert not re.search(r"<script|\son\w+=|\sstyle=", ours.partition("</noscript>")[0])


def test_a_processor_says_when_it_last_did_its_work_and_how_often_it_began_today(all_seeing):
    now = timezone.now()
    Heartbeat.objects.create(
        name="production", period_s=1, instance="h:7", ok_at=now, took_ms=12.4
    )
    Heartbeat.objects.create(
        name="oee", period_s=5, instance="h:7", ok_at=now - timedelta(seconds=65)
    )
    for _ in range(3):
        begin("production", now)
    Run.objects.create(name="production", instance="h:1", began_at=now - timedelta(days=2))
    rows, levels = table(all_seeing, "processors")
    own = {"changeover", "downtime", "job_progress", "quality", *ANDON_S}
    never = dict.fromkeys(own, "degraded")
    assert levels == never | {"oee": "degraded", "poll.0": "degraded", "production": "ok"}
    assert rows["production"][0] == "well"
    assert rows["production"][1] == "1 s"
    assert rows["production"][3:] == ["-", "12 ms", "3", "h:7"]
    assert rows["poll.0"] == ["has never run", "1 s", "-", "-", "-", "-", "-"]
    assert rows["oee"][0] == "last succeeded 65 s ago"
    assert rows["oee"][2:4] == ["1\N{NO-BREAK SPACE}min ago", "1\N{NO-BREAK SPACE}min"]


def test_web_processes_are_told_with_their_figures_and_a_silent_one_is_marked(all_seeing):
    now = timezone.now()
    figures = {
        "connections": 412,
        "deliveries": 1_844_210,
        "facts": {"equipment_state": 4000, "plc_status": 10},
        "tail_age_s": 0.04,
        "canary_heard": 1,
        "canary_age_s": 6.1,
        "loop_lag_worst_s": 0.012,
        "closes": {"4508": 2, "1000": 50},
        "errors": {"INVALID_JSON": 3, "FORBIDDEN": 1},
    }
    run = {"name": "web", "home": home(), "began_at": now, "figures": figures}
    Run.objects.create(instance="h:1", told_at=now, **run)
    Run.objects.create(instance="h:2", told_at=now - timedelta(seconds=30), **run)
    Run.objects.create(instance="h:3", told_at=now - timedelta(seconds=90), **run)
    rows, levels = table(all_seeing, "web")
    assert levels == {"h:1": "ok", "h:2": "degraded"}
    assert rows["h:1"][3:] == [
        *("412", "1,844,210", "4,010", "0.0 s ago", "6.1 s ago", "12 ms", "2", "4"),
    ]
    assert rows["h:2"][0] == "silent"
    # What it told last is no sign that it lives.
    assert rows["h:2"][3:] == ["412", "1,844,210", "4,010", "-", "-", "-", "2", "4"]


def test_controllers_of_lines_one_does_not_see_are_not_named(own, foreign, as_user):
    engineer = as_user(plant.person("e", "engineer", own.line, is_staff=True))
    admin = as_user(plant.person("a", "admin", all_lines=True, is_staff=True))
    assert set(table(engineer, "controllers")[0]) == {own.plc.code}
    warned = table(admin, "controllers")[0][own.plc.code][0]
    assert warned.startswith("lost for 4 polls: refused; speed of L-OWN.M1 shows 99")
    ConfigurationWarning.objects.update(settled_at=timezone.now())
    health.latest.forget()
    assert plant.FOREIGN not in engineer.get(ROWS).content.decode()
    assert plant.FOREIGN not in engineer.get(PAGE).content.decode()
    # The control.
    rows, levels = table(admin, "controllers")
    assert set(rows) == {own.plc.code, foreign.plc.code}
    assert rows[own.plc.code][0] == "lost for 4 polls: refused"
    assert levels[own.plc.code] == "degraded"
    PlcLink.objects.update(status="connected", failures=0, last_ok_at=timezone.now())
    assert table(admin, "controllers")[1][own.plc.code] == "ok"


def test_an_empty_plant_says_so_in_every_table(as_user, db):
    browser = as_user(plant.person("ada", "admin", all_lines=True, is_staff=True))
    assert Plc.objects.count() == 0
    text = browser.get(PAGE).content.decode()
    assert "No controller is polled." in text
    assert "No web process has told its figures yet" in text
    assert "not begun" in text


def test_without_a_database_the_rows_say_that_it_is_away(all_seeing):
    def gone(execute, sql, params, many, context):
        if "django_session" in sql or "accounts_" in sql:
            return execute(sql, params, many, context)
        raise OperationalError("the database is gone")

    with connections["default"].execute_wrapper(gone):
        rows, levels = table(all_seeing, "parts")
    assert levels["Database"] == "down"
    assert rows["Database"][1] == "the database is gone"


def test_it_costs_the_same_for_six_of_each_as_for_two(all_seeing, own):
    def cost():
        health.latest.forget()
        with CaptureQueriesContext(connection) as queries:
            assert all_seeing.get(ROWS).status_code == 200
        return len(queries)

    now = timezone.now()

    def add(number):
        plant.equip(own.line, number)
        Heartbeat.objects.create(name=f"p{number}", period_s=1, instance="h:7", ok_at=now)
        Run.objects.create(name="web", instance=f"h:{number}", began_at=now, told_at=now)

    add(2)
    few = cost()
    for number in range(3, 7):
        add(number)
    assert cost() == few
    assert few <= 23  # PostgreSQL is asked for its time, SQLite is not


def test_a_run_is_written_once_for_each_process_and_work_and_kept_for_a_week(monkeypatch):
    monkeypatch.setattr("ms5.processes.runs._noted", set())
    now = timezone.now()
    old = Run.objects.create(name="oee", instance="h:1", began_at=now - timedelta(days=8))
    kept = Run.objects.create(name="oee", instance="h:1", began_at=now - timedelta(days=6))
    for _ in range(3):
        note_run("oee")
        note_run("andon")
    assert not Run.objects.filter(pk=old.pk).exists()
    assert Run.objects.filter(name="oee").count() == 2
    assert Run.objects.filter(name="andon").count() == 1
    pk = tell(None, "web", {"connections": 1}, now)
    assert tell(pk, "web", {"connections": 2}, now) == pk
    Run.objects.filter(pk=pk).delete()
    again = tell(pk, "web", {"connections": 3}, now)
    assert Run.objects.get(name="web").figures == {"connections": 3}
    assert {kept.pk, again} <= set(Run.objects.values_list("pk", flat=True))

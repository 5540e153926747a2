"""The admin's pages: every one opens, records are not edited, and people see their lines alone."""

import re

import pytest
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from ms5.accounts.models import User
from ms5.accounts.roles import PERMISSIONS, Role
from ms5.admin_navigation import GROUPS
from production.models import Equipment, Line, LineAccess, Span
from telemetry.models import Plc, Tag
from tests.floor import T0, later
from tests.web import plant
from tests.web.forms import label, url

PAGES = sorted(admin.site._registry, key=lambda model: model._meta.label_lower)
RECORDS = {
    "andon.andoncall",
    "andon.delivery",
    "andon.escalation",
    "andon.watch",
    "production.condition",
    "production.context",
    "production.contextchange",
    "production.count",
    "production.counter",
    "production.fault",
    "production.span",
    "production.tally",
    "production.changeover",
    "production.correction",
    "production.downtime",
    "production.qualityalert",
    "production.qualitycheck",
    "telemetry.configurationwarning",
    "telemetry.plclink",
    "telemetry.sample",
    "telemetry.tagimport",
    "telemetry.taglatest",
    "accounts.auditentry",
    "accounts.signinattempts",
    "events.event",
    "events.gauge",
    "events.log",
    "events.stream",
    "processes.heartbeat",
    "processes.lease",
    "processes.run",
}
OF_NO_LINE = {
    "andon.duty",
    "andon.endpoint",
    "production.product",
    "production.reason",
    "production.defect",
    "processes.heartbeat",
    "processes.lease",
    "processes.run",
    "events.log",
}
OF_PEOPLE = {
    "andon.contact",
    "accounts.user",
    "accounts.apitoken",
    "accounts.auditentry",
    "accounts.signinattempts",
}
# Rows under their owner, what is kept for a program, and what only adds up what has a page.
WITHOUT_A_PAGE = {
    "andon.callevent",
    "andon.cursor",
    "andon.engineclock",
    "andon.escalationstep",
    "andon.policylevel",
    "andon.policyrecipient",
    "production.lineaccess",
    "production.break",
    "production.changeoverstep",
    "production.stepplan",
    "production.checkdefect",
    "production.jobrun",
    "production.settlement",
    "production.timetally",
    "production.losstally",
    "production.pastthreshold",
    "telemetry.sampleminute",
    "telemetry.rollup",
    "accounts.ticket",
    "accounts.idempotentanswer",
}
OF_A_LINE = [model for model in PAGES if label(model) not in OF_NO_LINE | OF_PEOPLE]


def test_every_model_of_ours_has_a_page_and_a_place_in_the_sidebar():
    from django.apps import apps

    ours = {
        label(model)
        for app in ("events", "accounts", "processes", "production", "telemetry", "andon")
        for model in apps.get_app_config(app).get_models()
    }
    listed = {name for group in GROUPS.values() for name, _ in group}
    assert listed == ours - WITHOUT_A_PAGE
    assert {label(model) for model in PAGES} == listed


@pytest.mark.parametrize("model", PAGES, ids=label)
def test_every_list_and_every_form_opens_with_its_rows(root, model):
    listed = root.get(url(model, "changelist"))
    assert listed.status_code == 200
    rows = listed.context["cl"].result_list
    assert len(rows) >= 1
    shown = root.get(url(model, "change", rows[0].pk))
    assert shown.status_code == 200
    if admin.site._registry[model].search_fields:
        assert root.get(url(model, "changelist"), {"q": "BAG"}).status_code == 200
    for choice in listed.context["cl"].filter_specs:
        for option in choice.choices(listed.context["cl"]):
            answer = root.get(url(model, "changelist") + option["query_string"])
            assert answer.status_code == 200, option


@pytest.mark.parametrize("model", [each for each in PAGES if label(each) in RECORDS], ids=label)
def test_nobody_rewrites_a_record_not_even_a_superuser(root, model):
    row = root.get(url(model, "changelist")).context["cl"].result_list[0]
    assert root.get(url(model, "add")).status_code == 403
    assert root.post(url(model, "change", row.pk), {}).status_code == 403
    assert root.post(url(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": row.pk, "post": "yes"}
    root.post(url(model, "changelist"), chosen)
    assert model.objects.filter(pk=row.pk).exists()


@pytest.mark.parametrize("model", PAGES, ids=label)
@pytest.mark.parametrize("role", Role.values)
def test_a_role_opens_the_pages_its_permissions_name(own, as_user, role, model):
    browser = as_user(plant.person(role, role, own.line, is_staff=True))
    name = model._meta.model_name
    may = f"{model._meta.app_label}.view_{name}" in PERMISSIONS[role]
    assert browser.get(url(model, "changelist")).status_code == (200 if may else 403)


def test_the_admin_is_for_staff(own, as_user, client):
    plain = as_user(plant.person("plain", "admin", all_lines=True))
    for browser in (plain, client):
        answer = browser.get(reverse("admin:index"))
        assert (answer.status_code, answer.url) == (302, "/admin/login/?next=/admin/")


@pytest.mark.parametrize("model", OF_A_LINE, ids=label)
def test_staff_of_one_line_see_nothing_of_another(engineer, own, foreign, as_user, model):
    if f"andon.view_{model._meta.model_name}" not in PERMISSIONS[Role.ENGINEER] and (
        model._meta.app_label == "andon"
    ):  # who is told of calls is not an engineer's to see
        engineer = as_user(plant.person("chief", "production_manager", own.line, is_staff=True))
    listed = engineer.get(url(model, "changelist"))
    assert listed.context["cl"].result_count == 1
    assert plant.FOREIGN not in listed.content.decode()
    # The control: the foreign row is there, for who may see it, and its page is not for others.
    root = as_user(plant.person("root", "admin", all_lines=True, is_staff=True))
    rows = root.get(url(model, "changelist")).context["cl"].result_list
    assert len(rows) == 2
    mine = listed.context["cl"].result_list[0].pk
    theirs = next(row.pk for row in rows if row.pk != mine)
    assert engineer.get(url(model, "change", mine)).status_code == 200
    hidden = engineer.get(url(model, "change", theirs))
    assert (hidden.status_code, hidden.url) == (302, "/admin/")


def test_a_filter_names_visible_lines_alone(own, foreign, as_user):
    second = plant.equip(plant.line("L-SECOND", 3))
    engineer = as_user(
        plant.person("engineer", "engineer", own.line, second.line, is_staff=True)
    )
    specs = engineer.get(url(Span, "changelist")).context["cl"].filter_specs
    offered = {
        spec.title: [text for _, text in getattr(spec, "lookup_choices", [])] for spec in specs
    }
    assert offered["line"] == ["Line L-OWN", "Line L-SECOND"]
    assert offered["equipment"] == ["Machine L-OWN.M1", "Machine L-SECOND.M1"]


def test_who_sees_one_line_adds_none(engineer, root):
    assert engineer.get(url(Line, "add")).status_code == 403
    assert engineer.get(url(Plc, "add")).status_code == 403
    assert engineer.get(url(Equipment, "add")).status_code == 200
    assert root.get(url(Line, "add")).status_code == 200


def test_a_controller_shared_with_a_foreign_line_is_shown_and_not_edited(
    engineer, own, foreign
):
    path = url(Plc, "change", own.plc.pk)
    assert engineer.get(path).context["has_change_permission"] is True
    Tag.objects.create(
        plc=own.plc,
        name="theirs",
        address="holding:9",
        data_type="uint16",
        equipment=foreign.equipment,
    )
    page = engineer.get(path)
    assert (page.status_code, page.context["has_change_permission"]) == (200, False)
    assert "theirs" not in page.content.decode()
    assert engineer.post(path, {"name": "changed"}).status_code == 403
    assert engineer.post(url(Plc, "delete", own.plc.pk), {"post": "yes"}).status_code == 403


def test_a_controller_says_on_its_page_why_it_is_lost(root, own):
    for page in (url(Plc, "changelist"), url(Plc, "change", own.plc.pk)):
        text = root.get(page).content.decode()
        assert "refused" in text
        assert "lost" in text.lower()
    assert "99.5 1/min" in root.get(url(Tag, "changelist")).content.decode()


def test_lists_cost_the_same_for_six_rows_as_for_two(root, own):
    def costs():
        found = {}
        for model in PAGES:
            with CaptureQueriesContext(connection) as queries:
                assert root.get(url(model, "changelist")).status_code == 200
            found[label(model)] = len(queries)
        return found

    plant.equip(own.line, 2)
    few = costs()
    for number in range(3, 7):
        plant.equip(own.line, number)
        LineAccess.objects.create(user=plant.person(f"p{number}", "viewer"), line=own.line)
    assert costs() == few
    assert max(few.values()) <= 15, few


def test_the_admin_loads_nothing_from_another_host(root):
    for page in (reverse("admin:index"), url(Plc, "changelist"), url(User, "add")):
        answer = root.get(page)
        text = answer.content.decode()
        assert "'unsafe-eval'" in answer.headers["Content-Security-Policy"]
        loaded = re.findall(r'<(?:script|link|img)[^>]*(?:src|href)="([^"]*)"', text)
        assert loaded
        beyond = [each for each in loaded if not re.match(r"/(?!/)|data:", each)]
        assert beyond == []


def test_the_sidebar_shows_what_the_user_may_open(root, own, as_user):
    page = root.get(reverse("admin:index")).content.decode()
    assert all(title in page for title in GROUPS)
    operator = as_user(plant.person("operator", "operator", own.line, is_staff=True))
    titles = [
        group["title"]
        for group in operator.get(reverse("admin:index")).context["sidebar_navigation"]
    ]
    assert titles == ["Work", "Andon", "Standards", "Plant", "Records"]


def test_a_time_is_printed_to_the_second_with_its_clock(root):
    page = root.get(url("production.fault", "changelist")).content.decode()
    assert "2026-03-02 08:00:05 UTC" in page


def test_an_age_is_said_as_a_person_says_it():
    from ms5.admin_base import ago, length

    assert [
        length(each).replace("\N{NO-BREAK SPACE}", " ")
        for each in (0, 59.9, 60, 3599, 3600, 86399, 90000, -5)
    ] == [
        "0 s",
        "59 s",
        "1 min",
        "59 min",
        "1 h 0 min",
        "23 h 59 min",
        "1 d 1 h",
        "0 s",
    ]
    assert (ago(None), ago(T0, later(4))) == (None, "4\N{NO-BREAK SPACE}s ago")

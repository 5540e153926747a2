"""The sidebar of the admin: eight groups, each with the pages the user may open."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse

from ms5.accounts.roles import SEES_OPERATIONS, SEES_POLICY

GROUPS: Mapping[str, Sequence[tuple[str, str]]] = {
    "Work": (
        ("production.job", "assignment"),
        ("production.downtime", "pause_circle"),
        ("production.changeover", "swap_horiz"),
        ("production.qualityalert", "notification_important"),
        ("production.qualitycheck", "fact_check"),
        ("production.correction", "edit_note"),
    ),
    "Andon": (
        ("andon.andoncall", "campaign"),
        ("andon.escalation", "stairs"),
        ("andon.policy", "rule_settings"),
        ("andon.rosterentry", "calendar_month"),
        ("andon.duty", "badge"),
        ("andon.rule", "notification_add"),
        ("andon.watch", "visibility"),
        ("andon.delivery", "outgoing_mail"),
        ("andon.endpoint", "webhook"),
        ("andon.contact", "contact_mail"),
    ),
    "Standards": (
        ("production.shift", "schedule"),
        ("production.calendarexception", "event_busy"),
        ("production.reason", "account_tree"),
        ("production.changeovertarget", "timer"),
        ("production.qualitythreshold", "rule"),
        ("production.defect", "broken_image"),
    ),
    "Plant": (
        ("production.line", "conveyor_belt"),
        ("production.equipment", "precision_manufacturing"),
        ("production.product", "bakery_dining"),
        ("production.idealcycle", "avg_pace"),
        ("production.area", "grid_view"),
        ("production.site", "factory"),
    ),
    "Records": (
        ("production.condition", "monitor_heart"),
        ("production.fault", "error"),
        ("production.span", "view_timeline"),
        ("production.tally", "bar_chart"),
        ("production.count", "tag"),
        ("production.counter", "pin"),
        ("production.context", "assignment_ind"),
        ("production.contextchange", "history"),
    ),
    "Controllers": (
        ("telemetry.plc", "developer_board"),
        ("telemetry.tag", "sell"),
        ("telemetry.messagebit", "toggle_on"),
        ("telemetry.staterule", "rule_settings"),
        ("telemetry.configurationwarning", "warning"),
        ("telemetry.tagimport", "upload_file"),
        ("telemetry.plclink", "cable"),
        ("telemetry.taglatest", "speed"),
        ("telemetry.sample", "show_chart"),
    ),
    "People": (
        ("accounts.user", "group"),
        ("accounts.apitoken", "key"),
        ("accounts.signinattempts", "front_hand"),
        ("accounts.auditentry", "policy"),
    ),
    "Operations": (
        ("processes.heartbeat", "favorite"),
        ("processes.run", "restart_alt"),
        ("processes.lease", "lock_clock"),
        ("events.event", "list_alt"),
        ("events.gauge", "readiness_score"),
        ("events.stream", "water"),
        ("events.log", "menu_book"),
    ),
}
"""Models in the order of their use, each with its symbol in the theme's own font."""


def favicon(_request: HttpRequest) -> str:
    """Return where the product's mark is."""
    return static("img/mark.svg")


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the groups as the theme wants them; a group without a page the user may open is left out."""
    groups = {title: list(_items(request, models)) for title, models in GROUPS.items()}
    if request.user.has_perm(SEES_OPERATIONS):
        alive = {"title": "Is it alive?", "icon": "ecg_heart", "link": reverse("admin-alive")}
        groups["Operations"].insert(0, alive)
    if request.user.has_perm(SEES_POLICY):
        told = {
            "title": "Who would be told?",
            "icon": "psychology_alt",
            "link": reverse("admin:andon-simulator"),
        }
        groups["Andon"].append(told)
    return [
        {"title": title, "separator": True, "items": items}
        for title, items in groups.items()
        if items
    ]


def _items(request: HttpRequest, models: Sequence[tuple[str, str]]) -> Iterator[dict[str, Any]]:
    for label, icon in models:
        model = apps.get_model(label)
        if not admin.site.get_model_admin(model).has_view_permission(request):
            continue
        app, name = label.split(".")
        title = str(model._meta.verbose_name_plural)  # noqa: SLF001 - Django's documented API
        yield {
            "title": title[:1].upper() + title[1:],
            "icon": icon,
            "link": reverse(f"admin:{app}_{name}_changelist"),
        }

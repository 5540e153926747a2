"""Pages of duties and of who has them when."""

from typing import Any

from django.contrib import admin

from andon.models import Duty, RosterEntry
from ms5.admin_base import VisibleFilter, column
from production.admin.base import LimitedAdmin, OfAnyLine, PlantAdmin


@admin.register(Duty)
class DutyAdmin(PlantAdmin):
    """Named rosters, such as "maintenance on call"."""

    list_display = ("name",)
    search_fields = ("name",)


@admin.register(RosterEntry)
class RosterEntryAdmin(OfAnyLine, LimitedAdmin):
    """Who is on call when, by the wall clock of the site."""

    within = "line"
    line_code_path = "line.code"
    list_display = ("duty", "person", "where", "when", "weekdays", "first_day", "last_day")
    list_filter = (("duty", admin.RelatedOnlyFieldListFilter), ("line", VisibleFilter))
    list_select_related = ("duty", "person", "site", "line", "shift")
    search_fields = (
        "duty__name",
        "person__username",
        "person__first_name",
        "person__last_name",
    )

    @column("where")
    def where(self, entry: RosterEntry) -> str:
        return str(entry.line or entry.site or "everywhere")

    @column("when")
    def when(self, entry: RosterEntry) -> Any:
        if entry.shift is not None:
            return str(entry.shift)
        return f"{entry.starts:%H:%M} to {entry.ends:%H:%M}"

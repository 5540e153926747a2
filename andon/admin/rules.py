"""Pages of the rules that raise calls, and of what they watch."""

from django.contrib import admin

from andon.models import Rule, Watch
from ms5.admin_base import VisibleFilter, column, length
from production.admin.base import LimitedAdmin, LimitedRecordAdmin, OfAnyLine


@admin.register(Rule)
class RuleAdmin(OfAnyLine, LimitedAdmin):
    """When the system raises a call by itself, and when it stays quiet."""

    within = "line"
    line_code_path = "line.code"
    list_display = ("name", "kind", "where", "category", "priority", "after", "is_active")
    list_filter = ("kind", "is_active", ("line", VisibleFilter))
    list_select_related = ("line", "equipment", "reason")
    search_fields = ("name", "message", "text")
    fieldsets = (
        (None, {"fields": ("name", "kind", "is_active")}),
        (
            "What it looks at",
            {"fields": ("line", "equipment", "message", "least_severity", "reason", "delay_s")},
        ),
        ("What it raises", {"fields": ("category", "priority", "text")}),
        (
            "When it stays quiet",
            {
                "fields": (
                    "quiet_in_changeover",
                    "quiet_in_planned_stop",
                    "quiet_in_breaks",
                    "quiet_behind_a_stop",
                )
            },
        ),
    )

    @column("where")
    def where(self, rule: Rule) -> str:
        return str(rule.equipment or rule.line or "every line")

    @column("after", order="delay_s")
    def after(self, rule: Rule) -> str:
        return length(rule.delay_s)


@admin.register(Watch)
class WatchAdmin(LimitedRecordAdmin):
    """What rules are watching, and why it has raised nothing so far."""

    within = "line"
    list_display = ("rule", "subject", "line", "since", "due_at", "text", "call", "why")
    list_filter = (("rule", admin.RelatedOnlyFieldListFilter), ("line", VisibleFilter))
    list_select_related = ("rule", "line", "equipment", "call")
    search_fields = ("subject", "text", "why")

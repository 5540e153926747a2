"""Which controllers and tags a user may see: those of the equipment on lines they may see."""

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q, QuerySet

from ms5.accounts.models import User
from production.models import Line
from production.visibility import with_a_visible_line
from telemetry.models import Plc, Tag

Person = User | AnonymousUser


def plcs_of(rows: "QuerySet[Plc]", user: Person) -> "QuerySet[Plc]":
    """Keep the controllers that have a tag on a line the user may see."""
    return with_a_visible_line(rows, user, "tags__equipment__line")


def tags_of(rows: "QuerySet[Tag]", user: Person) -> "QuerySet[Tag]":
    """Keep the tags of visible equipment, and of none on a visible controller: a shared PLC shows
    each line its own tags.
    """
    if isinstance(user, AnonymousUser) or not user.is_active:
        return rows.none()
    if user.sees_all_lines:
        return rows
    lines = Line.objects.visible_to(user).values("pk")
    of_no_line = Q(equipment=None, plc__in=plcs_of(Plc.objects.all(), user).values("pk"))
    return rows.filter(Q(equipment__line__in=lines) | of_no_line)


def serves_only_lines_of(plc: Plc, user: Person) -> bool:
    """Whether every line that this controller serves is visible to the user, who may then edit it."""
    if isinstance(user, AnonymousUser):
        return False
    if user.sees_all_lines:
        return True
    lines = Line.objects.visible_to(user).values("pk")
    return (
        not plc.tags.filter(equipment__isnull=False).exclude(equipment__line__in=lines).exists()
    )

"""Rows by the lines a user may see, for whatever hangs on a line: one rule for the API and the admin."""

from typing import TypeVar

from django.contrib.auth.models import AnonymousUser
from django.db import models

from ms5.accounts.models import User
from production.models import Line

Row = TypeVar("Row", bound=models.Model)


def limited(
    rows: "models.QuerySet[Row]", user: User | AnonymousUser, path: str
) -> "models.QuerySet[Row]":
    """Keep the rows whose line, found along `path` (`pk` for lines themselves), the user may see.

    A row without a line is seen by those who see every line. `path` must not cross a to-many relation,
    or rows would come twice.
    """
    if isinstance(user, AnonymousUser) or not user.is_active:
        return rows.none()
    if user.all_lines:
        return rows
    return rows.filter(**{f"{path}__in": Line.objects.visible_to(user).values("pk")})


def with_a_visible_line(
    rows: "models.QuerySet[Row]", user: User | AnonymousUser, path: str
) -> "models.QuerySet[Row]":
    """Keep the rows that have at least one line the user may see along the to-many `path`."""
    if isinstance(user, AnonymousUser) or not user.is_active:
        return rows.none()
    if user.all_lines:
        return rows
    visible = Line.objects.visible_to(user).values("pk")
    mine = rows.model._base_manager.filter(**{f"{path}__in": visible})  # noqa: SLF001 - documented
    return rows.filter(pk__in=mine.values("pk"))


def codes_visible_to(user: User | AnonymousUser) -> list[str]:
    """Return the codes of the lines the user may see, in plant order; none for who is not signed in."""
    if isinstance(user, AnonymousUser):
        return []
    return list(Line.objects.visible_to(user).values_list("code", flat=True))


def may_read_line(user: User | AnonymousUser, code: str) -> bool:
    """Whether there is such a line and the user may see it; the two are not told apart."""
    if isinstance(user, AnonymousUser):
        return False
    return Line.objects.visible_to(user).filter(code=code).exists()


def governs(actor: User, user: User) -> bool:
    """Whether the actor sees every line that the user sees, and so gains nothing by acting as them."""
    if actor.all_lines:
        return True
    if user.all_lines:
        return False
    mine = Line.objects.visible_to(actor).values("pk")
    return not user.line_access.exclude(line__in=mine).exists()

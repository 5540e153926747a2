"""Rows by the lines a user may see, for whatever hangs on a line: one rule for the API and the admin."""

from collections.abc import Sequence
from typing import TypeVar

from django.contrib.auth.models import AnonymousUser
from django.db import models

from ms5.accounts.models import User
from ms5.database import chunks
from production.models import Line, LineAccess

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
    if user.sees_all_lines:
        return rows
    return rows.filter(**{f"{path}__in": Line.objects.visible_to(user).values("pk")})


def with_a_visible_line(
    rows: "models.QuerySet[Row]", user: User | AnonymousUser, path: str
) -> "models.QuerySet[Row]":
    """Keep the rows that have at least one line the user may see along the to-many `path`."""
    if isinstance(user, AnonymousUser) or not user.is_active:
        return rows.none()
    if user.sees_all_lines:
        return rows
    visible = Line.objects.visible_to(user).values("pk")
    mine = rows.model._base_manager.filter(**{f"{path}__in": visible})  # noqa: SLF001 - documented
    return rows.filter(pk__in=mine.values("pk"))


def codes_visible_to(user: User | AnonymousUser) -> list[str]:
    """Return the codes of the lines the user may see, in plant order; none for who is not signed in."""
    if isinstance(user, AnonymousUser):
        return []
    return list(Line.objects.visible_to(user).values_list("code", flat=True))


def codes_visible_to_each(users: Sequence[User]) -> list[frozenset[str]]:
    """Return for each user what `visible_to` gives, in two queries for all of them together."""
    every: frozenset[str] = frozenset()
    if any(user.all_lines for user in users):
        every = frozenset(Line.objects.values_list("code", flat=True))
    granted: dict[int, set[str]] = {}
    limited_ids = sorted({user.pk for user in users if not user.all_lines})
    for ids in chunks(limited_ids):
        grants = LineAccess.objects.filter(user__in=ids)
        for user_id, code in grants.values_list("user_id", "line__code"):
            granted.setdefault(user_id, set()).add(code)
    found = []
    for user in users:
        own = every if user.all_lines else frozenset(granted.get(user.pk, ()))
        if user.token is not None and user.token.lines is not None:
            own &= frozenset(user.token.lines)
        found.append(own if user.is_active else frozenset())
    return found


def may_read_line(user: User | AnonymousUser, code: str) -> bool:
    """Whether there is such a line and the user may see it; the two are not told apart."""
    if isinstance(user, AnonymousUser):
        return False
    return Line.objects.visible_to(user).filter(code=code).exists()


def governs(actor: User, user: User) -> bool:
    """Whether the actor sees every line that the user sees, and so gains nothing by acting as them."""
    if actor.sees_all_lines:
        return True
    if user.sees_all_lines:
        return False
    mine = Line.objects.visible_to(actor).values("pk")
    return not user.line_access.exclude(line__in=mine).exists()

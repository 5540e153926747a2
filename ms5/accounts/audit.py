"""The audit: one function that every action by a person calls, inside its transaction."""

from collections.abc import Mapping
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

from ms5.accounts.models import AuditEntry, User


def public_fields(instance: models.Model) -> dict[str, Any]:
    """Return the instance's own columns as plain values, for `before` and `after`."""
    return {field.attname: getattr(instance, field.attname) for field in instance._meta.fields}  # noqa: SLF001 - Django's documented API


def record(
    actor: User,
    action: str,
    subject: models.Model,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    line_id: str = "",
) -> AuditEntry:
    """Write who did what. `before` and `after` keep only the fields that differ, where both are given."""
    old, new = dict(before or {}), dict(after or {})
    if old and new:
        changed = {key for key in old.keys() | new.keys() if old.get(key) != new.get(key)}
        old = {key: value for key, value in old.items() if key in changed}
        new = {key: value for key, value in new.items() if key in changed}
    return AuditEntry.objects.create(
        actor=actor,
        actor_name=str(actor)[:150],
        action=action,
        subject_type=subject._meta.label_lower,  # noqa: SLF001 - Django's documented API
        subject_id=str(subject.pk),
        subject_name=str(subject)[:200],
        line_id=line_id,
        before=_plain(old),
        after=_plain(new),
    )


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    encoder = DjangoJSONEncoder()
    return {
        key: value
        if value is None or isinstance(value, bool | int | float | str | list | dict)
        else str(encoder.encode(value)).strip('"')
        for key, value in values.items()
        if key != "password"
    }

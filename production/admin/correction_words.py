"""What a correction changes, in words: reasons and states by their names, times to the minute in UTC."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.utils.dateparse import parse_datetime

from production.admin.moments import minute
from production.choices import Category, CountKind, State
from production.models import Reason

Said = Mapping[str, Any]
NOTHING = "-"
CHOICES = {"state": State, "category": Category, "kind": CountKind}
# What only another correction needs.
HIDDEN = frozenset({"first_change", "last_change", "merged_into", "merged_into_id"})
LABELS = {"other_id": "other downtime", "started_at": "begins", "ended_at": "ends"}
SUBJECTS = {"downtime": "Downtime", "span": "Time in a state", "count": "Count"}


class Line(NamedTuple):
    """One field that changes: what it is called, and its two values."""

    label: str
    was: str
    became: str


def reason_names(fields: Iterable[Said]) -> dict[str, str]:
    """Return the names of the reasons that these fields speak of, by their codes."""
    codes = {said["reason"] for said in fields if said.get("reason")}
    if not codes:
        return {}
    return dict(Reason.objects.filter(code__in=codes).values_list("code", "name"))


def lines(before: Said, after: Said, names: Mapping[str, str]) -> list[Line]:
    """Return what differs, in the order of the fields; what is as it was says nothing.

    Two times of one minute are told with their seconds.
    """
    found = []
    for name in dict.fromkeys([*before, *after]):
        was, became = before.get(name), after.get(name)
        if name in HIDDEN or was == became or {was, became} == {None, ""}:
            continue
        words = [_word(name, value, names) for value in (was, became)]
        if words[0] == words[1]:
            words = [_exact(value) for value in (was, became)]
        found.append(Line(LABELS.get(name, name.removesuffix("_at").replace("_", " ")), *words))
    return found


def record(subject: str, pk: int | None) -> str:
    """Return what a record is called; a new one has no number yet."""
    name = SUBJECTS.get(subject, subject)
    return f"{name} {pk}" if pk is not None else f"{name} (new)"


def _word(name: str, value: Any, names: Mapping[str, str]) -> str:
    if value is None or value == "":
        return NOTHING
    if name == "reason":
        return names.get(value, str(value))
    if (choices := CHOICES.get(name)) is not None and value in choices.values:
        return str(choices(value).label)
    moment = _moment(value) if name.endswith("_at") or name == "at" else None
    return minute(moment) if moment else str(value)


def _exact(value: Any) -> str:
    moment = _moment(value)
    return f"{moment.astimezone(UTC):%d.%m. %H:%M:%S} UTC" if moment else str(value)


def _moment(value: Any) -> datetime | None:
    return parse_datetime(value) if isinstance(value, str) else None

"""Facts folded into items, as every client does it: the newest fact about a subject replaces it."""

from collections.abc import Iterable
from typing import Any

from ms5.events.facts import TYPES

Item = dict[str, Any]


def fold(items: Iterable[Item], events: Iterable[dict[str, Any]]) -> list[Item]:
    """Return the items after the events. Gauges are no items and change nothing."""
    subjects = {_subject(item): item for item in items}
    for event in events:
        row = TYPES[event["type"]]
        if not row.subject:
            continue
        item = {key: event[key] for key in ("type", "line_id", "equipment_code", "data")}
        if row.ended_when and event["data"].get(row.ended_when) is not None:
            subjects.pop(_subject(item), None)
        else:
            subjects[_subject(item)] = item
    return list(subjects.values())


def as_set(items: Iterable[Item]) -> dict[tuple[object, ...], Item]:
    """Return the items by subject, since their order says nothing."""
    return {_subject(item): item for item in items}


def _subject(item: Item) -> tuple[object, ...]:
    row = TYPES[item["type"]]
    return row.family, item["line_id"], item["data"][row.subject]

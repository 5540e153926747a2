"""What of calls is open on lines: the calls themselves, and how far each has climbed."""

from collections.abc import Collection

from andon.public import open_escalations, open_items
from ms5.events.items import Item
from production.models import Line


def items(line: Line) -> list[Item]:
    """Return the calls that are not over, then the escalations that are not closed, by age.

    Their data is that of the newest fact about each, so that a snapshot equals the facts folded.
    """
    return items_of([line])[line.code]


def items_of(lines: Collection[Line]) -> dict[str, list[Item]]:
    """Return the same by line for all of them, in as many queries as for one."""
    by_line: dict[str, list[Item]] = {line.code: [] for line in lines}
    for item in (*open_items(lines), *open_escalations(lines)):
        if item.line_id is not None:
            by_line[item.line_id].append(item)
    return by_line

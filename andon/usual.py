"""The priority of a call whose caller names none (pure): a press of a button says only what it is about."""

from collections.abc import Mapping

from andon.choices import Category, Priority

USUAL: Mapping[Category, Priority] = {
    Category.STOP: Priority.HIGH,
    Category.QUALITY: Priority.MEDIUM,
    Category.MAINTENANCE: Priority.MEDIUM,
    Category.MATERIAL: Priority.MEDIUM,
    Category.SAFETY: Priority.CRITICAL,
}


def usual_priority(category: str) -> Priority:
    """Return the priority that a call of the category has unless it is said."""
    return USUAL[Category(category)]

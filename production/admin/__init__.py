"""Pages of the plant, its records, and of the people and events that lines limit."""

from production.admin import (
    calendar,
    changeovers,
    corrections,
    downtimes,
    jobs,
    log,
    people,
    plant,
    quality,
    records,
)

__all__ = [
    "calendar",
    "changeovers",
    "corrections",
    "downtimes",
    "jobs",
    "log",
    "people",
    "plant",
    "quality",
    "records",
]

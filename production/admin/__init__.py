"""Pages of the plant, its records, and of the people and events that lines limit."""

from production.admin import log, people, plant, records

__all__ = ["log", "people", "plant", "records"]

"""Pages of controllers: what is read, whether it answers, what it said last, and what is wrong with it."""

from telemetry.admin import imports, plcs, readings, rules, tags

__all__ = ["imports", "plcs", "readings", "rules", "tags"]

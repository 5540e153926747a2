"""Tables of the plant: what it is made of, and what happens in it."""

from production.models.access import LineAccess
from production.models.floor import Area, Equipment, IdealCycle, Line, Product, Site
from production.models.records import (
    Condition,
    Context,
    ContextChange,
    Count,
    Counter,
    Fault,
    Span,
    Tally,
)

__all__ = [
    "Area",
    "Condition",
    "Context",
    "ContextChange",
    "Count",
    "Counter",
    "Equipment",
    "Fault",
    "IdealCycle",
    "Line",
    "LineAccess",
    "Product",
    "Site",
    "Span",
    "Tally",
]

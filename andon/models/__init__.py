"""Tables of calls: what was raised, who is told, and what was told."""

from andon.models.calls import OVER, AndonCall, CallEvent
from andon.models.deliveries import Contact, Delivery, Endpoint
from andon.models.escalations import EngineClock, Escalation, EscalationStep
from andon.models.policies import Policy, PolicyLevel, PolicyRecipient
from andon.models.roster import Duty, RosterEntry
from andon.models.rules import Cursor, Rule, Watch

__all__ = [
    "OVER",
    "AndonCall",
    "CallEvent",
    "Contact",
    "Cursor",
    "Delivery",
    "Duty",
    "Endpoint",
    "EngineClock",
    "Escalation",
    "EscalationStep",
    "Policy",
    "PolicyLevel",
    "PolicyRecipient",
    "RosterEntry",
    "Rule",
    "Watch",
]

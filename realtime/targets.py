"""What a client may subscribe to: parsed, printed, and mapped to a group of the channel layer (pure)."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never, get_args

from ms5.events.facts import TYPES, Priority

CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
RESERVED = frozenset({"all", "plant", "sys", "me"})
PRIORITIES = frozenset(get_args(Priority))
EVENT_TYPES = frozenset(TYPES)
# Jobs and escalations are named by a row's number, in one spelling: `007` would be confirmed and never heard.
NUMBER = re.compile(r"[1-9][0-9]{0,15}")


class SubscriptionType(StrEnum):
    """The twelve families of targets."""

    LINE = "line"
    EQUIPMENT = "equipment"
    JOB = "job"
    PRODUCTION = "production"
    OEE = "oee"
    DOWNTIME = "downtime"
    ANDON = "andon"
    ESCALATION = "escalation"
    QUALITY = "quality"
    CHANGEOVER = "changeover"
    EVENT = "event"
    USER = "user"


class Scope(StrEnum):
    """What the value of a target names."""

    ALL = "all"
    LINE = "line"
    EQUIPMENT = "equipment"
    JOB = "job"
    ESCALATION = "escalation"
    PRIORITY = "priority"
    EVENT = "event"
    ME = "me"


# Target forms as a person reads them; also the answer of `GET /ws/events`.
FORMS: dict[SubscriptionType, tuple[str, ...]] = {
    SubscriptionType.LINE: ("LINE", "all"),
    SubscriptionType.EQUIPMENT: ("EQUIPMENT_CODE",),
    SubscriptionType.JOB: ("JOB_ID",),
    SubscriptionType.PRODUCTION: ("LINE", "all"),
    SubscriptionType.OEE: ("LINE", "all"),
    SubscriptionType.DOWNTIME: ("all", "line:LINE", "equipment:CODE", "LINE"),
    SubscriptionType.ANDON: ("LINE", "all"),
    SubscriptionType.ESCALATION: ("all", "escalation:ID", "priority:PRIORITY", "PRIORITY"),
    SubscriptionType.QUALITY: ("LINE", "all"),
    SubscriptionType.CHANGEOVER: ("LINE", "all"),
    SubscriptionType.EVENT: ("an event type",),
    SubscriptionType.USER: ("me",),
}
HEARS: dict[SubscriptionType, str] = {
    SubscriptionType.LINE: "every fact and gauge of the line",
    SubscriptionType.EQUIPMENT: "what carries that equipment code",
    SubscriptionType.JOB: "job_* of the job",
    SubscriptionType.PRODUCTION: "production_update, equipment_state, job_*",
    SubscriptionType.OEE: "oee_update",
    SubscriptionType.DOWNTIME: "downtime_event",
    SubscriptionType.ANDON: "andon_event",
    SubscriptionType.ESCALATION: "escalation_update",
    SubscriptionType.QUALITY: "quality_alert",
    SubscriptionType.CHANGEOVER: "changeover_started, changeover_completed",
    SubscriptionType.EVENT: "every event of that type on the lines you may see",
    SubscriptionType.USER: "your job_assigned and job_cancelled, escalations that name you, on lines you see",
}


class BadTarget(ValueError):
    """A target id that its subscription type cannot mean."""


@dataclass(frozen=True, slots=True)
class Target:
    """One subscription. `value` is empty for the scopes `all` and `me`."""

    type: SubscriptionType
    scope: Scope
    value: str = ""

    @property
    def target_id(self) -> str:
        """The one spelling of the target id; `parse(type, target_id)` gives the target again."""
        match self.scope:
            case Scope.ALL | Scope.ME:
                return self.scope.value
            case Scope.LINE if self.type is not SubscriptionType.DOWNTIME:
                return self.value
            case Scope.JOB | Scope.EVENT:
                return self.value
            case Scope.EQUIPMENT if self.type is SubscriptionType.EQUIPMENT:
                return self.value
            case Scope.LINE | Scope.EQUIPMENT | Scope.ESCALATION | Scope.PRIORITY:
                return f"{self.scope}:{self.value}"
            case _:
                assert_never(self.scope)

    @property
    def is_wide(self) -> bool:
        """Whether it may hear of any line the user sees, and not of one only.

        What a job or an escalation is about is not looked up: the id alone tells nothing, so one that does
        not exist and one on a foreign line are confirmed alike, and silent alike.
        """
        return self.scope not in {Scope.LINE, Scope.EQUIPMENT}

    def group(self, user_id: int) -> str:
        """Return the group that carries it: at most 86 characters of `[A-Za-z0-9._-]`."""
        match self.scope:
            case Scope.ALL:
                return f"{self.type}.all"
            case Scope.ME:
                return f"user.{user_id}"
            case Scope.LINE if self.type is not SubscriptionType.DOWNTIME:
                return f"{self.type}.{self.value}"
            case Scope.JOB | Scope.EVENT:
                return f"{self.type}.{self.value}"
            case Scope.EQUIPMENT if self.type is SubscriptionType.EQUIPMENT:
                return f"{self.type}.{self.value}"
            case Scope.LINE | Scope.EQUIPMENT | Scope.ESCALATION | Scope.PRIORITY:
                return f"{self.type}.{self.scope}.{self.value}"
            case _:
                assert_never(self.scope)


def parse(type_: SubscriptionType, target_id: str) -> Target:
    """Return the target. Raises BadTarget with a sentence for the client."""
    match type_:
        case SubscriptionType.EQUIPMENT | SubscriptionType.JOB:
            checked = _code if type_ is SubscriptionType.EQUIPMENT else _number
            return Target(type_, Scope(type_.value), checked(target_id))
        case SubscriptionType.EVENT | SubscriptionType.USER:
            return _named(type_, target_id)
        case _ if target_id == "all":
            return Target(type_, Scope.ALL)
        case SubscriptionType.DOWNTIME:
            return _downtime(target_id)
        case SubscriptionType.ESCALATION:
            return _escalation(target_id)
        case _:
            return Target(type_, Scope.LINE, _code(target_id))


def _named(type_: SubscriptionType, target_id: str) -> Target:
    if type_ is SubscriptionType.USER:
        if target_id != "me":
            raise BadTarget("the only target of 'user' is 'me'")
        return Target(type_, Scope.ME)
    if target_id not in EVENT_TYPES:
        raise BadTarget("there is no such event type; GET /ws/events lists them")
    return Target(type_, Scope.EVENT, target_id)


def _downtime(target_id: str) -> Target:
    match target_id.split(":", 1):
        case ["line" | "equipment" as scope, value]:
            return Target(SubscriptionType.DOWNTIME, Scope(scope), _code(value))
        case _:
            return Target(SubscriptionType.DOWNTIME, Scope.LINE, _code(target_id))


def _escalation(target_id: str) -> Target:
    match target_id.split(":", 1):
        case ["escalation", value]:
            return Target(SubscriptionType.ESCALATION, Scope.ESCALATION, _number(value))
        case ["priority", value] | [value] if value in PRIORITIES:
            return Target(SubscriptionType.ESCALATION, Scope.PRIORITY, value)
        case _:
            raise BadTarget(f"a priority is one of {', '.join(sorted(PRIORITIES))}")


def _number(text: str) -> str:
    if not NUMBER.fullmatch(text):
        raise BadTarget("an id is a whole number from 1 on, without leading zeros")
    return text


def _code(text: str) -> str:
    if not CODE.fullmatch(text):
        raise BadTarget(
            "a code has up to 64 letters, digits, dots, hyphens or underscores,"
            " and begins with a letter or digit"
        )
    if text.lower() in RESERVED:
        raise BadTarget(f"'{text}' is a reserved word")
    return text

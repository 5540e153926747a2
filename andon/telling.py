"""What people and programs are told of a step, from what was frozen with it (pure)."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from andon.notify.message import Message

LATE_FROM = timedelta(seconds=10)
"""Below it nobody would notice that a message is late."""
_MOST_LINES = 40
_ORDER = ("critical", "high", "medium", "low")


def message_of(payload: Mapping[str, Any], key: str, link: str, by_now: str = "") -> Message:
    """Return what a step tells; `by_now` is what has become of the call since, for people alone.

    What programs are sent is the same at every attempt.
    """
    zone = _zone(str(payload.get("time_zone") or "UTC"))
    lines = [
        f"What:  {payload['description']} ({payload['category']}, {payload['priority']})",
        f"Where: {_where(payload)}",
        f"Since: {_moment(payload['raised_at'], zone)}{_times(payload)}",
        f"Why:   {_why(payload)}",
    ]
    late = timedelta(milliseconds=int(payload.get("late_ms") or 0))
    if late >= LATE_FROM:
        lines.append(
            f"Late:  due {_moment(payload['due_at'], zone)}, told {_length(late)} later,"
            " since the system did not run"
        )
    if told := ", ".join(payload.get("recipients") or ()):
        lines.append(f"Told:  {told}")
    if payload.get("next") and payload.get("next_due_at"):
        lines.append(
            f"Next:  {_next(payload)} at {_moment(payload['next_due_at'], zone)} unless somebody acts"
        )
    if by_now:
        lines.append(f"By now: {by_now}")
    lines.append(f"Board: {link}")
    subject = (
        f"{str(payload['priority']).upper()}: {payload['description']}"
        f" ({_where(payload)}), {_short(payload)}"
    )
    return Message(
        key, subject, "\n".join(lines), {"type": "andon_escalation", **payload, "url": link}
    )


def digest_of(messages: Sequence[Message], key: str, link: str) -> Message:
    """Return many messages as one: how many of which priority, and a line for each."""
    counts = {
        word: sum(message.data.get("priority") == word for message in messages)
        for word in _ORDER
    }
    told = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    lines = [f"- {message.subject}" for message in messages[:_MOST_LINES]]
    if (more := len(messages) - _MOST_LINES) > 0:
        lines.append(f"- and {more} more")
    lines += ["", f"Board: {link}"]
    return Message(key, f"{len(messages)} Andon messages ({told})", "\n".join(lines))


def trial(key: str, name: str, by: str) -> Message:
    """Return what a test tells."""
    text = f"This is a test of {name}, sent by {by}. Nothing has happened."
    return Message(key, "Test of MS5", text, {"type": "test", "text": text})


def _where(payload: Mapping[str, Any]) -> str:
    line = payload.get("line_name") or payload["line"]
    equipment = payload.get("equipment_name") or payload.get("equipment")
    return f"{line}, {equipment}" if equipment else str(line)


def _times(payload: Mapping[str, Any]) -> str:
    occurrences = int(payload.get("occurrences") or 1)
    return f", raised {occurrences} times" if occurrences > 1 else ""


def _why(payload: Mapping[str, Any]) -> str:
    level, levels = payload["level"], payload["levels"]
    by = payload.get("rule") or payload.get("raised_by")
    raised = f"; raised by {by}" if by else ""
    who = payload.get("acknowledged_by")
    open_ = (
        f"{who} acknowledged it, and it is not resolved"
        if who
        else "nobody has acknowledged it"
    )
    match payload["happened"]:
        case "reminder":
            return f"{open_}; reminder {payload['n']} on level {level} of {levels}{raised}"
        case _ if who:
            return f"{open_}; level {level} of {levels}{raised}"
        case _ if int(level) <= 1:
            return f"a new call, level {level} of {levels}{raised}"
        case _:
            return f"{open_}; level {level} of {levels}{raised}"


def _short(payload: Mapping[str, Any]) -> str:
    match payload["happened"]:
        case "reminder":
            return f"reminder {payload['n']} on level {payload['level']}"
        case _:
            return f"level {payload['level']} of {payload['levels']}"


def _next(payload: Mapping[str, Any]) -> str:
    match payload["next"]:
        case "level":
            return "the next level"
        case "resolve_due":
            return "it must be resolved, else the next level,"
        case _:
            return "a reminder"


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def _moment(text: str, zone: tzinfo) -> str:
    moment = datetime.fromisoformat(text).astimezone(zone)
    return f"{moment.day} {moment:%b %H:%M:%S %Z}"


def _length(span: timedelta) -> str:
    seconds = int(span.total_seconds())
    if seconds < 60:
        return f"{seconds} s"
    minutes = seconds // 60
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"

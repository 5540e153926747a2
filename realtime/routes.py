"""Who hears what: one table from event to groups of the channel layer (pure)."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from realtime.targets import EVENT_TYPES

# `{line}` and `{equipment}` come from the envelope, `{data.x}` from the data. Where a value is null the
# group is left out; where it is a list there is one group for each of its members.
ALWAYS = ("line.all", "line.{line}", "equipment.{equipment}", "event.{type}")
_JOB = ("job.{data.id}", "production.all", "production.{line}")
ROUTES: Mapping[str, tuple[str, ...]] = {
    "production_update": ("production.all", "production.{line}"),
    "equipment_state": ("production.all", "production.{line}"),
    "oee_update": ("oee.all", "oee.{line}"),
    "downtime_event": (
        "downtime.all",
        "downtime.line.{line}",
        "downtime.equipment.{equipment}",
    ),
    "andon_event": ("andon.all", "andon.{line}"),
    "escalation_update": (
        "escalation.all",
        "escalation.escalation.{data.id}",
        "escalation.priority.{data.priority}",
        "user.{data.recipient_ids}",
    ),
    "quality_alert": ("quality.all", "quality.{line}"),
    "changeover_started": ("changeover.all", "changeover.{line}"),
    "changeover_completed": ("changeover.all", "changeover.{line}"),
    "job_assigned": (*_JOB, "user.{data.operator_id}"),
    "job_started": _JOB,
    "job_completed": _JOB,
    "job_cancelled": (*_JOB, "user.{data.operator_id}"),
    "job_progress": _JOB,
    "telemetry_update": (),
    "equipment_fault": (),
    "plc_status": (),
    "correction": (),
}


@dataclass(frozen=True, slots=True)
class _Template:
    prefix: str
    value: str


def _parsed(template: str) -> _Template:
    prefix, _, value = template.partition("{")
    return _Template(prefix, value.removesuffix("}"))


_TEMPLATES = {
    type_: tuple(_parsed(template) for template in (*ALWAYS, *ROUTES[type_]))
    for type_ in EVENT_TYPES
}


def groups_of(
    type_: str,
    line_id: str | None,
    equipment_code: str | None,
    field: Callable[[str], object],
) -> tuple[str, ...]:
    """Return the groups that hear an event, each once, wide ones first.

    `field` gives a value of the event's data, or None; it is asked only where the table names one, so
    that most events are routed without looking into their text. What concerns no line goes to `line.all`.
    """
    groups: dict[str, None] = {}
    for template in _TEMPLATES[type_]:
        match template.value:
            case "":
                groups[template.prefix] = None
                continue
            case "type":
                value: object = type_
            case "line":
                value = line_id
            case "equipment":
                value = equipment_code
            case path:
                value = field(path.removeprefix("data."))
        for member in _members(value):
            groups[f"{template.prefix}{member}"] = None
    return tuple(groups)


def _members(value: object) -> Iterable[object]:
    match value:
        case None | "":
            return ()
        case list() | tuple():
            return value
        case _:
            return (value,)

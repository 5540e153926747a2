"""What each role may do, as one table; where it may do it is line access."""

from collections.abc import Iterable, Mapping

from django.db.models import TextChoices


class Role(TextChoices):
    """What a person is on the floor, or `integrator` for a program."""

    OPERATOR = "operator"
    SHIFT_MANAGER = "shift_manager", "shift manager"
    PRODUCTION_MANAGER = "production_manager", "production manager"
    ENGINEER = "engineer"
    MAINTENANCE = "maintenance"
    QUALITY = "quality"
    VIEWER = "viewer"
    ADMIN = "admin"
    INTEGRATOR = "integrator"


class TokenScope(TextChoices):
    """What a token may be used for; it never gives what the role of its user does not."""

    READ = "read", "see boards, figures, calls"
    CALLS = "calls", "raise calls and cancel them"
    PRODUCTION = "production", "report counts, products and jobs"


def _all(app: str, *models: str) -> frozenset[str]:
    verbs = ("add", "change", "delete", "view")
    return frozenset(f"{app}.{verb}_{model}" for model in models for verb in verbs)


def _view(app: str, *models: str) -> frozenset[str]:
    return frozenset(f"{app}.view_{model}" for model in models)


_PLANT = ("site", "area", "line", "equipment", "product", "idealcycle")
_RECORDS = (
    "condition",
    "span",
    "count",
    "tally",
    "counter",
    "fault",
    "context",
    "contextchange",
    "timetally",
    "settlement",
    "job",
    "jobrun",
    "downtime",
    "correction",
    "changeover",
    "changeoverstep",
    "qualitycheck",
    "checkdefect",
    "qualityalert",
)
# What production is measured by: shifts, reasons, targets.
_STANDARDS = (
    "shift",
    "break",
    "calendarexception",
    "reason",
    "changeovertarget",
    "stepplan",
)
_QUALITY_STANDARDS = ("defect", "qualitythreshold")
_CALLS = ("andoncall", "callevent", "escalation", "escalationstep")
# Who is told of calls, when and how.
_ROSTER = ("duty", "rosterentry")
_POLICIES = ("policy", "policylevel", "policyrecipient", "rule")
_CHANNELS = ("endpoint", "contact")
_CONTROLLERS = ("plc", "tag", "messagebit", "staterule")
_READINGS = ("plclink", "taglatest", "sample", "tagimport", "configurationwarning")

_BOARDS = _view("production", *_PLANT, *_RECORDS, *_STANDARDS, *_QUALITY_STANDARDS) | _view(
    "andon", *_CALLS
)
_CONTROLLERS_SEEN = _view("telemetry", *_CONTROLLERS, *_READINGS)
_MASTER = _all("production", "product", "idealcycle", *_STANDARDS)
_QUALITY_MASTER = _all("production", *_QUALITY_STANDARDS)
# Actions, not rows: no form adds or changes a job, a downtime or a count; their actions ask for these.
_OWN_WORK = frozenset(
    {
        "production.change_context",
        "production.change_job",  # accept, start, pause, resume, complete the own one
        "production.add_count",  # good and rejects, with their reasons
        "production.change_downtime",  # say the reason
        "production.change_changeover",  # steps, begin and end
    }
)
_SUPERVISION = _OWN_WORK | {
    "production.add_job",  # plan, assign, reorder, cancel, and anybody's job
    "production.confirm_downtime",  # confirm, split, merge, reassign
    "production.add_correction",
}
_CHECKS = frozenset({"production.add_qualitycheck"})
_CALLING = frozenset({"andon.add_andoncall"})  # raise, cancel the own one, comment
_QUALITY_ANSWERS = _CALLING | {"andon.change_andoncall"}  # acknowledge, arrive, resolve
_ANSWERS = _QUALITY_ANSWERS | {"andon.answer_any_andoncall"}
_SHELVING = frozenset({"andon.shelve_andoncall"})
_ROSTERING = _all("andon", *_ROSTER)
_POLICY = _all("andon", *_POLICIES) | _ROSTERING | _view("andon", "watch", "delivery")
_SEES_POLICY = _view("andon", *_ROSTER, *_POLICIES)
_ENGINEERING = (
    _all("production", "line", "equipment")
    | _all("telemetry", *_CONTROLLERS)
    | _CONTROLLERS_SEEN
)
_OPERATIONS = _view("processes", "heartbeat", "run", "lease") | _view(
    "events", "log", "stream", "event", "gauge"
)

SEES_OPERATIONS = "processes.view_heartbeat"
"""What whoever asks how MS5 itself fares must be permitted: details of health, metrics, "Is it alive?"."""

SEES_POLICY = "andon.view_policy"
"""What whoever asks who would be told of a call must be permitted."""

PERMISSIONS: Mapping[str, frozenset[str]] = {
    Role.OPERATOR: _BOARDS | _OWN_WORK | _CHECKS | _CALLING,
    Role.SHIFT_MANAGER: _BOARDS
    | _SUPERVISION
    | _CHECKS
    | _ANSWERS
    | _SHELVING
    | _ROSTERING
    | _SEES_POLICY,
    Role.PRODUCTION_MANAGER: _BOARDS
    | _MASTER
    | _QUALITY_MASTER
    | _SUPERVISION
    | _CHECKS
    | _ANSWERS
    | _SHELVING
    | _POLICY
    | _view("andon", *_CHANNELS)
    | _view("accounts", "auditentry"),
    Role.ENGINEER: _BOARDS | _MASTER | _ENGINEERING | _OPERATIONS | _ANSWERS,
    Role.MAINTENANCE: _BOARDS | _CONTROLLERS_SEEN | _ANSWERS,
    Role.QUALITY: _BOARDS
    | _QUALITY_MASTER
    | _CHECKS
    | _QUALITY_ANSWERS
    | {"production.add_count"},
    Role.VIEWER: _BOARDS,
    Role.INTEGRATOR: _BOARDS | _OWN_WORK | _CALLING | {"production.add_job"},
    # An admin may do everything but rewrite the past: records and the audit have no form that changes them.
    Role.ADMIN: _BOARDS
    | _MASTER
    | _ENGINEERING
    | _OPERATIONS
    | _QUALITY_MASTER
    | _SUPERVISION
    | _CHECKS
    | _ANSWERS
    | _SHELVING
    | _POLICY
    | _all("andon", *_CHANNELS)
    | _all("production", "site", "area")
    | _all("accounts", "user", "apitoken")
    | _view("accounts", "auditentry", "signinattempts"),
}

# What is in no scope (users, tokens, master data, controllers) is changed by people, signed in.
SCOPES: Mapping[str, frozenset[str]] = {
    TokenScope.READ: _BOARDS | _CONTROLLERS_SEEN | _OPERATIONS | _SEES_POLICY,
    TokenScope.CALLS: _CALLING,
    TokenScope.PRODUCTION: _OWN_WORK | {"production.add_job"},
}


_MEANINGS: Mapping[str, str] = {
    "production.change_context": "say what equipment makes",
    "production.change_job": "accept, start, pause, resume and complete jobs",
    "production.add_job": "plan, assign, reorder and cancel jobs",
    "production.add_count": "enter pieces and their defects",
    "production.change_downtime": "say why equipment stands",
    "production.confirm_downtime": "confirm, split and merge downtimes",
    "production.change_changeover": "begin, end and cancel changeovers",
    "production.add_correction": "correct records",
    "production.add_qualitycheck": "write down quality checks",
    "andon.add_andoncall": "raise calls and cancel one's own",
    "andon.change_andoncall": "answer calls",
    "andon.answer_any_andoncall": "answer calls of every category",
    "andon.shelve_andoncall": "shelve calls for a time",
}


def meaning_of(permission: str) -> str:
    """Return what a permission lets one do, to follow "may" or "to"."""
    if permission in _MEANINGS:
        return _MEANINGS[permission]
    verb, _, model = permission.partition(".")[2].partition("_")
    return f"{'see' if verb == 'view' else verb} rows of {model}"


def granted(role: str, scopes: Iterable[str] | None = None) -> frozenset[str]:
    """Return what the role may do; with the scopes of a token, what of it they let through.

    A scope that is not known lets nothing through.
    """
    if scopes is None:
        return PERMISSIONS[role]
    through = frozenset[str]().union(*(SCOPES.get(scope, frozenset()) for scope in scopes))
    return PERMISSIONS[role] & through

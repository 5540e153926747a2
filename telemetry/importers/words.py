"""What names and texts suggest: the kind, severity and source of a message, the role of a tag (pure)."""

import re
from collections.abc import Iterable, Mapping, Sequence

from telemetry.importers.found import FoundTag
from telemetry.roles import can_play, is_likely

_TROUBLE = (
    r"(fault(s|ed|y)?|fail(s|ed|ing|ures?)?|errors?|alarms?|trip(s|ped)?|jam(s|med)?|over[ -]?(load|heat|"
    r"temp|travel|current|speed)\w*|broken|breakage|short[ -]circuit\w*|crash(ed)?|stall(ed)?|seized)"
)
_SURE_FAULT = re.compile(rf"\b{_TROUBLE}\b")
"""Words that no prompt needs, so that `press`, `check`, `close` and `turn` are the names of machines there."""
_OVER = re.compile(
    rf"\b((no|reset|resetting) (active )?{_TROUBLE}|{_TROUBLE} (is |are )?"
    r"(reset|cleared|ok|ack\w*|silenced?))\b"
)
_SURE_PROMPT = re.compile(
    r"\b(please|ok to|press (the|any|to|and|start|stop|reset|button|key|enter|ok|ack\w*|green|red|blue|"
    rf"yellow|black|white)|clear (the|{_TROUBLE})|(then|and|to) (press|reset|clear|ack\w*|restart|"
    r"continue))\b"
)
_MACHINE = re.compile(
    r"\b(check[ -]?weigh\w*|turn(ing)?[ -]?(unit|table)|press(?= ?([0-9]|running|motor|drive|not|is\b)))"
)
_PROMPT = re.compile(
    r"\b(press|close|release|remove|check|refill|replace|select|turn|push|load (the|new)|open the|wait)\b"
)
_STATUS = re.compile(
    r"\b(running|run|complete|completed|finished|in progress|ready|enabled|auto|manual|selected|"
    r"change ?over|homed|homing|started|stopped by|dry cycle)\b"
)
_FAULT = re.compile(
    r"\b(e ?-?stop|emergency|guard (open|door)|breaker|inverter|low (air|oil|pressure|level)|"
    r"blocked|blockage|lost|missing|timeout|timed out|limit|leak|detector|detected|"
    r"not (ready|ok|healthy|closed)|no (air|power|comms))\b"
)
_UNUSED = re.compile(
    r"\s*(not (defined|used|assigned)|spare|unused|reserved|undefined|n/?a|-*)\s*"
)
_CRITICAL = re.compile(r"\b(e ?-?stop|emergency|fire|safety|light curtain)\b")
_HIGH = re.compile(r"\b(broken|metal|servo|overload|overtravel|drive|inverter|breaker)\b")
_LOW = re.compile(r"\b(low|warning|nearly|almost)\b")
_SOURCES = {
    "internal": ("internal", "machine", "own", "self", ""),
    "upstream": ("upstream", "infeed side", "before", "external upstream"),
    "downstream": ("downstream", "after", "external downstream"),
}

_ROLES: Mapping[str, tuple[str, str]] = {
    # role: (what the name must say, what it must not)
    "state_word": (
        r"(state(current|word)?$|statecurrent|machine ?state|unit ?state|packml)",
        r"(request|last)",
    ),
    "running": (
        r"(^run$|running|is ?run|run ?bit|run ?status|machine ?on|in ?cycle|motor ?run)",
        r"(hour|time|fault|enable|count|reset|req|cmd|command|dry)",
    ),
    "speed": (
        r"(speed|ppm|bpm|rate|per ?min|cur ?mach ?speed)",
        r"(set|sp$|max|min(?!ute)|recipe|ref|fault|cmd|limit|scale|reset|percent|jog)",
    ),
    "good_count": (
        r"(good|accept|packed|filled|produced|loafs?|loaves).*(count|cnt|total|acc|pieces|number)?|prodprocessed",
        r"(reset|fault|pre$|target|preset|time|bad|rej|recipe|bit|ok$)",
    ),
    "total_count": (
        (
            r"((total|piece|pack|product|blade|bag|part|cycle|item|unit)s? )?"
            r"(count|counter|cnt|total)(\.acc)?$|^(count|counter|cnt)\b.*\.acc$"
        ),
        r"(reset|fault|pre$|target|preset|rej|bad|scrap|bit)",
    ),
    "reject_count": (
        r"(rej|reject|bad|scrap|defect|waste)",
        r"(reset|fault|pre$|target|preset|enable|cmd|time|bit)",
    ),
    "product": (
        r"(product|recipe|sku|article|program)[ _]?(no|nr|num|number|id|code|in ?use|select|current)?$",
        r"(count|total|data|reset|load)",
    ),
    "mode": (r"(unitmode|mode(current|word)?$|mode ?display|machine ?mode)", r"(request|cmd)"),
    "starved": (
        r"(starv|infeed ?(empty|wait)|no ?product|upstream ?wait)",
        r"(time|count|reset)",
    ),
    "blocked": (
        r"(block(ed)?$|back ?up|backed ?up|discharge ?full|downstream ?(full|wait))",
        r"(time|count|reset)",
    ),
    "changeover": (r"(change ?over|changing ?over)", r"(time|count|reset|target)"),
    "message_bits": (r"(message|fault|alarm|msg|alm|warning)s?", r"(reset|time|count|ack)"),
}
_MOST_OTHERS = 300
_SPLIT = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[_:\[\]]+")


def kind_of(text: str) -> str:
    """Return the kind of a message that its words suggest; `info` when they suggest nothing.

    What nobody would say of a prompt (`overload`) is a fault though a word of prompts stands beside it
    ("Press overload"), unless it is asked for in so many words ("Press reset to clear the fault") or is over
    ("Fault reset"). Of less certain words a prompt before a fault ("Release e-stop"), a fault before a status.
    """
    words = " ".join(text.lower().replace("_", " ").split())
    if _UNUSED.fullmatch(words):
        return "unused"
    if _SURE_PROMPT.search(words):
        return "prompt"
    words, are_over = _OVER.subn(" ", words)
    if _SURE_FAULT.search(words):
        return "fault"
    words = _MACHINE.sub(" ", words)
    if _PROMPT.search(words):
        return "prompt"
    if _FAULT.search(words):
        return "fault"
    return "status" if are_over or _STATUS.search(words) else "info"


def severity_of(text: str) -> str:
    """Return how severe its words make a message."""
    words = text.lower()
    if _CRITICAL.search(words):
        return "critical"
    if _HIGH.search(words):
        return "high"
    return "low" if _LOW.search(words) else "medium"


def source_of(word: str) -> str | None:
    """Return where a message comes from as the file says it; None for a word that says nothing known."""
    said = word.strip().lower()
    return next((source for source, words in _SOURCES.items() if said in words), None)


def candidates(tags: Iterable[FoundTag]) -> dict[str, list[str]]:
    """Return by role the names of the tags that may play it, the likeliest first.

    A tag whose type is not one that usually plays a role is none of its candidates, whatever its name.
    """
    found: dict[str, list[tuple[int, int, str]]] = {role: [] for role in _ROLES}
    for place, tag in enumerate(tags):
        for role, (must, must_not) in _ROLES.items():
            if not is_likely(role, tag.data_type, tag.length):
                continue
            likely = max(
                _likely(tag.name, must, must_not), _likely(tag.description, must, must_not) - 1
            )
            if likely > 0:
                found[role].append((-likely, place, tag.name))
    return {role: [name for _, _, name in sorted(rows)] for role, rows in found.items() if rows}


def suggestions(found: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return one role by tag name: each role to its likeliest tag that has none yet; message bits to all."""
    by_tag: dict[str, str] = {}
    for role, names in found.items():
        free = [name for name in names if name not in by_tag]
        for name in free if role == "message_bits" else free[:1]:
            by_tag[name] = role
    return by_tag


def choices(
    found: Mapping[str, Sequence[str]], tags: Sequence[FoundTag], roles: Iterable[str]
) -> dict[str, list[str]]:
    """Return by role every tag that may be given it, the likeliest first; not too many to choose from.

    Message bits are only offered where a name says so or there is an array of them: any word has bits.
    """
    offered: dict[str, list[str]] = {}
    for role in roles:
        named = list(found.get(role, ()))
        known = set(named)
        others = [
            tag
            for tag in tags
            if can_play(role, tag.data_type, tag.length)
            and tag.name not in known
            and (role != "message_bits" or tag.length > 1)
        ]
        others.sort(key=lambda tag: not is_likely(role, tag.data_type, tag.length))
        if names := named + [tag.name for tag in others[:_MOST_OTHERS]]:
            offered[role] = names
    return offered


def _likely(text: str, must: str, must_not: str) -> int:
    """Return 0 for no, 2 for yes, 3 where the words are all that the text says."""
    words = " ".join(part for part in _SPLIT.split(text) if part).lower().strip()
    match = re.search(must, words)
    if match is None or re.search(must_not, words):
        return 0
    return 3 if match.end() - match.start() >= len(words) - 1 else 2

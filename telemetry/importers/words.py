"""What names and texts suggest: the kind, severity and source of a message, the role of a tag (pure)."""

import re
from collections.abc import Iterable, Mapping, Sequence

from telemetry.importers.found import FoundTag

_PROMPT = re.compile(
    r"\b(please|ok to|press|close|release|remove|clear the|check|refill|replace|select|turn|push|"
    r"load (the|new)|open the|wait)\b"
)
_STATUS = re.compile(
    r"\b(running|run|complete|completed|finished|in progress|ready|enabled|auto|manual|selected|"
    r"change ?over|homed|homing|started|stopped by|dry cycle)\b"
)
_FAULT = re.compile(
    r"\b(fault|faulted|fail|failed|failure|error|alarm|trip|tripped|jam|jammed|overload|over ?travel|"
    r"broken|e ?-?stop|emergency|guard (open|door)|breaker|inverter|low (air|oil|pressure|level)|"
    r"blocked|blockage|lost|missing|timeout|timed out|limit|overheat|overtemp|leak|detector|detected|"
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
_BIT_ROLES = {"running", "starved", "blocked", "changeover"}
_WHOLE = {"int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"}
_MOST_OTHERS = 300
_SPLIT = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[_:\[\]]+")


def kind_of(text: str) -> str:
    """Return the kind of a message that its words suggest; `info` when they suggest nothing.

    A prompt before a fault ("release e-stop" asks for something), a fault before a status.
    """
    words = text.lower()
    if _UNUSED.fullmatch(words):
        return "unused"
    if _PROMPT.search(words):
        return "prompt"
    if _FAULT.search(words):
        return "fault"
    return "status" if _STATUS.search(words) else "info"


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

    A tag whose type cannot play a role is none of its candidates, whatever its name.
    """
    found: dict[str, list[tuple[int, int, str]]] = {role: [] for role in _ROLES}
    for place, tag in enumerate(tags):
        for role, (must, must_not) in _ROLES.items():
            if not _fits(role, tag):
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


def fits(role: str, data_type: str, length: int) -> bool:
    """Whether a value of this type can play the role at all."""
    if role == "message_bits":
        return data_type == "bool" if length > 1 else data_type in _WHOLE
    if length > 1 or data_type == "string":
        return False
    if role in _BIT_ROLES:
        return data_type == "bool"
    if role == "speed":
        return data_type != "bool"
    return data_type in _WHOLE


def choices(
    found: Mapping[str, Sequence[str]], tags: Sequence[FoundTag], roles: Iterable[str]
) -> dict[str, list[str]]:
    """Return by role every tag that may be given it, the likeliest first; not too many to choose from.

    Message bits are only offered where a name says so or there is an array of them: any word has bits.
    """
    offered: dict[str, list[str]] = {}
    for role in roles:
        likely = list(found.get(role, ()))
        others = [
            tag.name
            for tag in tags
            if _fits(role, tag)
            and tag.name not in likely
            and (role != "message_bits" or tag.length > 1)
        ]
        if names := likely + others[:_MOST_OTHERS]:
            offered[role] = names
    return offered


def _fits(role: str, tag: FoundTag) -> bool:
    return fits(role, tag.data_type, tag.length)


def _likely(text: str, must: str, must_not: str) -> int:
    """Return 0 for no, 2 for yes, 3 where the words are all that the text says."""
    words = " ".join(part for part in _SPLIT.split(text) if part).lower().strip()
    match = re.search(must, words)
    if match is None or re.search(must_not, words):
        return 0
    return 3 if match.end() - match.start() >= len(words) - 1 else 2

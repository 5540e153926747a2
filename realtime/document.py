"""The parts of docs/protocol.md that the code knows best; `python -m realtime.document` writes them (pure)."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from inspect import cleandoc
from pathlib import Path
from typing import Literal, get_args, get_origin, get_type_hints

from msgspec import inspect

from ms5.events.facts import TYPES, Data, EventType, Kind
from realtime.limits import Limits
from realtime.routes import ALWAYS, ROUTES
from realtime.targets import FORMS, HEARS

DOCUMENT = Path(__file__).parent.parent / "docs" / "protocol.md"
_PART = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
# The routes name what stands in the envelope more shortly than the envelope does.
_TEMPLATE = re.compile(r"(\w+)\.(\w+\.)?(\w+|\{[\w.]+\})")
_FIELDS = {"{line}": "{line_id}", "{equipment}": "{equipment_code}"}


class UnknownPart(KeyError):
    """The document has a marker for a part that nobody writes."""


def current(text: str) -> str:
    """Return the document with its generated parts as the code has them. Raises UnknownPart."""

    def part(found: re.Match[str]) -> str:
        name = found.group(2)
        if name not in _PARTS:
            raise UnknownPart(name)
        return f"{found.group(1)}\n{_PARTS[name]().strip()}\n\n{found.group(3)}"

    return _PART.sub(part, text)


def targets() -> str:
    """Return the table of what can be subscribed to."""
    rows = (
        (f"`{type_}`", ", ".join(_form(form) for form in forms), HEARS[type_])
        for type_, forms in FORMS.items()
    )
    return _table(("subscription_type", "target_id", "hears"), rows)


def routes() -> str:
    """Return the table of who hears what."""
    rows = [("every event", _heard(ALWAYS))]
    rows += [(f"`{type_}`", _heard(groups)) for type_, groups in ROUTES.items() if groups]
    silent = [f"`{type_}`" for type_, groups in ROUTES.items() if not groups]
    rows.append((", ".join(silent), "no more than that"))
    return _table(("event", "subscriptions that hear it"), rows)


def limits() -> str:
    """Return the numbers that a client meets."""
    of = Limits()
    rows = [
        ("a frame to the server", f"{of.frame_bytes:,} bytes; closed above 65,536"),
        ("nesting, keys of an object, characters of a string", _joined(of)),
        ("messages", f"{of.messages_per_second:g} a second, {of.burst} at once"),
        ("subscriptions", f"{of.subscriptions} a connection"),
        (
            "facts that `resume` replays",
            f"{of.resume_events:,} of a stream, {of.resume_total:,} in all",
        ),
        ("streams that `resume` may name", f"{of.positions:,}"),
        ("messages that may wait for a slow client", f"{of.waiting:,}"),
        ("heartbeat", f"every {of.heartbeat_s:g} s"),
    ]
    return _table(("what", "default"), rows)


def events() -> str:
    """Return a chapter for each kind of event: what it is about, and every field of its data."""
    chapters: dict[type[Data], list[EventType]] = {}
    for row in TYPES.values():
        chapters.setdefault(row.data, []).append(row)
    return "\n\n".join(_chapter(class_, rows) for class_, rows in chapters.items())


_PARTS: Mapping[str, Callable[[], str]] = {
    "targets": targets,
    "routes": routes,
    "limits": limits,
    "events": events,
}


def _joined(of: Limits) -> str:
    return f"{of.depth} levels, {of.keys} keys, {of.string_length} characters"


def _form(form: str) -> str:
    return form if " " in form else f"`{form}`"


def _heard(groups: Iterable[str]) -> str:
    return ", ".join(_spelled(group) for group in groups)


def _spelled(template: str) -> str:
    """Return a group of the routes as the subscription that hears it."""
    found = _TEMPLATE.fullmatch(template)
    if found is None:
        raise ValueError(template)
    family, scope, value = found.groups(default="")
    if family == "user":
        return f"`user` `me` of `{value}`"
    return f"`{family}` `{scope.replace('.', ':')}{_FIELDS.get(value, value)}`"


def _chapter(class_: type[Data], rows: list[EventType]) -> str:
    names = ", ".join(f"`{row.name}`" for row in rows)
    lines = [f"### {names}", "", _sentences(class_), ""]
    lines += [f"* `{row.name}` ({row.kind}): {row.description}" for row in rows]
    if rows[0].kind is Kind.FACT:
        lines.append(f"* {_about(rows)}")
    lines += ["", _fields(class_)]
    for inner in _inner(class_):
        lines += ["", f"{_title(inner)}: {_sentences(inner)}", "", _fields(inner)]
    return "\n".join(lines)


def _about(rows: list[EventType]) -> str:
    row = rows[0]
    family = f"family `{row.family}`, " if len(rows) > 1 else ""
    ended = (
        f"it is over once `{row.ended_when}` is not null" if row.ended_when else "never over"
    )
    return f"Subject: {family}field `{row.subject}`; {ended}."


def _title(class_: type) -> str:
    return f"`{class_.__name__}`"


def _sentences(class_: type) -> str:
    return re.sub(r"\s+", " ", cleandoc(class_.__doc__ or ""))


def _fields(class_: type) -> str:
    found = inspect.type_info(class_)
    if not isinstance(found, inspect.StructType):
        raise TypeError(class_)
    declared = get_type_hints(class_, include_extras=True)
    rows = (
        (f"`{each.name}`", *_described(each.type, declared[each.name])) for each in found.fields
    )
    return _table(("field", "type", "meaning"), rows)


def _described(kind: inspect.Type, declared: object) -> tuple[str, str]:
    said = ""
    if isinstance(kind, inspect.Metadata):
        said = (kind.extra_json_schema or {}).get("description", "")
        kind = kind.type
    word = _word(kind)
    # msgspec sorts the words of a vocabulary; the order in which they were declared says more.
    for words in _vocabularies(declared):
        word = word.replace(_choice(sorted(words)), _choice(words))
    return word, said


def _vocabularies(declared: object) -> Iterator[tuple[str, ...]]:
    if get_origin(declared) is Literal:
        yield get_args(declared)
    else:
        for part in get_args(declared):
            yield from _vocabularies(part)


def _choice(words: Iterable[str]) -> str:
    return " · ".join(f"`{word}`" for word in words)


def _word(kind: inspect.Type) -> str:  # noqa: PLR0911 - a case for each kind of type
    """Return a type as a person reads it."""
    simple = _WORDS.get(type(kind))
    if simple is not None:
        return simple
    match kind:
        case inspect.Metadata(type=inner):
            return _word(inner)
        case inspect.StrType(max_length=most):
            return "text" if most is None else f"text, up to {most}"
        case inspect.IntType(ge=least):
            return "integer" if least is None else f"integer from {least}"
        case inspect.LiteralType(values=values):
            return _choice(map(str, values))
        case inspect.ListType(item_type=item, max_length=most):
            return f"list of {_word(item)}" + (f"; at most {most}" if most else "")
        case inspect.DictType(value_type=value, max_length=most):
            return f"object of {_word(value)}" + (f"; at most {most}" if most else "")
        case inspect.UnionType(types=types):
            return " or ".join(map(_word, types))
        case inspect.StructType(cls=class_):
            return _title(class_)
    raise NotImplementedError(kind)


_WORDS: Mapping[type[inspect.Type], str] = {
    inspect.FloatType: "number",
    inspect.BoolType: "true or false",
    inspect.NoneType: "null",
    inspect.DateTimeType: "time",
}


def _inner(class_: type) -> Iterator[type]:
    """Yield the classes within the class, each once, in the order of its fields."""
    seen: dict[type, None] = {}

    def look(kind: inspect.Type) -> None:
        match kind:
            case inspect.StructType(cls=found, fields=fields):
                if found is not class_:
                    seen[found] = None
                for each in fields:
                    look(each.type)
            case inspect.Metadata(type=inner) | inspect.ListType(item_type=inner):
                look(inner)
            case inspect.UnionType(types=types):
                for each_type in types:
                    look(each_type)

    look(inspect.type_info(class_))
    yield from seen


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


if __name__ == "__main__":
    DOCUMENT.write_text(current(DOCUMENT.read_text()))

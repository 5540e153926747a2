"""Data of an event type made from its class alone: anything it allows, and the largest it allows."""

import json
from datetime import UTC, datetime
from functools import cache
from typing import Any

import msgspec
from hypothesis import strategies as st
from msgspec import inspect

from ms5.events.facts import TYPES, Data

LARGEST_WHOLE = 2**53 - 1
# What a text or a list that has no bound of its own is given in the largest value.
USUAL_TEXT, USUAL_LIST = 24, 100


@cache
def data_of(type_: str) -> st.SearchStrategy[Data]:
    """Return a strategy of anything that the type's class declares."""
    class_ = TYPES[type_].data
    return _any(inspect.type_info(class_)).map(lambda value: msgspec.convert(value, class_))


def largest(type_: str) -> Data:
    """Return data with every text, list and number as long as it may be, in letters of two bytes."""
    class_ = TYPES[type_].data
    return msgspec.convert(_largest(inspect.type_info(class_)), class_)


def _any(  # noqa: PLR0911, PLR0912 - a case for each kind of type
    kind: inspect.Type,
) -> st.SearchStrategy[Any]:
    match kind:
        case inspect.Metadata(type=inner):
            return _any(inner)
        case inspect.StructType(fields=fields):
            return st.fixed_dictionaries({each.name: _any(each.type) for each in fields})
        case inspect.UnionType(types=types):
            return st.one_of(*map(_any, types))
        case inspect.ListType(item_type=item, max_length=most):
            return st.lists(_any(item), max_size=min(most or 4, 4))
        case inspect.DictType(key_type=key, value_type=value, max_length=most):
            return st.dictionaries(_any(key), _any(value), max_size=min(most or 4, 4))
        case inspect.LiteralType(values=values):
            return st.sampled_from(values)
        case inspect.StrType(pattern=None, max_length=most):
            return st.text(st.characters(exclude_categories=["Cs"]), max_size=most)
        case inspect.StrType(pattern=pattern, max_length=most):
            return st.from_regex(pattern.removesuffix("$"), fullmatch=True).filter(
                lambda text: len(text) <= most
            )
        case inspect.IntType(ge=least, le=most):
            return st.integers(
                -LARGEST_WHOLE if least is None else least,
                LARGEST_WHOLE if most is None else most,
            )
        case inspect.FloatType(ge=least):
            return st.floats(least, allow_nan=False, allow_infinity=False)
        case inspect.DateTimeType():
            return st.datetimes(datetime(1970, 1, 2), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds it
        case inspect.BoolType():
            return st.booleans()
        case inspect.NoneType():
            return st.none()
    raise NotImplementedError(kind)


def _largest(kind: inspect.Type) -> Any:  # noqa: PLR0911 - as above
    match kind:
        case inspect.Metadata(type=inner):
            return _largest(inner)
        case inspect.StructType(fields=fields):
            return {each.name: _largest(each.type) for each in fields}
        case inspect.UnionType(types=types):
            return max(map(_largest, types), key=_size)
        case inspect.ListType(item_type=item, max_length=most):
            return [_largest(item)] * (most or USUAL_LIST)
        case inspect.DictType(value_type=value, max_length=most):
            return {f"field_{number:034}": _largest(value) for number in range(most)}
        case inspect.LiteralType(values=values):
            return max(values, key=len)
        case inspect.StrType(max_length=most, pattern=pattern):
            return ("ß" if pattern is None else "X") * (most or USUAL_TEXT)
        case inspect.IntType():
            return LARGEST_WHOLE
        case inspect.FloatType():
            return 1_234_567.890123
        case inspect.DateTimeType():
            return datetime(2026, 11, 23, 10, 0, 0, 123456, tzinfo=UTC)
        case inspect.BoolType():
            return False
        case inspect.NoneType():
            return None
    raise NotImplementedError(kind)


def _size(value: Any) -> int:
    return len(json.dumps(value, default=str, ensure_ascii=False).encode())

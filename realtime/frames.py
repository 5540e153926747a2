"""The door: what a client sent becomes a message, or a named refusal, and never a traceback (pure)."""

import json
import math
from collections.abc import Iterable
from typing import Any, Never

import msgspec

from realtime.limits import Limits
from realtime.protocol import (
    Auth,
    ClientMessage,
    ErrorCode,
    GetStats,
    GetSubscriptions,
    Ping,
    Resume,
    Subscribe,
    SubscriptionRequest,
    Unsubscribe,
)
from realtime.targets import BadTarget, SubscriptionType, Target, parse

_CLASSES: dict[str, type[ClientMessage]] = {
    "subscribe": Subscribe,
    "unsubscribe": Unsubscribe,
    "resume": Resume,
    "auth": Auth,
    "ping": Ping,
    "get_stats": GetStats,
    "get_subscriptions": GetSubscriptions,
}
# JSON has no largest integer; ours is the largest that every peer of the wire can hold.
LARGEST = 2**63 - 1


class Refused(ValueError):
    """A message, or one of its subscriptions, is not acceptable. `id` is the client's, if it was legible."""

    def __init__(self, code: ErrorCode, message: str, id_: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.id = id_


def parse_frame(text: str, limits: Limits) -> ClientMessage:
    """Return the message of a text frame. Raises Refused, and nothing else, whatever the text is."""
    # A string may hold lone surrogates in a test; on the wire it cannot.
    if len(text.encode("utf-8", "surrogatepass")) > limits.frame_bytes:
        raise Refused(ErrorCode.TOO_LARGE, f"a frame has at most {limits.frame_bytes} bytes")
    try:
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_not_a_number,
            parse_float=_number,
            parse_int=_integer,
        )
    except (ValueError, RecursionError) as wrong:
        if isinstance(wrong, Refused):
            raise
        raise Refused(ErrorCode.INVALID_JSON, "the frame is not a JSON text") from wrong
    if not isinstance(value, dict):
        raise Refused(ErrorCode.INVALID_MESSAGE, "a message is a JSON object")
    id_ = value.get("id")
    legible = id_ if type(id_) is int else None
    try:
        _within(value, limits)
        return _message(value, limits)
    except Refused as refused:
        raise Refused(refused.code, refused.message, legible) from refused


def target_of(wish: SubscriptionRequest) -> Target:
    """Return the target a subscription asks for. Raises Refused."""
    if wish.subscription_type is None:
        raise Refused(ErrorCode.MISSING_SUBSCRIPTION_TYPE, "subscription_type is missing")
    try:
        type_ = SubscriptionType(wish.subscription_type)
    except ValueError as unknown:
        known = ", ".join(SubscriptionType)
        raise Refused(
            ErrorCode.UNKNOWN_SUBSCRIPTION_TYPE, f"the subscription types are {known}"
        ) from unknown
    target_id = wish.target_id if wish.target_id is not None else wish.target
    if target_id is None:
        raise Refused(ErrorCode.MISSING_TARGET_ID, "target_id is missing")
    try:
        return parse(type_, target_id)
    except BadTarget as bad:
        raise Refused(ErrorCode.INVALID_TARGET, str(bad)) from bad


def _message(value: dict[str, Any], limits: Limits) -> ClientMessage:
    type_ = value.get("type")
    if not isinstance(type_, str):
        raise Refused(ErrorCode.INVALID_MESSAGE, "a message has a type, which is a string")
    declared = _CLASSES.get(type_)
    if declared is None:
        known = ", ".join(_CLASSES)
        raise Refused(ErrorCode.UNKNOWN_MESSAGE_TYPE, f"the types of messages are {known}")
    try:
        message = msgspec.convert(value, declared)
    except msgspec.ValidationError as wrong:
        raise Refused(ErrorCode.INVALID_MESSAGE, str(wrong)) from wrong
    if isinstance(message, Subscribe | Unsubscribe) and not message.wishes:
        raise Refused(ErrorCode.INVALID_MESSAGE, "the list of subscriptions is empty")
    if isinstance(message, Subscribe | Unsubscribe | Resume):
        _few_enough(message.subscriptions, limits)
    return message


def _few_enough(wishes: list[SubscriptionRequest] | None, limits: Limits) -> None:
    """Refuse a list that no connection can have: each wish has its answer, and 5,000 fit into a frame."""
    if wishes is not None and len(wishes) > limits.subscriptions:
        raise Refused(
            ErrorCode.LIMIT_SUBSCRIPTIONS,
            f"a list has at most {limits.subscriptions} subscriptions",
        )


def _within(value: dict[str, Any], limits: Limits) -> None:
    """Refuse what is too deep, too wide or too long; walks without recursion."""
    level: list[object] = [value]
    # The one object that has a key for each stream: a client of all lines may return to a large plant.
    positions = value.get("positions")
    for _ in range(limits.depth):
        level = [
            child
            for parent in level
            for child in _children(
                parent, limits, limits.positions if parent is positions else limits.keys
            )
        ]
        if not level:
            return
    if any(isinstance(child, dict | list) for child in level):
        raise Refused(ErrorCode.INVALID_MESSAGE, f"a message nests at most {limits.depth} deep")


def _children(value: object, limits: Limits, keys: int) -> Iterable[object]:
    match value:
        case dict():
            if len(value) > keys:
                raise Refused(ErrorCode.INVALID_MESSAGE, f"an object has at most {keys} keys")
            for key, child in value.items():
                _check_string(key, limits)
                yield child
        case list():
            yield from value
        case str():
            _check_string(value, limits)


def _check_string(value: str, limits: Limits) -> None:
    if len(value) > limits.string_length:
        raise Refused(
            ErrorCode.INVALID_MESSAGE, f"a string has at most {limits.string_length} characters"
        )
    # PostgreSQL's text cannot hold it, nor can a C string of any peer.
    if "\0" in value:
        raise Refused(ErrorCode.INVALID_MESSAGE, "a string has no NUL character")
    if not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value):
        raise Refused(ErrorCode.INVALID_MESSAGE, "a string has half of a surrogate pair")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Refused(ErrorCode.INVALID_MESSAGE, "an object has the same key twice")
    return found


def _not_a_number(name: str) -> Never:
    raise Refused(ErrorCode.INVALID_JSON, f"{name} is not JSON")


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise Refused(ErrorCode.INVALID_MESSAGE, "a number is too large")
    return value


def _integer(text: str) -> int:
    # The length first: turning a very long one into a number takes quadratic time, or raises.
    if len(text) > 20 or abs(int(text)) > LARGEST:
        raise Refused(ErrorCode.INVALID_MESSAGE, "an integer has at most 63 bits")
    return int(text)

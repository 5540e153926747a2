"""Frames that know the protocol and break it: seeded, so that a failure can be had again."""

import copy
import json
from collections.abc import Callable
from random import Random
from typing import Any

Value = Any
_TYPES = (
    "subscribe",
    "unsubscribe",
    "resume",
    "auth",
    "ping",
    "get_stats",
    "get_subscriptions",
)
_FAMILIES = (
    *("line", "equipment", "job", "production", "oee", "downtime", "andon", "escalation"),
    *("quality", "changeover", "event", "user"),
)
# Codes of tests.socket.conftest.Floor, guesses beside them, and what is no code at all.
_TARGETS = (
    *("L-OWN", "all", "M.OWN", "equipment:M.OWN", "line:L-OWN", "me", "high", "priority:low"),
    *("equipment_state", "production_update", "andon_event", "17", "escalation:17"),
    *("L-FOREIGN", "line:L-FOREIGN", "M.FOREIGN", "equipment:M.FOREIGN", "L-NONE", "L-OWN.all"),
    *("ALL", "plant", "sys", "Sys", "ME", "line:all", "line:line:L-OWN", "", " ", "../L-OWN"),
    *("L-OWN ", "L-\u041eWN", "*", "L-OWN\x00", "x" * 64, "x" * 65, "user.1", "line.L-OWN"),
)
_ODD_VALUES: tuple[Value, ...] = (
    *(
        None,
        True,
        False,
        0,
        -1,
        2**63 - 1,
        2**63,
        2**70,
        1.5,
        1e308,
        -0.0,
        "",
        " ",
        "\0",
        "\ud800",
    ),
    *(
        [],
        [[]],
        {},
        {"": {}},
        [None] * 9,
        {"type": "ping"},
        "x" * 512,
        "x" * 513,
        "\u202e",
        "💥" * 200,
    ),
)
_ODD_TEXTS = (
    *("NaN", "Infinity", "-Infinity", "1e999", "-0", "01", "+1", "0x1", "9" * 30, "9" * 4301),
    *("1" + "0" * 400, '{"a":1,"a":2}', '"\\ud800"', '"\\u0000"', "tru", "'x'", "//", "[" * 60),
    *("[" * 20 + "]" * 20, "\ufeff", ",", "}", "{}", '"', "\\", "null", "\x00", "/**/"),
)


class Fuzzer:
    """An endless source of payloads of text frames."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._ways: tuple[tuple[Callable[[], bytes], int], ...] = (
            (self._valid, 14),
            (self._changed, 34),
            (self._cut_up, 24),
            (self._noise, 8),
            (self._too_large, 4),
            (self._long_list, 4),
            (self._broken_bytes, 1),
        )

    def payload(self) -> bytes:
        """Return the next one: at most 70,000 bytes, and not always UTF-8."""
        ways, weights = zip(*self._ways, strict=True)
        way: Callable[[], bytes] = self._random.choices(ways, weights)[0]
        return way()

    def _valid(self) -> bytes:
        return _encode(self._message())

    def _changed(self) -> bytes:
        """A message of which one to three values, fields or names are not what they should be."""
        message = self._message()
        for _ in range(self._random.randint(1, 3)):
            message = self._change(message)
        return _encode(message)

    def _cut_up(self) -> bytes:
        """A text that was JSON once."""
        text = _encode(self._message()).decode("utf-8", "surrogatepass")
        for _ in range(self._random.randint(1, 2)):
            place = self._random.randint(0, len(text))
            match self._random.randrange(6):
                case 0:
                    text = text[:place] + self._random.choice(_ODD_TEXTS) + text[place:]
                case 1:
                    text = text[:place]
                case 2:
                    text = text[:place] + text[place + self._random.randint(1, 4) :]
                case 3:
                    text = text + self._random.choice((text, "x", " \n", ",", "\0", "]"))
                case 4:
                    field = f'"{self._random.choice(("id", "type", "t"))}":1,'
                    text = text.replace("{", "{" + field, 1)
                case _:
                    letter = chr(self._random.randint(0, 0x7F))
                    text = text[:place] + letter + text[place + 1 :]
        return text.encode()

    def _noise(self) -> bytes:
        """Any text, or any JSON value but a message."""
        if self._random.random() < 0.5:
            letters = (chr(self._random.choice((0, 9, 34, 91, 123, 0x2028, 0x1F4A5)) or 58),)
            some = [chr(self._random.randint(1, 0x2FF)) for _ in range(40)]
            return "".join(self._random.choices((*letters, *some), k=40)).encode()
        return _encode(self._random.choice((self._any(0), [self._message()], "ping", 17)))

    def _too_large(self) -> bytes:
        """Above the protocol's limit; rarely above the server's."""
        size = 65_600 if self._random.random() < 0.01 else self._random.randint(16_385, 20_000)
        filler = self._random.choice((" ", "[", "9", "x"))
        return _encode(self._message()) + filler.encode() * size

    def _long_list(self) -> bytes:
        """A list of subscriptions of every length around the limit."""
        wishes = [self._wish() for _ in range(self._random.choice((0, 1, 3, 8, 25)))]
        type_ = self._random.choice(("subscribe", "unsubscribe", "resume"))
        return _encode({"type": type_, "subscriptions": wishes} | self._id())

    def _broken_bytes(self) -> bytes:
        """Bytes that may be no UTF-8 any more."""
        payload = bytearray(_encode(self._message()))
        for _ in range(self._random.randint(1, 3)):
            payload[self._random.randrange(len(payload))] = self._random.randrange(256)
        return bytes(payload)

    def _message(self) -> dict[str, Value]:
        type_ = self._random.choice(_TYPES)
        message = {"type": type_} | self._id()
        match type_:
            case "subscribe" | "unsubscribe" if self._random.random() < 0.3:
                message["subscriptions"] = [
                    self._wish() for _ in range(self._random.randint(1, 3))
                ]
            case "subscribe" | "unsubscribe":
                message |= self._wish()
                if self._random.random() < 0.3:
                    message["snapshot"] = self._random.random() < 0.5
            case "resume":
                message |= {
                    "epoch": self._random.choice(("e-1", "", None)),
                    "positions": self._positions(),
                    "subscriptions": [self._wish()],
                }
            case "auth":
                message["ticket"] = self._random.choice(("t", "", "x" * 64))
            case "ping":
                message["t"] = self._any(0)
        return message

    def _id(self) -> dict[str, Value]:
        return {"id": self._random.randint(0, 10**6)} if self._random.random() < 0.7 else {}

    def _wish(self) -> dict[str, Value]:
        known = self._random.random() < 0.9
        families = _FAMILIES if known else ("lines", "LINE", "", "sys", "telemetry")
        wish = {"subscription_type": self._random.choice(families)}
        name = "target" if self._random.random() < 0.2 else "target_id"
        return wish | {name: self._random.choice(_TARGETS)}

    def _positions(self) -> dict[str, Value]:
        streams = self._random.sample(("L-OWN", "L-FOREIGN", "plant", "sys", "L-NONE"), 2)
        return {
            stream: {
                "seq": self._random.choice((0, 1, 3, -1, 10**9, 2**63 - 1)),
                "event_id": self._random.choice((None, "", "x", str(self._random.random()))),
            }
            for stream in streams
        }

    def _change(self, message: dict[str, Value]) -> dict[str, Value]:
        """Return a message with one thing wrong, at its top or within."""
        changed = copy.deepcopy(message)
        inner: list[dict[str, Value]] = [changed]
        inner += [
            wish for wish in _list(changed.get("subscriptions")) if isinstance(wish, dict)
        ]
        where = self._random.choice(inner)
        name = self._random.choice([*where, "type", "id", "subscription_type", "target_id"])
        match self._random.randrange(5):
            case 0:
                where.pop(name, None)
            case 1:
                where[name] = self._random.choice(_ODD_VALUES)
            case 2:
                where[name.upper()] = where.pop(name, None)
            case 3:
                where[name] = [where.get(name)]
            case _:
                where[name] = self._any(0)
        return changed

    def _any(self, depth: int) -> Value:
        if depth > 5 or self._random.random() < 0.6:
            return self._random.choice(_ODD_VALUES)
        count = self._random.randint(0, 4)
        if self._random.random() < 0.5:
            return [self._any(depth + 1) for _ in range(count)]
        return {f"k{number}": self._any(depth + 1) for number in range(count)}


def _list(value: Value) -> list[Value]:
    return value if isinstance(value, list) else []


def _encode(value: Value) -> bytes:
    """Return the JSON text; half surrogates are escaped, as a client's encoder does."""
    return json.dumps(value, ensure_ascii=True).encode()

"""The corpus: what a client may get wrong, byte by byte, and the one answer each has.

A line of `corpus.jsonl` is a case. Its `parts` are joined: text, `[text, times]`, or `{"hex": bytes}`. It has
either the `code` of an error, or an `answer` (the type of the message that follows), or a `close` (the code
with which the server ends it before the protocol is asked). `beyond_the_door` marks what is well formed, and
refused because a viewer of L-OWN may not see it.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One frame and its answer."""

    name: str
    payload: bytes
    code: str | None
    answer: str | None
    close: int | None
    beyond_the_door: bool

    def __str__(self) -> str:
        return self.name


def cases() -> list[Case]:
    """Return all of them, in the order of the file."""
    path = Path(__file__).with_name("corpus.jsonl")
    return [_case(json.loads(line)) for line in path.read_text("ascii").splitlines()]


def _case(row: dict[str, Any]) -> Case:
    return Case(
        name=row["name"],
        payload=b"".join(_bytes(part) for part in row["parts"]),
        code=row.get("code"),
        answer=row.get("answer"),
        close=row.get("close"),
        beyond_the_door=row.get("beyond_the_door", False),
    )


def _bytes(part: object) -> bytes:
    match part:
        case str(text):
            return text.encode()
        case [str(text), int(times)]:
            return text.encode() * times
        case {"hex": str(digits)}:
            return bytes.fromhex(digits)
        case _:
            raise ValueError(part)

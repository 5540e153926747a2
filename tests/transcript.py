"""Plays a written conversation against a real server, and demands the answers that are written there."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.client import Client, Frame

# What differs from run to run: clocks, and names that the server makes up.
_VOLATILE = {"timestamp", "server_time", "connection_id", "epoch", "event_id", "user"}


def without_volatile(value: Any, *, inside: bool = False) -> Any:
    """Return the message without what differs from run to run; ids of rows are such, those of messages not."""
    match value:
        case dict():
            return {
                key: None
                if key in _VOLATILE or (inside and key == "id")
                else without_volatile(member, inside=True)
                for key, member in value.items()
            }
        case list():
            return [without_volatile(member, inside=True) for member in value]
        case _:
            return value


@dataclass
class Player:
    """`acts` says what to do for each line that begins with a star; it may return the client to go on with."""

    acts: Mapping[str, Callable[[], Client | None]]
    client: Client | None = None
    said: list[str] = field(default_factory=list)
    _renamed: dict[str, str] = field(default_factory=dict)

    def play(self, lines: Iterable[str]) -> None:
        """Raises AssertionError at the first answer that is another one."""
        for line in lines:
            mark, _, rest = line.partition(" ")
            match mark:
                case "*":
                    self.client = self.acts[rest]() or self.client
                case ">":
                    self._connected.connection.send(self._as_of_this_run(rest))
                case "<":
                    written = json.loads(rest)
                    self._compare(written, self._next())
                case _:
                    raise ValueError(line)
            self.said.append(line)

    @property
    def _connected(self) -> Client:
        assert self.client is not None
        return self.client

    def _next(self) -> Frame:
        while True:
            frame = self._connected.receive()
            if frame["type"] != "heartbeat":
                return frame

    def _compare(self, written: Frame, came: Frame) -> None:
        assert without_volatile(came) == without_volatile(written)
        for name in ("epoch", "event_id"):
            if name in written:
                self._renamed[written[name]] = came[name]

    def _as_of_this_run(self, text: str) -> str:
        for written, real in self._renamed.items():
            text = text.replace(f'"{written}"', f'"{real}"')
        return text

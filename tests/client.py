"""A socket client for tests: typed, and strict about every frame it sees."""

import json
import time
from collections import deque
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cache
from types import TracebackType
from typing import Any, Self

import jsonschema
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from realtime.protocol import BATCH
from realtime.schemas import server_schemas

Frame = dict[str, Any]
PATIENCE_S = 20.0
"""How long a message may take where the test is about what it says: a busy machine stands still for seconds."""


@cache
def _validators() -> dict[str, jsonschema.Draft202012Validator]:
    return {
        type_: jsonschema.Draft202012Validator(schema)
        for type_, schema in server_schemas().items()
    }


class Closed(AssertionError):
    """The server closed the connection while a frame was expected."""

    def __init__(self, code: int | None, reason: str) -> None:
        super().__init__(f"closed with {code} {reason}")
        self.code = code
        self.reason = reason


@dataclass
class Client:
    """Messages are kept in `seen`, in order; one that fits no schema fails the test.

    `wire_frames` counts what they came in: with `ms5.v1+batch` a frame may hold several.
    """

    url: str
    headers: dict[str, str] = field(default_factory=dict)
    subprotocols: list[str] = field(default_factory=lambda: ["ms5.v1"])
    seen: list[Frame] = field(default_factory=list)
    wire_frames: int = 0
    _arrived: deque[Frame] = field(default_factory=deque)
    _stack: ExitStack = field(default_factory=ExitStack)
    _connection: ClientConnection | None = None
    _last_id: int = 0

    def __enter__(self) -> Self:
        self._connection = self._stack.enter_context(
            connect(
                self.url,
                additional_headers=self.headers,
                subprotocols=self.subprotocols or None,
                compression=None,
                proxy=None,
                open_timeout=10,
                close_timeout=2,
                max_size=None,
                # It answers no ping while a test leaves its frames unread; the protocol has its own.
                ping_interval=None,
            )
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    @property
    def connection(self) -> ClientConnection:
        assert self._connection is not None
        return self._connection

    def send(self, type_: str, **fields: Any) -> int:
        """Send a message; return the id it was given."""
        self._last_id += 1
        message = {"type": type_, "id": self._last_id} | fields
        self.connection.send(json.dumps(message))
        return self._last_id

    def receive(self, within_s: float = PATIENCE_S) -> Frame:
        """Return the next message. Raises Closed, or TimeoutError."""
        if not self._arrived:
            self._arrived += self._frame(within_s)
        frame = self._arrived.popleft()
        _validators()[frame["type"]].validate(frame)
        self.seen.append(frame)
        return frame

    def _frame(self, within_s: float) -> list[Frame]:
        """Return the messages of the next frame. Raises Closed, or TimeoutError."""
        try:
            text = self.connection.recv(timeout=within_s)
        except ConnectionClosed as closed:
            frame = closed.rcvd
            raise Closed(frame.code if frame else None, frame.reason if frame else "") from None
        self.wire_frames += 1
        content = json.loads(text)
        if isinstance(content, dict):
            return [content]
        assert self.connection.subprotocol == BATCH, "an array was not asked for"
        assert 1 <= len(content) <= 256
        return list(content)

    def expect(self, type_: str, within_s: float = PATIENCE_S, **fields: Any) -> Frame:
        """Return the next frame of this type with these fields; others are passed over, and kept."""
        deadline = time.monotonic() + within_s
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"no {type_} {fields} in {within_s} s; seen {self.types()}")
            frame = self.receive(left)
            if frame["type"] == type_ and all(
                frame.get(key) == value for key, value in fields.items()
            ):
                return frame

    def subscribe(self, subscription_type: str, target_id: str, **fields: Any) -> Frame:
        """Subscribe; return the snapshot."""
        id_ = self.send(
            "subscribe", subscription_type=subscription_type, target_id=target_id, **fields
        )
        self.expect("subscription_confirmed", id=id_)
        return self.expect("snapshot", id=id_)

    def resume(
        self, epoch: str, positions: dict[str, Any], subscriptions: list[tuple[str, str]]
    ) -> tuple[Frame, list[Frame]]:
        """Resume; return `resumed` and what came after it, up to and with `live`."""
        wishes = [
            {"subscription_type": type_, "target_id": target} for type_, target in subscriptions
        ]
        id_ = self.send("resume", epoch=epoch, positions=positions, subscriptions=wishes)
        resumed = self.expect("resumed", id=id_)
        start = len(self.seen)
        self.expect("live", id=id_)
        return resumed, self.seen[start:]

    def positions(self) -> dict[str, Any]:
        """Return, for `resume`, the newest fact seen per stream."""
        return {
            fact["stream"]: {"seq": fact["seq"], "event_id": fact["event_id"]}
            for fact in self.facts()
        }

    def quiet(self, for_s: float = 0.5) -> list[Frame]:
        """Return what came within the time, heartbeats left out."""
        deadline, came = time.monotonic() + for_s, []
        while (left := deadline - time.monotonic()) > 0:
            try:
                frame = self.receive(left)
            except TimeoutError:
                break
            if frame["type"] != "heartbeat":
                came.append(frame)
        return came

    def pong(self) -> list[Frame]:
        """Return all that the server had sent before it answered a ping."""
        start = len(self.seen)
        self.expect("pong", id=self.send("ping", t=None))
        return [frame for frame in self.seen[start:-1] if frame["type"] != "heartbeat"]

    def closed_with(self, within_s: float = PATIENCE_S) -> int | None:
        """Return the code the server closes with; frames that come before are kept."""
        deadline = time.monotonic() + within_s
        while True:
            try:
                self.receive(deadline - time.monotonic())
            except Closed as closed:
                return closed.code

    def types(self) -> list[str]:
        return [frame["type"] for frame in self.seen]

    def facts(self) -> list[Frame]:
        """Return the facts seen, in order."""
        return [frame for frame in self.seen if "seq" in frame]

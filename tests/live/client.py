"""The socket around the rules: connects, keeps what it was told, comes back to whoever is there."""

import asyncio
import json
import random
import time
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # published without types
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.typing import Subprotocol

from realtime.schemas import server_schemas
from tests.live.board import Board, Item
from tests.live.outputs import Apply, Connect, Drop, Ended, Lost, Output, Rewind, Send
from tests.live.requests import Wish
from tests.live.rules import Gap, Rules, Status

PROTOCOLS = ("ms5.v1+batch", "ms5.v1")
NEVER_OPENED = 1006


@cache
def _validators() -> dict[str, jsonschema.Draft202012Validator]:
    return {
        type_: jsonschema.Draft202012Validator(schema)
        for type_, schema in server_schemas().items()
    }


class LiveClient:
    """One client of a program; `await run()` until `stop()`.

    `urls` are tried in turn, as a client does behind a name with several addresses; the list may be
    changed while it runs. `forbidden` are markers that must not come in any frame: texts that hold one
    are kept in `foreign`. With `validate` a frame that fits no schema ends `run()` with jsonschema's
    ValidationError. `record` holds the newest `keep` frames as they came.
    """

    def __init__(
        self,
        urls: Sequence[str],
        headers: Mapping[str, str],
        subscriptions: Sequence[Wish],
        *,
        protocols: Sequence[str] = PROTOCOLS,
        forbidden: Sequence[str] = (),
        validate: bool = True,
        keep: int = 20_000,
        seed: int | None = None,
    ) -> None:
        self.urls = list(urls)
        self._headers = dict(headers)
        self._protocols = [Subprotocol(name) for name in protocols]
        self._forbidden = tuple(forbidden)
        self._validate = validate
        self._socket: ClientConnection | None = None
        self._wanted = False
        self._tried = 0
        self._stopped = asyncio.Event()
        self._changed = asyncio.Event()
        jitter = random.Random(seed)
        self.rules = Rules(subscriptions, jitter.random, _now_ms())
        self.board = Board()
        self.facts: dict[str, list[tuple[int, str]]] = {}
        self.record: deque[str] = deque(maxlen=keep)
        self.foreign: list[str] = []
        self.errors: list[dict[str, Any]] = []
        self.closes: list[int] = []
        self.types: Counter[str] = Counter()
        self.connects = 0
        self.frames = 0
        self.bytes = 0
        self.ended: Ended | None = None

    @property
    def gaps(self) -> list[tuple[str, int, int | None, str]]:
        """What was announced as missing: (stream, after, to, reason)."""
        return [_flat(gap) for gap in self.rules.gaps]

    @property
    def gauges(self) -> dict[tuple[str, str], tuple[int, Any]]:
        """(version, data) by (stream, key)."""
        return self.board.gauges

    @property
    def items(self) -> list[Item]:
        """The open subjects, folded."""
        return self.board.items

    @property
    def resumes(self) -> int:
        """How often a `resume` was answered with `resumed`."""
        return self.rules.resumes

    @property
    def reconnects(self) -> int:
        """How often it came in again."""
        return max(0, self.connects - 1)

    @property
    def duplicates(self) -> int:
        """Facts that came although they were applied before; they changed nothing."""
        return self.rules.duplicates

    @property
    def incomplete(self) -> int:
        """How often the count of facts showed that some had not come."""
        return self.rules.incomplete

    @property
    def is_live(self) -> bool:
        """Whether everything up to now is here."""
        return self.rules.status is Status.LIVE

    def stop(self) -> None:
        """End `run()`; to be called on its loop."""
        self._stopped.set()
        self._changed.set()

    async def changed(self, within_s: float) -> None:
        """Wait until a frame comes or a connection ends. Raises TimeoutError."""
        self._changed.clear()
        async with asyncio.timeout(within_s):
            await self._changed.wait()

    async def run(self) -> None:
        """Be connected until stopped, or until the server ends it for good."""
        await self._perform(self.rules.start(_now_ms()))
        while not self._stopped.is_set() and self.ended is None:
            if self._wanted:
                await self._connect()
            else:
                await self._wait()
        await self._perform(self.rules.stop())

    async def _wait(self) -> None:
        """Wait for the rules' next moment."""
        try:
            async with asyncio.timeout(self._left_s()):
                await self._stopped.wait()
        except TimeoutError:
            await self._perform(self.rules.tick(_now_ms()))

    async def _connect(self) -> None:
        self._wanted = False
        url = self.urls[self._tried % len(self.urls)]
        self._tried += 1
        try:
            async with asyncio.timeout(self._left_s()):
                self._socket = await connect(
                    url,
                    additional_headers=self._headers,
                    subprotocols=self._protocols or None,
                    compression=None,
                    proxy=None,
                    open_timeout=None,
                    close_timeout=1,
                    ping_interval=None,
                    max_size=None,
                )
        except TimeoutError:
            await self._perform(self.rules.tick(_now_ms()))
            return
        except (OSError, InvalidHandshake, EOFError):
            await self._over(NEVER_OPENED)
            return
        self.connects += 1
        await self._perform(self.rules.opened(_now_ms()))
        await self._listen()

    async def _listen(self) -> None:
        """Take frames until the connection ends, from either side."""
        stopped = asyncio.create_task(self._stopped.wait())
        try:
            while self._socket is not None and not self._stopped.is_set():
                frame = asyncio.create_task(self._socket.recv(decode=True))
                try:
                    await asyncio.wait(
                        {frame, stopped},
                        timeout=self._left_s(),
                        return_when=asyncio.FIRST_COMPLETED,
                    )
                    if frame.done():
                        await self._take(frame.result())
                    elif not stopped.done():
                        await self._perform(self.rules.tick(_now_ms()))
                except ConnectionClosed as closed:
                    await self._over(closed.rcvd.code if closed.rcvd else NEVER_OPENED)
                finally:
                    frame.cancel()
        finally:
            stopped.cancel()

    async def _take(self, text: str | bytes) -> None:
        assert isinstance(text, str), "the server sends text frames"
        self.frames += 1
        self.bytes += len(text)
        self.record.append(text)
        if any(marker in text for marker in self._forbidden):
            self.foreign.append(text)
        content = json.loads(text)
        for message in content if isinstance(content, list) else [content]:
            self.types[message["type"]] += 1
            if self._validate:
                _validators()[message["type"]].validate(message)
            if message["type"] == "error":
                self.errors.append(message)
        await self._perform(self.rules.heard(_now_ms(), text))
        self._changed.set()

    async def _over(self, code: int) -> None:
        self._socket = None
        self.closes.append(code)
        await self._perform(self.rules.closed(_now_ms(), code))
        self._changed.set()

    async def _perform(self, outputs: Sequence[Output]) -> None:
        for output in outputs:
            match output:
                case Connect():
                    self._wanted = True
                case Send(message):
                    await self._send(json.dumps(message, separators=(",", ":")))
                case Apply(message):
                    self.board.take(message)
                    if "seq" in message:
                        fact = (message["seq"], message["event_id"])
                        self.facts.setdefault(message["stream"], []).append(fact)
                case Rewind(positions):
                    for stream, facts in self.facts.items():
                        last = positions.get(stream, 0)
                        self.facts[stream] = [fact for fact in facts if fact[0] <= last]
                case Drop():
                    await self._drop()
                case Ended():
                    self.ended = output
                case Lost():
                    pass

    async def _send(self, text: str) -> None:
        # One that is closed meanwhile says so to whoever receives.
        if self._socket is not None:
            try:
                await self._socket.send(text)
            except ConnectionClosed:
                return

    async def _drop(self) -> None:
        socket, self._socket = self._socket, None
        if socket is not None:
            await socket.close()

    def _left_s(self) -> float | None:
        deadline = self.rules.deadline
        return None if deadline is None else max(0.0, (deadline - _now_ms()) / 1000)


def _flat(gap: Gap) -> tuple[str, int, int | None, str]:
    return gap.stream, gap.after, gap.to, gap.reason


def _now_ms() -> float:
    return time.monotonic() * 1000

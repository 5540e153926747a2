"""Many clients in a process of their own, so that neither they nor who hurts the stack starve."""

import asyncio
import json
import resource
import socket
import sys
import threading
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from tests.faults.talk import answer_all
from tests.faults.witness import Witness
from tests.live import LiveClient

SLOW_BUFFER = 131_072


class Watched(LiveClient):
    """A client that a witness looks over the shoulder."""

    def __init__(self, spec: dict[str, Any]) -> None:
        super().__init__(
            spec["urls"],
            {"Authorization": f"Token {spec['key']}"},
            spec["wishes"],
            protocols=spec["protocols"],
            validate=spec["validate"],
            keep=1,
            seed=spec["seed"],
        )
        self.name: str = spec["name"]
        self.wishes: list[dict[str, str]] = spec["wishes"]
        self.witness = Witness(len(spec["wishes"]), spec["forbidden"])
        self.came_back: list[float] = []
        self.pause_s: float = spec.get("pause_s", 0.0)
        self._seen: object = None

    def _notice(self) -> None:
        if self._socket is not None and self._socket is not self._seen:
            self._seen = self._socket
            self.witness.connected()
            if self.pause_s:
                # Else the kernel would read for it, megabytes ahead.
                raw: socket.socket = self._socket.transport.get_extra_info("socket")
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SLOW_BUFFER)

    async def _take(self, text: str | bytes) -> None:
        self._notice()
        self.witness.heard(time.monotonic(), str(text))
        was_live = self.is_live
        await super()._take(text)
        if self.is_live and not was_live:
            self.came_back.append(time.monotonic())
        if self.pause_s:
            await asyncio.sleep(self.pause_s)

    async def _send(self, text: str) -> None:
        self._notice()
        self.witness.sent(json.loads(text))
        await super()._send(text)

    async def _over(self, code: int) -> None:
        self.witness.closed(code)
        await super()._over(code)

    def report(self) -> dict[str, Any]:
        """Return all that is judged, as JSON can hold it."""
        witness = self.witness
        return {
            "name": self.name,
            "wishes": self.wishes,
            "stretches": {
                stream: [
                    [each.start, each.end, [[seq, *fact] for seq, fact in each.facts.items()]]
                    for each in stretches
                ]
                for stream, stretches in witness.stretches.items()
            },
            "breaks": [
                [each.stream, each.after, each.to, each.reason] for each in witness.breaks
            ],
            "wrong": witness.wrong,
            "twice": witness.twice,
            "again": witness.again,
            "foreign": witness.foreign,
            "counted": dict(witness.counted),
            "snapshots": [[*at, items] for at, items in witness.snapshots.items()],
            "facts": self.facts,
            "items": self.items,
            "gauges": [[*place, ver] for place, (ver, _) in self.gauges.items()],
            "incomplete": self.incomplete,
            "duplicates": self.duplicates,
            "came_back": self.came_back,
            "ended": None if self.ended is None else self.ended.message,
        }


class Crowd:
    """All clients, on the loop of a thread of their own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._clients: list[Watched] = []
        self._tasks: list[asyncio.Task[None]] = []
        threading.Thread(target=self._loop.run_forever, name="crowd", daemon=True).start()

    def add(self, specs: list[dict[str, Any]]) -> int:
        """Let clients come; return how many there are now."""
        return self._on_loop(self._add(specs))

    async def _add(self, specs: list[dict[str, Any]]) -> int:
        for spec in specs:
            client = Watched(spec)
            self._clients.append(client)
            self._tasks.append(asyncio.create_task(client.run()))
        return len(self._clients)

    def live(self) -> dict[str, Any]:
        """Return who is not live, and the first mistake by which a client has ended."""
        return self._on_loop(self._live())

    async def _live(self) -> dict[str, Any]:
        failed = [
            f"{client.name}: {task.exception() or client.ended}"
            for client, task in zip(self._clients, self._tasks, strict=True)
            if task.done()
        ]
        waiting = [client.name for client in self._clients if not client.is_live]
        return {"waiting": waiting, "failed": failed[:3]}

    def behind(self, heads: dict[str, int]) -> list[str]:
        """Return who does not hold these streams up to there, of those that they hear."""
        return self._on_loop(self._behind(heads))

    async def _behind(self, heads: dict[str, int]) -> list[str]:
        return [
            f"{client.name} {stream} {end}"
            for client in self._clients
            for stream in client.witness.stretches
            if client.ended is None
            and stream in heads
            and ((end := client.witness.end_of(stream)) is None or end < heads[stream])
        ]

    def gauges(self) -> dict[str, list[list[Any]]]:
        """Return the version of each gauge that each client shows."""
        return self._on_loop(self._gauges())

    async def _gauges(self) -> dict[str, list[list[Any]]]:
        return {
            client.name: [[*place, ver] for place, (ver, _) in client.gauges.items()]
            for client in self._clients
        }

    def items(self) -> dict[str, dict[str, Any]]:
        """Return what each client has folded, and which streams it follows."""
        return self._on_loop(self._items())

    async def _items(self) -> dict[str, dict[str, Any]]:
        return {
            client.name: {"items": client.items, "streams": sorted(client.witness.stretches)}
            for client in self._clients
        }

    def wake(self) -> int:
        """Tell every client that the network may be back; return how many there are."""
        return self._on_loop(self._wake())

    async def _wake(self) -> int:
        for client in self._clients:
            await client._perform(client.rules.woke(time.monotonic() * 1000))
        return len(self._clients)

    def hurry(self) -> int:
        """Let those who read slowly read as fast as the others; return how many they are."""
        return self._on_loop(self._hurry())

    async def _hurry(self) -> int:
        slow = [client for client in self._clients if client.pause_s]
        for client in slow:
            client.pause_s = 0.0
        return len(slow)

    def leave(self, path: str) -> int:
        """Let all go, write their reports; return how many they were."""
        count, reports = self._on_loop(self._leave())
        Path(path).write_text(reports)
        return int(count)

    async def _leave(self) -> tuple[int, str]:
        # At once as text: what comes while they go would change a part of what they report.
        reports = json.dumps([client.report() for client in self._clients])
        count = len(self._clients)
        for client in self._clients:
            client.stop()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._clients, self._tasks = [], []
        return count, reports

    def _on_loop(self, doing: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(doing, self._loop).result(60)


def main() -> None:
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    crowd = Crowd()
    questions = (
        *(crowd.add, crowd.live, crowd.behind, crowd.gauges, crowd.items),
        *(crowd.wake, crowd.hurry, crowd.leave),
    )
    answer_all({question.__name__: question for question in questions})
    sys.stdout.close()


if __name__ == "__main__":
    main()

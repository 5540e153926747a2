"""The canary: a listener of our own that hears through log, tail, hub and writer, as a client does."""

import asyncio
import logging
import time
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
from django.db import DatabaseError, InterfaceError

from ms5.events.log import SYS
from ms5.processes.canary import newest, sing
from realtime.cohort import Signature
from realtime.ending import end
from realtime.outbox import Outbox

if TYPE_CHECKING:
    from realtime.hub import Hub

log = logging.getLogger(__name__)

GROUP = f"{SYS}.canary"
"""No target of a client has such a group: none begins with the name of the stream `sys`."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds; `silent_s` is three of the periods in which canaries are written."""

    look_s: float = 5.0
    deaf_after_s: float = 10.0
    """The log has held one for so long, and it has not arrived."""
    silent_s: float = 45.0
    """None was written for so long."""
    write_after_s: float = 20.0
    """None was written for so long: we write one ourselves, so that nothing here depends on beat."""


class _Heard(msgspec.Struct):
    type: str
    seq: int


_frame = msgspec.json.Decoder(_Heard | list[_Heard])


class Canary:
    """One per hub. `wrong` and `age_s` may be read from any thread; the rest runs on the loop.

    Whether the log holds a canary that did not arrive is told by our own clock, from when we saw it in the
    log: the clocks of two machines differ.
    """

    def __init__(self, hub: "Hub", pace: Pace | None = None) -> None:
        self.pace = pace or Pace()
        self.heard = 0
        """How many arrived here."""
        self.heard_seq = 0
        self._hub = hub
        self._outbox: Outbox | None = None
        self._writer: asyncio.Task[None] | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._singer: asyncio.Task[None] | None = None
        now = time.monotonic()
        self._heard_at = self._looked_at = self._written_at = now
        self._newest_seq = -1
        self._awaited: tuple[int, float] | None = None

    async def start(self) -> None:
        """Begin to listen. Raises what the database raises."""
        self._hub.interest.add(frozenset({SYS}), time.monotonic())
        self._listen()
        await self.look()
        self._keeper = asyncio.create_task(self._keep(), name="canary.keep")

    async def stop(self) -> None:
        await end(self._keeper, self._singer, self._writer)
        self._leave()

    @property
    def listens(self) -> bool:
        """Whether it is a member of a cohort of its own now."""
        return self._outbox is not None and self._outbox.cursor is not None

    @property
    def age_s(self) -> float:
        """Seconds since one arrived here; before the first, since we began to listen."""
        return time.monotonic() - self._heard_at

    @property
    def deaf(self) -> str:
        """Why this process does not deliver; empty while it does."""
        now = time.monotonic()
        awaited = self._awaited
        if awaited is not None and awaited[0] > self.heard_seq:
            waited = now - awaited[1]
            if waited > self.pace.deaf_after_s:
                return f"a fact that the log has held for {waited:.0f} s has not arrived"
        unlooked = now - self._looked_at
        if unlooked > self.pace.look_s + self.pace.deaf_after_s:
            return f"nobody has looked for {unlooked:.0f} s"
        return ""

    @property
    def silent(self) -> str:
        """Why nothing can be said of the path: the log takes no canaries. Empty while it does."""
        silent = time.monotonic() - self._written_at
        return f"none was written for {silent:.0f} s" if silent > self.pace.silent_s else ""

    def begin_again(self) -> None:
        """The log lost continuity: what was awaited may never come."""
        self._awaited = None
        self._newest_seq = -1

    # As a member of a cohort

    def wake(self) -> None:
        if self._outbox is not None:
            self._outbox.wake()

    def cut(self) -> None:
        """Listen anew: what was missed shows in the age."""
        if self._writer is not None:
            self._writer.cancel()
        if self._outbox is not None:
            self._outbox.cursor = None
        self._listen()

    async def look(self) -> None:
        """Compare what the log holds with what arrived; write a canary when it is overdue."""
        sung = await self._hub.threads.run(newest)
        now = time.monotonic()
        self._looked_at = now
        seq = 0 if sung is None else sung.seq
        if self._newest_seq == -1 or seq < self._newest_seq:
            # The first look, or another life of the log: what lies before it need not arrive.
            self._newest_seq, self.heard_seq, self._awaited = seq, seq, None
        elif seq > self._newest_seq:
            self._newest_seq, self._written_at = seq, now
        if self._awaited is not None and self._awaited[0] <= self.heard_seq:
            self._awaited = None
        if self._awaited is None and seq > self.heard_seq:
            self._awaited = (seq, now)
        overdue = now - self._written_at > self.pace.write_after_s
        if overdue and (self._singer is None or self._singer.done()):
            # Not waited for: a database that takes no writes is no reason to stop looking.
            self._singer = asyncio.create_task(self._sing(), name="canary.sing")
        if self._writer is not None and self._writer.done():
            log.error("the canary's writer ended", exc_info=_failure(self._writer))
            self._listen()

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(self.pace.look_s)
            try:
                await self.look()
            except (DatabaseError, InterfaceError) as failure:
                # Health says by itself that the database is away.
                log.warning("the canary cannot look", extra={"error": str(failure).strip()})
            except Exception:  # a keeper that ends unseen would leave health red for good
                log.exception("the canary cannot look")

    async def _sing(self) -> None:
        try:
            await self._hub.threads.run(sing)
        except (DatabaseError, InterfaceError) as failure:
            log.warning("the canary cannot be written", extra={"error": str(failure).strip()})

    def _listen(self) -> None:
        self._leave()
        signature = Signature(frozenset({GROUP}), frozenset({SYS}))
        cohort = self._hub.cohort(signature, most=100, most_bytes=100_000)
        self._outbox = Outbox(self._hear, most=100, most_bytes=100_000, batch=True)
        self._outbox.cursor = cohort.join(self)
        self._writer = asyncio.create_task(self._outbox.write(), name="canary.write")

    def _leave(self) -> None:
        if self._outbox is not None and (cursor := self._outbox.cursor) is not None:
            cursor.cohort.leave(cursor)
            self._hub.leave_cohort(cursor.cohort)
            self._outbox.cursor = None

    async def _hear(self, message: MutableMapping[str, Any]) -> None:
        """Take what the writer sends: the end of the path, where a client's socket would be."""
        frame = _frame.decode(message["text"])
        for heard in frame if isinstance(frame, list) else [frame]:
            self.heard += 1
            self.heard_seq = max(self.heard_seq, heard.seq)
            self._heard_at = time.monotonic()


def _failure(task: asyncio.Task[None]) -> BaseException | None:
    return None if task.cancelled() else task.exception()

"""One client: its subscriptions, each begun with a snapshot, its resumption and its heartbeat."""

import asyncio
import logging
import secrets
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from django.db import DatabaseError, InterfaceError
from msgspec import UNSET, UnsetType

from realtime.access import Access, Credential, NotVisible, streams_of
from realtime.answers import confirmation, not_shown, sees
from realtime.answers import snapshot as snapshot_of
from realtime.closing import Ended
from realtime.counts import counts
from realtime.feed import Feed
from realtime.frames import Refused
from realtime.heart import Heart
from realtime.limits import Limits
from realtime.outbox import Outbox, Send, WriteNow
from realtime.places import PLACES
from realtime.protocol import (
    BATCH,
    CloseCode,
    ErrorCode,
    Heartbeat,
    Live,
    Resumed,
    Server,
)
from realtime.readings import fill, picture
from realtime.refusals import busy, not_visible, revoked, tell, too_many
from realtime.resume import Asked
from realtime.resumption import Returning
from realtime.snapshot import Picture
from realtime.targets import Scope, Target

if TYPE_CHECKING:
    from realtime.hub import Hub

log = logging.getLogger(__name__)


class Connection:
    """What the hub knows of a client. Everything runs on the loop; subscriptions are made one at a time."""

    def __init__(
        self,
        hub: "Hub",
        credential: Credential,
        access: Access,
        send: Send,
        limits: Limits,
        *,
        protocol: str,
        write_now: WriteNow | None = None,
    ) -> None:
        self.id = f"c_{secrets.token_hex(6)}"
        self.hub = hub
        self.credential = credential
        self.limits = limits
        self.protocol = protocol
        self.connected_at = datetime.now(UTC)
        self.ended: asyncio.Future[Ended] = asyncio.get_running_loop().create_future()
        most, most_bytes = limits.waiting, limits.waiting_bytes
        self.outbox = Outbox(
            send, most=most, most_bytes=most_bytes, batch=protocol == BATCH, write_now=write_now
        )
        self.feed = Feed(hub, access, self.outbox, self.end, most=most, most_bytes=most_bytes)
        self._covers: dict[Target, frozenset[str]] = {}
        self._one_at_a_time = asyncio.Lock()
        self._beginning: Target | None = None
        self._stale: set[Target] = set()
        self._renewal: asyncio.Task[None] | None = None
        self._heart = Heart(self._heartbeat, limits.heartbeat_s)

    @property
    def access(self) -> Access:
        """What the user may see, as of the last look."""
        return self.feed.access

    @property
    def targets(self) -> tuple[Target, ...]:
        """What the connection subscribed to, in that order."""
        return tuple(self._covers)

    def begin(self) -> None:
        """Be one of the hub's connections, with a heartbeat."""
        self.hub.connections.add(self)
        self._heart.start()

    def leave(self) -> None:
        """Hear nothing any more."""
        self._heart.stop()
        if self._renewal is not None:
            self._renewal.cancel()
        self.feed.close()
        for target in self.targets:
            self._drop(target)
        self.hub.connections.discard(self)

    def end(self, code: CloseCode, reason: str) -> None:
        """Close the connection from outside; the first reason counts."""
        if not self.ended.done():
            self.ended.set_result(Ended(code, reason))

    def say(self, message: Server) -> None:
        """Send a message after all that waits."""
        self.feed.put(message.text())

    def see(self, access: Access) -> None:
        """Go on with another access: what is not seen any more falls silent at once, and is told."""
        if access == self.access:
            return
        gone, new = self.access.lines - access.lines, access.lines - self.access.lines
        self.feed.see(access)
        for target, streams in tuple(self._covers.items()):
            if not target.is_wide and streams & gone:
                self._revoke(target)
        # Those who hear "all" are given what they see now, with a snapshot of it.
        if new or gone:
            self._begin_anew(target for target in self._covers if target.is_wide)

    def follow(self, lines: Mapping[str, str | None]) -> None:
        """Follow each equipment to the line it stands on now; where the user does not see that, it is told."""
        moved = []
        for target in self.targets:
            if target.scope is Scope.EQUIPMENT and target.value in lines:
                line = lines[target.value]
                if line is None or not self._sees(line):
                    self._revoke(target)
                elif line not in self._covers[target]:
                    moved.append(target)
        self._begin_anew(moved)

    def beat_soon(self) -> None:
        """Send a heartbeat now rather than in a few seconds: there is something new in it."""
        self._heart.soon()

    async def subscribe(
        self,
        target: Target,
        *,
        with_snapshot: bool,
        id_: int | UnsetType = UNSET,
        anew: bool = False,
    ) -> None:
        """Hear the target from a snapshot on; if `anew`, only if it is heard already.

        Raises Refused, and then hears what it heard before.
        """
        async with self._one_at_a_time:
            already = target in self._covers
            if anew and not already:
                return
            if not already and len(self._covers) >= self.limits.subscriptions:
                raise too_many(self.limits.subscriptions)
            self._must_have_read()
            streams = self._streams(target, await self._found(target))
            with self._holding(() if already else (target,)) as positions:
                self._beginning = None if already else target
                self._cover(target, streams)
                async with asyncio.timeout(self.limits.snapshot_s):
                    pictures = [
                        await picture(self.hub, stream, positions) for stream in sorted(streams)
                    ]
                self._arrive(target, pictures, already=already, snapshot=with_snapshot, id_=id_)

    async def resume(
        self, asked: Asked, targets: Sequence[Target], *, id_: int | UnsetType = UNSET
    ) -> Mapping[Target, Refused]:
        """Go on from the client's places; return the targets that are not the client's to see.

        Raises Refused, and then hears nothing, as before.
        """
        async with self._one_at_a_time:
            if self._covers:
                raise Refused(ErrorCode.RESUME_INVALID, "resume comes before any subscription")
            self._must_have_read()
            found = {target: await self._found(target) for target in targets}
            hidden: dict[Target, Refused] = {}
            covered: dict[Target, frozenset[str]] = {}
            for target in targets:
                try:
                    covered[target] = self._streams(target, found[target])
                except Refused as refused:
                    hidden[target] = refused
            with self._holding(covered) as positions:
                for target, streams in covered.items():
                    self._cover(target, streams)
                groups = frozenset(target.group(self.access.user_id) for target in covered)
                returning = Returning(
                    asked,
                    covered,
                    groups,
                    self.limits.resume_total,
                    self.limits.waiting_bytes,
                )
                async with asyncio.timeout(self.limits.snapshot_s):
                    await fill(
                        returning, self.hub, positions, most_of_one=self.limits.resume_events
                    )
                self._come_back(returning, id_)
            return hidden

    @contextmanager
    def _holding(self, new: Iterable[Target]) -> Iterator[Mapping[str, int]]:
        """Hold back what arrives while snapshots are read; give the positions from which it is held.

        If it fails, the new targets are not heard, and the failure is told.
        """
        positions = self.feed.hold()
        try:
            yield positions
        except BaseException as failure:
            self.feed.let_go({})
            for target in new:
                self._drop(target)
            tell(failure)
            raise
        finally:
            self._beginning = None
            self._settle()

    async def unsubscribe(self, target: Target) -> bool:
        """Stop hearing the target; return whether it was heard."""
        async with self._one_at_a_time:
            was_subscribed = target in self._covers
            self._drop(target)
            return was_subscribed

    def _begin_anew(self, targets: Iterable[Target]) -> None:
        """Give a snapshot of targets whose streams are others now."""
        self._stale.update(targets)
        if self._stale and (self._renewal is None or self._renewal.done()):
            self._renewal = asyncio.create_task(self._renew(), name=f"{self.id} renew")

    async def _renew(self) -> None:
        # A task of its own: without its last clause the client would just not hear the new lines.
        try:
            while self._stale:
                await self.subscribe(self._stale.pop(), with_snapshot=True, anew=True)
        except Refused as refused:
            self.end(CloseCode.TRY_LATER, refused.message)
        except Exception:
            log.exception("a renewal failed")
            self.end(CloseCode.INTERNAL, "a mistake of the server")

    def _heartbeat(self) -> None:
        # A timer has nobody to tell: without this the client would just hear less.
        try:
            self.say(
                Heartbeat(
                    timestamp=datetime.now(UTC),
                    positions=self.feed.positions(),
                    facts_sent=self.feed.facts_sent,
                    freshness=self.hub.watch.freshness(self.feed.streams),
                    degraded=self.hub.watch.degraded,
                )
            )
        except Exception:
            log.exception("a heartbeat failed")
            self.end(CloseCode.INTERNAL, "a mistake of the server")

    def _must_have_read(self) -> None:
        """Raise Refused while more waits than a client may leave unread: an answer may be large."""
        if self.outbox.owes:
            raise Refused(ErrorCode.SERVER_BUSY, "read what waits for you first")

    async def _found(self, target: Target) -> str | None:
        """Return the line of an equipment, which must be looked up; None for all else. Raises Refused."""
        if target.scope is not Scope.EQUIPMENT:
            return None
        try:
            return await self.hub.threads.run(PLACES.line_of, target.value)
        except (DatabaseError, InterfaceError) as failure:
            raise busy() from failure

    def _streams(self, target: Target, line: str | None) -> frozenset[str]:
        """Return the streams of the target, for what the user sees now. Raises Refused."""
        try:
            return streams_of(target, line, self.access)
        except NotVisible as hidden:
            raise not_visible() from hidden

    def _cover(self, target: Target, streams: frozenset[str]) -> None:
        """Make sure that nothing of the target's streams is missed from now on."""
        # Before the snapshot is read: the tail must not skip what comes after it.
        self.hub.interest.add(None if target.is_wide else streams, time.monotonic())
        if target in self._covers:
            before = self._covers.pop(target)
            self.hub.interest.remove(None if target.is_wide else before)
            self.feed.forget(before.difference(streams, *self._covers.values()))
        self.feed.hold_too(target.group(self.access.user_id))
        self._covers[target] = streams

    def _arrive(
        self,
        target: Target,
        pictures: Sequence[Picture],
        *,
        already: bool,
        snapshot: bool,
        id_: int | UnsetType,
    ) -> None:
        """Up to the barrier for the older ones, then the answer and the snapshot, then all that follows.

        Raises Refused.
        """
        if target not in self._covers:  # revoked while we read
            raise not_visible()
        barrier = {
            picture.stream: picture.position
            for picture in pictures
            if self._sees(picture.stream)
        }
        group = target.group(self.access.user_id)
        after = self.feed.let_go(barrier)
        self.feed.begin(group, barrier)
        self.say(confirmation(target, barrier, already=already, id_=id_))
        shown: set[tuple[str, str]] = set()
        if snapshot:
            whole = snapshot_of(target, pictures, self.access, id_=id_, partial=UNSET)
            self.feed.answer(whole.text())
            shown = self._show(pictures, {group})
        self.feed.give(not_shown(after, shown))

    def _come_back(self, returning: Returning, id_: int | UnsetType) -> None:
        """The verdicts, what was missed, what cannot be replayed, the gauges, then all that follows."""
        targets = [target for target in returning.covered if target in self._covers]
        groups = {target.group(self.access.user_id): target for target in targets}
        verdicts = returning.verdicts(self.hub.tail.epoch, self._sees)
        barrier = returning.barrier(verdicts)
        after = self.feed.let_go(barrier)
        now = datetime.now(UTC)
        self.say(Resumed(id=id_, timestamp=now, epoch=self.hub.tail.epoch, streams=verdicts))
        for group, target in groups.items():
            streams = self._covers[target]
            part = {stream: at for stream, at in barrier.items() if stream in streams}
            self.feed.begin(group, part)
            self.say(confirmation(target, part, already=False, id_=id_))
        missed = [fact.text for fact in returning.facts(verdicts)]
        self.feed.owe(missed)
        counts.resumed((verdict.reason for verdict in verdicts.values()), len(missed))
        for target in targets:
            lost = [
                returning.pictures[stream]
                for stream in sorted(self._covers[target])
                if stream in verdicts and not verdicts[stream].recovered
            ]
            if lost:
                part_of = snapshot_of(target, lost, self.access, id_=id_, partial=True)
                self.feed.answer(part_of.text())
        shown = self._show(returning.pictures.values(), groups.keys())
        self.say(Live(id=id_, timestamp=datetime.now(UTC), positions=barrier))
        self.feed.give(not_shown(after, shown))

    def _show(
        self, pictures: Iterable[Picture], groups: Collection[str]
    ) -> set[tuple[str, str]]:
        """Send the newest gauges that the groups hear; return which."""
        shown = set()
        for shot in pictures:
            for gauge in shot.gauges:
                if any(group in groups for group in gauge.groups):
                    shown.add((gauge.stream, gauge.key))
                    self.feed.show(self.hub.newest(gauge))
        return shown

    def _sees(self, stream: str) -> bool:
        return sees(self.access, stream)

    def _settle(self) -> None:
        # The client may have left while we read: then it must not join anybody.
        if self in self.hub.connections:
            self.feed.settle()
            # How fresh the new target's data is, is told with the next heartbeat: soon, then.
            self.beat_soon()
        else:
            self.feed.close()

    def _revoke(self, target: Target) -> None:
        self._drop(target)
        # Of one that was never confirmed, the answer to its command tells.
        if target != self._beginning:
            self.say(revoked(target))

    def _drop(self, target: Target) -> None:
        streams = self._covers.pop(target, None)
        if streams is None:
            return
        self.hub.interest.remove(None if target.is_wide else streams)
        group = target.group(self.access.user_id)
        self.feed.stop(group, streams.difference(*self._covers.values()))

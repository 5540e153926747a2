"""One client: its subscriptions, each begun with a snapshot, and its heartbeat."""

import asyncio
import secrets
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from django.db import DatabaseError, InterfaceError
from msgspec import UNSET, UnsetType

from ms5.events.log import PLANT
from realtime.access import Access, Credential, NotVisible, streams_of
from realtime.feed import Feed
from realtime.frames import Refused
from realtime.limits import Limits
from realtime.outbox import Outbox, Send
from realtime.protocol import (
    CloseCode,
    Error,
    ErrorCode,
    Heartbeat,
    Server,
    Snapshot,
    SubscriptionConfirmed,
)
from realtime.snapshot import NoSuchLine, Picture
from realtime.targets import Target

if TYPE_CHECKING:
    from realtime.hub import Hub


class Ended(Exception):
    """The connection is over, with the code the client is told."""

    def __init__(self, code: CloseCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Connection:
    """What the hub knows of a client. Everything runs on the loop; subscriptions are made one at a time."""

    def __init__(
        self, hub: "Hub", credential: Credential, access: Access, send: Send, limits: Limits
    ) -> None:
        self.id = f"c_{secrets.token_hex(6)}"
        self.hub = hub
        self.credential = credential
        self.limits = limits
        self.connected_at = datetime.now(UTC)
        self.ended: asyncio.Future[Ended] = asyncio.get_running_loop().create_future()
        self.outbox = Outbox(send, most=limits.waiting, most_bytes=limits.waiting_bytes)
        self.feed = Feed(access, hub.positions, self.outbox, self.end, most=limits.waiting)
        self._covers: dict[Target, frozenset[str]] = {}
        self._one_at_a_time = asyncio.Lock()
        self._renew = asyncio.Event()

    @property
    def access(self) -> Access:
        """What the user may see, as of the last look."""
        return self.feed.access

    @property
    def targets(self) -> tuple[Target, ...]:
        """What the connection subscribed to, in that order."""
        return tuple(self._covers)

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
        self.feed.access = access
        self.feed.forget(gone)
        for target, streams in tuple(self._covers.items()):
            if not target.is_wide and streams & gone:
                self._drop(target)
                self.say(_revoked(target))
        # Those who hear "all" are given what they see now, with a snapshot of it.
        if new and any(target.is_wide for target in self._covers):
            self._renew.set()

    async def subscribe(
        self, target: Target, *, with_snapshot: bool, id_: int | UnsetType = UNSET
    ) -> None:
        """Hear the target from a snapshot on. Raises Refused, and then hears what it heard before."""
        async with self._one_at_a_time:
            already = target in self._covers
            if not already and len(self._covers) >= self.limits.subscriptions:
                raise Refused(
                    ErrorCode.LIMIT_SUBSCRIPTIONS,
                    f"a connection has at most {self.limits.subscriptions} subscriptions",
                )
            await self._cover(target, already=already)
            try:
                async with asyncio.timeout(self.limits.snapshot_s):
                    pictures = await self._pictures(target)
            except BaseException as failure:
                if not already:
                    self._drop(target)
                self.feed.let_go({})
                match failure:
                    case NoSuchLine():
                        raise _not_visible() from failure
                    case TimeoutError() | DatabaseError() | InterfaceError():
                        raise _busy() from failure
                    case _:
                        raise
            self._arrive(target, pictures, already=already, snapshot=with_snapshot, id_=id_)

    async def unsubscribe(self, target: Target) -> bool:
        """Stop hearing the target; return whether it was heard."""
        async with self._one_at_a_time:
            was_subscribed = target in self._covers
            self._drop(target)
            return was_subscribed

    def leave(self) -> None:
        """Hear nothing any more."""
        for target in self.targets:
            self._drop(target)
        self.hub.connections.discard(self)

    async def renew(self) -> None:
        """For ever: when the user sees more lines, give those who hear "all" a snapshot of all."""
        while True:
            await self._renew.wait()
            self._renew.clear()
            for target in self.targets:
                if target.is_wide:
                    try:
                        await self.subscribe(target, with_snapshot=True)
                    except Refused as refused:
                        self.end(CloseCode.TRY_LATER, refused.message)

    async def beat(self) -> None:
        """For ever: the heartbeat."""
        while True:
            await asyncio.sleep(self.limits.heartbeat_s)
            self.say(
                Heartbeat(
                    timestamp=datetime.now(UTC),
                    positions=self.feed.positions(),
                    facts_sent=self.feed.facts_sent,
                    freshness=self.hub.watch.freshness(self.feed.streams),
                    degraded=self.hub.watch.degraded,
                )
            )

    async def _cover(self, target: Target, *, already: bool) -> None:
        """Make sure that nothing of the target's streams is missed from now on. Raises Refused."""
        try:
            streams = await self.hub.threads.run(streams_of, target, self.access)
        except NotVisible as not_visible:
            raise _not_visible() from not_visible
        except (DatabaseError, InterfaceError) as failure:
            raise _busy() from failure
        # Before the snapshot is read: the tail must not skip what comes after it.
        self.hub.interest.add(None if target.is_wide else streams, time.monotonic())
        if already:
            self.hub.interest.remove(None if target.is_wide else self._covers[target])
        else:
            self.hub.join(target.group(self.access.user_id), self)
        self._covers[target] = streams

    async def _pictures(self, target: Target) -> list[Picture]:
        """Return the target's pictures once all facts up to them have been given to the feed."""
        positions = self.feed.hold()
        pictures = []
        for stream in sorted(self._covers[target]):
            position = positions.get(stream)
            picture = await self.hub.pictures.get(
                stream,
                at_least=max(position or 0, self.hub.positions.get(stream, 0)),
                not_before=self.hub.interest.since(stream),
            )
            if position is not None and picture.position > position:
                # An older subscription is owed what lies between.
                await self.hub.reached(stream, picture.position)
            pictures.append(picture)
        if target not in self._covers:  # revoked while we read
            raise _not_visible()
        return pictures

    def _arrive(
        self,
        target: Target,
        pictures: list[Picture],
        *,
        already: bool,
        snapshot: bool,
        id_: int | UnsetType,
    ) -> None:
        """Up to the barrier for the older ones, then the answer and the snapshot, then all that follows."""
        barrier = {
            picture.stream: picture.position
            for picture in pictures
            if picture.stream == PLANT or self.access.sees(picture.stream)
        }
        group = target.group(self.access.user_id)
        after = self.feed.let_go(barrier)
        self.feed.begin(group, barrier)
        now = datetime.now(UTC)
        self.say(
            SubscriptionConfirmed(
                id=id_,
                timestamp=now,
                subscription_type=target.type,
                target_id=target.target_id,
                already=already,
                positions=barrier,
            )
        )
        if snapshot:
            items = [
                subject.raw
                for picture in pictures
                for subject in picture.subjects
                if group in subject.groups and self.access.sees(subject.item.line_id)
            ]
            self.say(
                Snapshot(
                    id=id_,
                    timestamp=now,
                    subscription_type=target.type,
                    target_id=target.target_id,
                    positions=barrier,
                    items=items,
                )
            )
            for picture in pictures:
                for gauge in picture.gauges:
                    if group in gauge.groups:
                        self.feed.show(self.hub.newest(gauge))
        self.feed.give(after)

    def _drop(self, target: Target) -> None:
        streams = self._covers.pop(target, None)
        if streams is None:
            return
        group = target.group(self.access.user_id)
        self.hub.leave(group, self)
        self.hub.interest.remove(None if target.is_wide else streams)
        self.feed.stop(group, streams.difference(*self._covers.values()))


def _not_visible() -> Refused:
    return Refused(
        ErrorCode.INVALID_TARGET, "there is no such target, or it is not yours to see"
    )


def _busy() -> Refused:
    return Refused(ErrorCode.SERVER_BUSY, "no snapshot could be read; try again")


def _revoked(target: Target) -> Error:
    return Error(
        timestamp=datetime.now(UTC),
        code=ErrorCode.FORBIDDEN,
        message="this is not yours to see any more; the subscription has ended",
        retryable=False,
        subscription_type=target.type,
        target_id=target.target_id,
    )

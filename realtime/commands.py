"""What a client says, answered: limits first, then one function per message."""

import asyncio
import logging
import math
import secrets
import time
from datetime import UTC, datetime
from typing import assert_never

from msgspec import UNSET, UnsetType

from realtime.closing import Ended
from realtime.connection import Connection
from realtime.counts import counts
from realtime.frames import Refused, parse_frame, target_of
from realtime.limits import HARD_FRAME_BYTES, RESUME_COSTS, STATS_COST, Bucket, Recent
from realtime.protocol import (
    MALFORMED,
    RETRYABLE,
    Auth,
    Client,
    ClientMessage,
    CloseCode,
    ConnectionStats,
    Error,
    ErrorCode,
    GetStats,
    GetSubscriptions,
    Ping,
    Pong,
    Resume,
    Subscribe,
    Subscription,
    SubscriptionDetails,
    SubscriptionRequest,
    Unsubscribe,
    UnsubscriptionConfirmed,
)
from realtime.resume import asked_in

log = logging.getLogger(__name__)


class Commands:
    """The client's side of one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        limits = connection.limits
        self._bucket = Bucket(limits.messages_per_second, limits.burst)
        self._malformed = Recent(60)
        self._too_fast = Recent(60)

    async def take(self, text: str) -> None:
        """Answer one text frame. Raises Ended when the client has gone too far."""
        if len(text) > HARD_FRAME_BYTES:
            raise Ended(CloseCode.TOO_BIG, "the frame is too big")
        now = time.monotonic()
        wait_ms = self._bucket.take(now)
        if wait_ms:
            self._slow_down(now, wait_ms)
            return
        try:
            message = parse_frame(text, self._connection.limits)
        except Refused as refused:
            self._refuse(refused)
            most = self._connection.limits.malformed_per_minute
            if refused.code in MALFORMED and self._malformed.add(now) > most:
                raise Ended(CloseCode.MALFORMED, "too many malformed messages") from refused
            return
        # One token is taken already, before a byte was parsed.
        more = _cost(message) - 1
        wait_ms = self._bucket.take(now, more) if more else 0
        if wait_ms:
            once_more_ms = math.ceil(1000 / self._connection.limits.messages_per_second)
            self._slow_down(now, wait_ms + once_more_ms, message.id)
            return
        try:
            await self._answer(message)
        except Exception:  # a mistake of ours ends one message, not the connection
            incident = secrets.token_hex(4)
            log.exception("a message could not be answered", extra={"incident": incident})
            self._refuse(
                Refused(ErrorCode.INTERNAL, "a mistake of the server", message.id),
                incident=incident,
            )

    def _slow_down(self, now: float, wait_ms: int, id_: int | None = None) -> None:
        """Refuse a message that came too soon. Raises Ended for one who does not listen to that."""
        refusal = Refused(ErrorCode.RATE_LIMITED, "too many messages", id_)
        self._refuse(refusal, retry_after_ms=wait_ms)
        if self._too_fast.add(now) > self._connection.limits.refusals_per_minute:
            raise Ended(CloseCode.FLOOD, "too many messages, for too long")

    async def _answer(self, message: ClientMessage) -> None:
        match message:
            case Subscribe():
                for wish in message.wishes:
                    await self._subscribe(wish, message)
                    await asyncio.sleep(0)  # 200 snapshots in a row are the others' time, too
            case Unsubscribe():
                for wish in message.wishes:
                    await self._unsubscribe(wish, message)
            case Ping():
                now = datetime.now(UTC)
                self._connection.say(
                    Pong(id=_id(message), timestamp=now, t=message.t, server_time=now)
                )
            case GetStats():
                self._connection.say(self._stats(message))
            case GetSubscriptions():
                self._connection.say(self._details(message))
            case Resume():
                await self._resume(message)
            case Auth():
                refusal = "the connection is signed in; a ticket is for the first frame of one that is not"
                self._refuse(Refused(ErrorCode.AUTH_FAILED, refusal, message.id))
            case _:
                assert_never(message)

    async def _subscribe(self, wish: SubscriptionRequest, message: Subscribe) -> None:
        try:
            await self._connection.subscribe(
                target_of(wish), with_snapshot=message.snapshot, id_=_id(message)
            )
        except Refused as refused:
            self._refuse(refused, wish, id_=message.id)

    async def _resume(self, message: Resume) -> None:
        try:
            asked = asked_in(message)
            wishes = {target_of(wish): wish for wish in asked.wishes}
            hidden = await self._connection.resume(asked, tuple(wishes), id_=_id(message))
        except Refused as refused:
            self._refuse(refused, id_=message.id)
            return
        for target, why in hidden.items():
            self._refuse(why, wishes[target], id_=message.id)

    async def _unsubscribe(self, wish: SubscriptionRequest, message: Unsubscribe) -> None:
        try:
            target = target_of(wish)
        except Refused as refused:
            self._refuse(refused, wish, id_=message.id)
            return
        was_subscribed = await self._connection.unsubscribe(target)
        self._connection.say(
            UnsubscriptionConfirmed(
                id=_id(message),
                timestamp=datetime.now(UTC),
                subscription_type=target.type,
                target_id=target.target_id,
                was_subscribed=was_subscribed,
            )
        )

    def _stats(self, message: Client) -> ConnectionStats:
        connection = self._connection
        outbox = connection.outbox
        return ConnectionStats(
            id=_id(message),
            timestamp=datetime.now(UTC),
            connection_id=connection.id,
            connected_at=connection.connected_at,
            sent=outbox.sent,
            bytes=outbox.sent_bytes,
            facts_sent=connection.feed.facts_sent,
            coalesced=outbox.coalesced,
            subscriptions=len(connection.targets),
            lag=outbox.waiting,
            process=connection.hub.totals() if connection.access.sees_operations else UNSET,
        )

    def _details(self, message: Client) -> SubscriptionDetails:
        connection = self._connection
        return SubscriptionDetails(
            id=_id(message),
            timestamp=datetime.now(UTC),
            connection_id=connection.id,
            subscriptions=[
                Subscription(subscription_type=target.type, target_id=target.target_id)
                for target in connection.targets
            ],
            positions=connection.feed.positions(),
        )

    def _refuse(
        self,
        refused: Refused,
        wish: SubscriptionRequest | None = None,
        *,
        id_: int | None = None,
        retry_after_ms: int | UnsetType = UNSET,
        incident: str | UnsetType = UNSET,
    ) -> None:
        counts.refused(refused.code)
        answered = id_ if refused.id is None else refused.id
        target_id = wish and (wish.target_id if wish.target_id is not None else wish.target)
        self._connection.say(
            Error(
                id=UNSET if answered is None else answered,
                timestamp=datetime.now(UTC),
                code=refused.code,
                message=refused.message,
                retryable=refused.code in RETRYABLE,
                retry_after_ms=retry_after_ms,
                incident=incident,
                subscription_type=(wish and wish.subscription_type) or UNSET,
                target_id=target_id or UNSET,
            )
        )


def _cost(message: ClientMessage) -> int:
    """Return as how many messages it counts."""
    match message:
        case Resume():
            return RESUME_COSTS
        case GetStats():
            return STATS_COST
        case _:
            return 1


def _id(message: Client) -> int | UnsetType:
    return UNSET if message.id is None else message.id

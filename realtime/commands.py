"""What a client says, answered: limits first, then one function per message."""

import logging
import secrets
import time
from datetime import UTC, datetime
from typing import assert_never

from msgspec import UNSET, UnsetType

from realtime.connection import Connection, Ended
from realtime.frames import Refused, parse_frame, target_of
from realtime.limits import HARD_FRAME_BYTES, Bucket, Recent
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

log = logging.getLogger(__name__)


class Commands:
    """The client's side of one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        limits = connection.limits
        self._bucket = Bucket(limits.messages_per_second, limits.burst)
        self._malformed = Recent(60)

    async def take(self, text: str) -> None:
        """Answer one text frame. Raises Ended when the client has gone too far."""
        if len(text) > HARD_FRAME_BYTES:
            raise Ended(CloseCode.TOO_BIG, "the frame is too big")
        now = time.monotonic()
        wait_ms = self._bucket.take(now)
        if wait_ms:
            self._refuse(
                Refused(ErrorCode.RATE_LIMITED, "too many messages"), retry_after_ms=wait_ms
            )
            return
        try:
            message = parse_frame(text, self._connection.limits)
        except Refused as refused:
            self._refuse(refused)
            most = self._connection.limits.malformed_per_minute
            if refused.code in MALFORMED and self._malformed.add(now) > most:
                raise Ended(CloseCode.MALFORMED, "too many malformed messages") from refused
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

    async def _answer(self, message: ClientMessage) -> None:
        match message:
            case Subscribe():
                for wish in message.wishes:
                    await self._subscribe(wish, message)
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
                refusal = "this server does not replay; subscribe, and take the snapshots"
                self._refuse(Refused(ErrorCode.RESUME_INVALID, refusal, message.id))
            case Auth():
                refusal = "the connection is signed in, and this server gives no tickets"
                self._refuse(Refused(ErrorCode.AUTH_FAILED, refusal, message.id))
            case _:
                assert_never(message)

    async def _subscribe(self, wish: SubscriptionRequest, message: Subscribe) -> None:
        try:
            await self._connection.subscribe(
                target_of(wish), with_snapshot=message.snapshot, id_=_id(message)
            )
        except Refused as refused:
            self._refuse(Refused(refused.code, refused.message, message.id), wish)

    async def _unsubscribe(self, wish: SubscriptionRequest, message: Unsubscribe) -> None:
        try:
            target = target_of(wish)
        except Refused as refused:
            self._refuse(Refused(refused.code, refused.message, message.id), wish)
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
        retry_after_ms: int | UnsetType = UNSET,
        incident: str | UnsetType = UNSET,
    ) -> None:
        target_id = wish and (wish.target_id if wish.target_id is not None else wish.target)
        self._connection.say(
            Error(
                id=UNSET if refused.id is None else refused.id,
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


def _id(message: Client) -> int | UnsetType:
    return UNSET if message.id is None else message.id

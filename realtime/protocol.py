"""Every message of `/ws/production` as a class; building one is the only way to send one (pure)."""

from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

PROTOCOL = "ms5.v1"
BATCH = "ms5.v1+batch"
"""The same messages; a frame may also be a JSON array of them, in order."""


class ErrorCode(StrEnum):
    """Why a message was refused."""

    INVALID_JSON = "INVALID_JSON"
    INVALID_MESSAGE = "INVALID_MESSAGE"
    UNKNOWN_MESSAGE_TYPE = "UNKNOWN_MESSAGE_TYPE"
    MISSING_SUBSCRIPTION_TYPE = "MISSING_SUBSCRIPTION_TYPE"
    UNKNOWN_SUBSCRIPTION_TYPE = "UNKNOWN_SUBSCRIPTION_TYPE"
    MISSING_TARGET_ID = "MISSING_TARGET_ID"
    INVALID_TARGET = "INVALID_TARGET"
    FORBIDDEN = "FORBIDDEN"
    LIMIT_SUBSCRIPTIONS = "LIMIT_SUBSCRIPTIONS"
    TOO_LARGE = "TOO_LARGE"
    RATE_LIMITED = "RATE_LIMITED"
    AUTH_FAILED = "AUTH_FAILED"
    RESUME_INVALID = "RESUME_INVALID"
    SERVER_BUSY = "SERVER_BUSY"
    INTERNAL = "INTERNAL"


# Those that the same message may not meet again a little later.
RETRYABLE = frozenset({ErrorCode.RATE_LIMITED, ErrorCode.SERVER_BUSY, ErrorCode.INTERNAL})
# Those that no well-written client causes; too many of them close the connection.
MALFORMED = frozenset(
    {
        ErrorCode.INVALID_JSON,
        ErrorCode.INVALID_MESSAGE,
        ErrorCode.UNKNOWN_MESSAGE_TYPE,
        ErrorCode.TOO_LARGE,
    }
)


class ResumeReason(StrEnum):
    """Why a stream could not be resumed, in the order in which it is tested.

    Who may see comes first: the answers after it would tell a stranger where a stream stands.
    """

    FORBIDDEN = "forbidden"
    """No such stream, or not this user's, or none of the subscriptions covers it."""
    EPOCH = "epoch"
    """The log began a new life: positions of before mean nothing."""
    AHEAD = "ahead"
    """The position lies above the head: a backup was restored."""
    DIVERGED = "diverged"
    """Another event stands at the position: a backup was restored."""
    RETENTION = "retention"
    """The facts after the position are no longer kept."""
    TOO_FAR = "too_far"
    """There are more than a replay brings."""
    NO_POSITION = "no_position"
    """A subscription covers the stream, and the client has no position of it."""


class CloseCode(IntEnum):
    """Why a connection ended."""

    NORMAL = 1000
    BINARY = 1003
    TOO_BIG = 1009
    INTERNAL = 1011
    RESTART = 1012
    TRY_LATER = 1013
    MALFORMED = 4400
    NOT_AUTHENTICATED = 4401
    DISABLED = 4403
    UNKNOWN_PROTOCOL = 4406
    NO_AUTH_IN_TIME = 4408
    FLOOD = 4429
    OVERLOADED = 4503
    TOO_SLOW = 4508
    CONTINUITY_LOST = 4510


class Client(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """A message from the client. `id` is repeated in the reply."""

    id: int | None = None


class SubscriptionRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One wish of a list; `target` is an alias of `target_id`."""

    subscription_type: str | None = None
    target_id: str | None = None
    target: str | None = None


class _Subscriptions(Client, frozen=True, kw_only=True):
    subscription_type: str | None = None
    target_id: str | None = None
    target: str | None = None
    subscriptions: list[SubscriptionRequest] | None = None

    @property
    def wishes(self) -> list[SubscriptionRequest]:
        """The list, or the one that stands in the message itself."""
        if self.subscriptions is not None:
            return self.subscriptions
        one = SubscriptionRequest(
            subscription_type=self.subscription_type,
            target_id=self.target_id,
            target=self.target,
        )
        return [one]


class Subscribe(_Subscriptions, frozen=True, kw_only=True, tag="subscribe"):
    """Begin to hear a target, or several."""

    snapshot: bool = True


class Unsubscribe(_Subscriptions, frozen=True, kw_only=True, tag="unsubscribe"):
    """Stop hearing a target, or several."""


class Resume(Client, frozen=True, kw_only=True, tag="resume"):
    """Go on from positions of an earlier connection."""

    epoch: str | None = None
    positions: dict[str, Any] | None = None
    subscriptions: list[SubscriptionRequest] | None = None


class Auth(Client, frozen=True, kw_only=True, tag="auth"):
    """Show a ticket."""

    ticket: str | None = None


class Ping(Client, frozen=True, kw_only=True, tag="ping"):
    """Ask for a sign of life; `t` comes back."""

    t: Any = None


class GetStats(Client, frozen=True, kw_only=True, tag="get_stats"):
    """Ask for the figures of this connection."""


class GetSubscriptions(Client, frozen=True, kw_only=True, tag="get_subscriptions"):
    """Ask what this connection hears."""


ClientMessage = Subscribe | Unsubscribe | Resume | Auth | Ping | GetStats | GetSubscriptions


class Server(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """A message from the server that is no event."""

    id: int | UnsetType = UNSET
    timestamp: datetime

    def text(self) -> str:
        """Return the frame."""
        return msgspec.json.encode(self).decode()


class UserName(msgspec.Struct, frozen=True, kw_only=True):
    """Who the server takes the client for."""

    id: int
    name: str


class Announced(msgspec.Struct, frozen=True, kw_only=True):
    """The limits a client must know."""

    frame_bytes: int
    subscriptions: int
    messages_per_second: float
    resume_events: int
    """Facts of one stream that `resume` replays at most."""
    positions: int
    """Streams that a `resume` may name."""


class ConnectionEstablished(Server, frozen=True, kw_only=True, tag="connection_established"):
    """The first message."""

    connection_id: str
    protocol: str
    epoch: str
    user: UserName
    heartbeat_seconds: float
    limits: Announced


class SubscriptionConfirmed(Server, frozen=True, kw_only=True, tag="subscription_confirmed"):
    """The target is heard from `positions` on."""

    subscription_type: str
    target_id: str
    already: bool
    positions: dict[str, int]


class UnsubscriptionConfirmed(
    Server, frozen=True, kw_only=True, tag="unsubscription_confirmed"
):
    """The target is not heard any more."""

    subscription_type: str
    target_id: str
    was_subscribed: bool


class Snapshot(Server, frozen=True, kw_only=True, tag="snapshot"):
    """The open subjects of a target at `positions`; what follows begins after them.

    `partial` stands in the answer to a `resume`: the snapshot speaks of the streams in `positions` only,
    and those of the target that it does not name were replayed.
    """

    subscription_type: str
    target_id: str
    positions: dict[str, int]
    items: list[msgspec.Raw]
    partial: bool | UnsetType = UNSET


class Missing(msgspec.Struct, frozen=True, kw_only=True):
    """The facts `after` < seq <= `to` of a stream, which the client will not get."""

    after: int
    to: int


class Resumption(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one stream. `missing` is null where the range means nothing, or is not the client's."""

    recovered: bool
    count: int
    """Facts that are replayed."""
    reason: ResumeReason | None
    missing: Missing | None


class Resumed(Server, frozen=True, kw_only=True, tag="resumed"):
    """The answer to `resume`; the missed facts, snapshots and gauges follow, then `live`."""

    epoch: str
    streams: dict[str, Resumption]


class Live(Server, frozen=True, kw_only=True, tag="live"):
    """The replay is over; from `positions` on the client hears what happens."""

    positions: dict[str, int]


class Pong(Server, frozen=True, kw_only=True, tag="pong"):
    """The sign of life."""

    t: Any
    server_time: datetime


class ProcessTotals(msgspec.Struct, frozen=True, kw_only=True):
    """What the process carries; for those who may see operations."""

    connections: int
    groups: int
    cohorts: int
    """Sets of connections that hear the same."""
    events: int
    deliveries: int
    hints_received: int
    hints_dropped: int
    pictures_read: int
    """Snapshots read from the database, each for all who asked at that time."""
    replays_read: int
    tail_age_ms: int


class ConnectionStats(Server, frozen=True, kw_only=True, tag="connection_stats"):
    """The figures of a connection."""

    connection_id: str
    connected_at: datetime
    sent: int
    bytes: int
    facts_sent: int
    coalesced: int
    """Gauges that were overtaken by a newer one before they could be sent."""
    subscriptions: int
    lag: int
    """Messages that wait for the client to read."""
    process: ProcessTotals | UnsetType = UNSET


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """One target of a connection."""

    subscription_type: str
    target_id: str


class SubscriptionDetails(Server, frozen=True, kw_only=True, tag="subscription_details"):
    """What a connection hears, and from where on."""

    connection_id: str
    subscriptions: list[Subscription]
    positions: dict[str, int]


class FreshnessNow(msgspec.Struct, frozen=True, kw_only=True):
    """How old the data of a line is; `age_ms` is null where no controller feeds it, or never did."""

    plc: str
    age_ms: int | None
    quality: str


class Heartbeat(Server, frozen=True, kw_only=True, tag="heartbeat"):
    """Every few seconds, whatever else is sent."""

    positions: dict[str, int]
    facts_sent: int
    freshness: dict[str, FreshnessNow]
    degraded: list[str]


class Error(Server, frozen=True, kw_only=True, tag="error"):
    """A message was refused, or a subscription ended; the connection goes on."""

    code: ErrorCode
    message: str
    retryable: bool
    retry_after_ms: int | UnsetType = UNSET
    incident: str | UnsetType = UNSET
    subscription_type: str | UnsetType = UNSET
    target_id: str | UnsetType = UNSET

"""What a client is told when a subscription cannot be made, or has ended."""

from datetime import UTC, datetime

from django.db import DatabaseError, InterfaceError

from realtime.access import NotVisible
from realtime.frames import Refused
from realtime.protocol import Error, ErrorCode
from realtime.snapshot import NoSuchLine
from realtime.targets import Target


def tell(failure: BaseException) -> None:
    """Raise Refused for a failure that the client is told of; return for a mistake of ours."""
    match failure:
        case NoSuchLine() | NotVisible():
            raise not_visible() from failure
        case TimeoutError() | DatabaseError() | InterfaceError():
            raise busy() from failure


def not_visible() -> Refused:
    """Say the same of what does not exist and of what is another's."""
    return Refused(
        ErrorCode.INVALID_TARGET, "there is no such target, or it is not yours to see"
    )


def busy() -> Refused:
    """Say that the same may succeed a little later."""
    return Refused(ErrorCode.SERVER_BUSY, "no snapshot could be read; try again")


def too_many(most: int) -> Refused:
    """Say how many subscriptions a connection may have."""
    return Refused(
        ErrorCode.LIMIT_SUBSCRIPTIONS, f"a connection has at most {most} subscriptions"
    )


def revoked(target: Target) -> Error:
    """Say that the target is not heard any more."""
    return Error(
        timestamp=datetime.now(UTC),
        code=ErrorCode.FORBIDDEN,
        message="this is not yours to see any more; the subscription has ended",
        retryable=False,
        subscription_type=target.type,
        target_id=target.target_id,
    )

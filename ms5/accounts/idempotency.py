"""The same key gets the same answer: a deed is done once however often it is asked for."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ms5.accounts.models import IdempotentAnswer, User
from ms5.events.log import recording
from ms5.events.retry import retried

KEPT_FOR = timedelta(days=2)
LONGEST_KEY = 100


class KeyReused(ValueError):
    """The key was used for another request."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a caller is told: the HTTP status and a body of plain JSON values."""

    status: int
    body: dict[str, Any]
    replayed: bool = False


def digest(method: str, path: str, body: bytes) -> str:
    """Return what tells one request from another."""
    return hashlib.sha256(b"\0".join((method.encode(), path.encode(), body))).hexdigest()


@retried
def once(user: User, key: str, request_digest: str, deed: Callable[[], Answer]) -> Answer:
    """Do the deed and keep its answer, or return the kept one; both in one transaction.

    Of two at once with one key the second waits for the first. What the deed raises undoes the key too, so
    that a refused deed can be asked for again. Raises KeyReused for another request under the same key.
    """
    with recording():
        kept, is_new = IdempotentAnswer.objects.select_for_update().get_or_create(
            user=user, key=key, defaults={"digest": request_digest}
        )
        if not is_new:
            if kept.digest != request_digest:
                raise KeyReused(f"the key {key!r} was used for another request")
            return Answer(kept.status, kept.body, replayed=True)
        answer = deed()
        kept.status, kept.body = answer.status, answer.body
        kept.save(update_fields=["status", "body"])
    return answer


def prune(now: datetime) -> int:
    """Forget the answers nobody will ask for again; return how many."""
    gone, _ = IdempotentAnswer.objects.filter(at__lt=now - KEPT_FOR).delete()
    return gone

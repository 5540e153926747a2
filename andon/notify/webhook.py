"""Signed webhooks: what a program is sent, and what its answer means."""

import json
import time
from http import HTTPStatus

from andon.notify.allowed import Allowed
from andon.notify.exchange import post
from andon.notify.message import Message, NotSent, Refused
from andon.notify.signing import signature

# Refusals that may pass: too slow, too early, too many.
_PASSING = {
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.CONFLICT,
    HTTPStatus.LOCKED,
    HTTPStatus.TOO_EARLY,
    HTTPStatus.TOO_MANY_REQUESTS,
}


def send(
    message: Message,
    *,
    url: str,
    secret: str,
    delivery_id: str,
    allowed: Allowed,
    deadline_s: float,
) -> None:
    """Post the message; return once it was answered with 2xx. Raises NotSent or Refused."""
    body = json.dumps(message.data, ensure_ascii=False, separators=(",", ":")).encode()
    timestamp = str(int(time.time()))
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "MS5",
        "MS5-Delivery": delivery_id,
        "MS5-Timestamp": timestamp,
        "MS5-Signature": signature(secret, timestamp, body),
        "Idempotency-Key": message.key,
    }
    answer = post(url, body, headers, allowed=allowed, deadline_s=deadline_s)
    if 200 <= answer.status < 300:
        return
    told = f"answered {answer.status} {answer.reason}".strip()
    if 300 <= answer.status < 400:
        raise Refused(f"{told}: redirects are not followed")
    if 400 <= answer.status < 500 and answer.status not in _PASSING:
        raise Refused(told)
    raise NotSent(told)

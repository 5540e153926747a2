"""Send a test to endpoints and contacts, and tell in a sentence how it went."""

import secrets
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from andon import clock
from andon.choices import Channel, ContactKind, EndpointKind
from andon.deliveries import note
from andon.models import Contact, Endpoint
from andon.notify import ways
from andon.notify.message import NotSent, Refused
from andon.notify.ways import Way
from andon.telling import trial
from ms5.accounts.audit import record
from ms5.accounts.models import User

DEADLINE_S = 8.0
"""Shorter than that of a real one: a person waits, and so does a thread of the web server."""
MOST_AT_ONCE = 5
_WAYS = {
    EndpointKind.WEBHOOK: Channel.WEBHOOK,
    EndpointKind.APPRISE: Channel.APPRISE,
    ContactKind.EMAIL: Channel.EMAIL,
}
End = Endpoint | Contact


@dataclass(frozen=True, slots=True)
class Tried:
    """How a test went; `error` is empty when it was taken."""

    name: str
    error: str

    @property
    def sentence(self) -> str:
        return (
            f"{self.name}: failed: {self.error}"
            if self.error
            else f"{self.name}: ok, it was taken."
        )


def try_out(ends: Sequence[End], actor: User) -> list[Tried]:
    """Send a test to each, side by side, and return how it went; at most MOST_AT_ONCE.

    Each test is in the audit before it is sent, and what came of it stands at its endpoint or contact. Nothing
    is held in the database meanwhile.
    """
    if len(ends) > MOST_AT_ONCE:
        raise ValueError(f"at most {MOST_AT_ONCE} at once")
    if not ends:
        return []
    for end in ends:
        record(actor, f"{end._meta.model_name}.test", end)  # noqa: SLF001 - Django's documented API
    names = [str(end) for end in ends]
    routes = [_way(end) for end in ends]
    with ThreadPoolExecutor(len(ends), thread_name_prefix="trial") as pool:
        failures = list(pool.map(_failure, routes, names, [str(actor)] * len(ends)))
    now = clock.now()
    for end, failure in zip(ends, failures, strict=True):
        note(type(end)._default_manager.filter(pk=end.pk), failure, now)  # noqa: SLF001 - documented
    return [
        Tried(name, str(failure or "")) for name, failure in zip(names, failures, strict=True)
    ]


def _way(end: End) -> Way:
    channel = _WAYS.get(end.kind, Channel.APPRISE)  # type: ignore[call-overload]
    return Way(channel.value, end.address, getattr(end, "secret", ""))


def _failure(way: Way, name: str, by: str) -> NotSent | Refused | None:
    key = f"test:{secrets.token_hex(8)}"
    try:
        ways.send(trial(key, name, by), way, key, DEADLINE_S)
    except (NotSent, Refused) as failure:
        return failure
    return None

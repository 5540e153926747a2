"""The rows of deliveries: who sends which, and how it went."""

import logging
import secrets
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Count, F, Q, QuerySet

from andon.choices import CallStatus, Channel, DeliveryState
from andon.clock import now as engine_now
from andon.models import AndonCall, Contact, Delivery, Endpoint
from andon.notify.message import Message, NotSent, Refused
from andon.notify.packing import packed
from andon.notify.patience import GIVEN_UP_AFTER, LEASE, spread_of, wait_after
from andon.notify.ways import Way
from andon.telling import digest_of, message_of
from ms5.events.retry import retried
from ms5.processes.leases import instance
from ms5.processes.models import Lease

log = logging.getLogger(__name__)

_TURN = "andon.claim"
_MINUTE = timedelta(minutes=1)
_MOST = 5000
_LONGEST_ERROR = 300
_PEOPLE = (Channel.EMAIL.value, Channel.APPRISE.value)
_AT_ONE_ADDRESS = {Channel.EMAIL.value: 1, Channel.APPRISE.value: 1, Channel.WEBHOOK.value: 2}
"""How many at once: a person's come in their order, and no address takes every thread there is."""

Recipient = tuple[str, int | None, str]


@dataclass(frozen=True, slots=True)
class Letter:
    """A message under way, the deliveries it carries, and the lease it is sent under."""

    way: Way
    message: Message
    ids: tuple[int, ...]
    holder: str
    refusal: str = ""
    """Why it need not be tried: what it was to go to is no more."""


def due(now: datetime) -> "QuerySet[Delivery]":
    """Return the deliveries that somebody should take up now, in the order of their steps."""
    ready = Q(state=DeliveryState.PENDING, next_try_at__lte=now)
    left = Q(state=DeliveryState.SENDING, lease_until__lt=now)
    return Delivery.objects.filter(ready | left).exclude(channel=Channel.LIVE).order_by("pk")


@retried
def claim(room: Mapping[str, int], now: datetime | None = None) -> list[Letter]:
    """Take deliveries that are due, at most `room` messages of each channel, and return the messages.

    Nobody else takes them within the lease. One whose senders died ten times in the middle is given up.
    To one person go at most five messages a minute, the last of which carries all that waits.
    """
    now = now or engine_now()
    if not due(now).exists():
        return []
    with transaction.atomic():
        _take_turns(now)
        _bury(now)
        held = {_lease(pks, now): pks for pks in _chosen(room, now)}
        every = [pk for pks in held.values() for pk in pks]
        rows = Delivery.objects.select_related("endpoint", "step__escalation__call").in_bulk(
            every
        )
    return [_letter([rows[pk] for pk in pks], holder) for holder, pks in held.items()]


@retried
def record(
    letter: Letter, failure: NotSent | Refused | None, now: datetime | None = None
) -> None:
    """Write down that a letter left, or why not; then when it is tried again, or that it is dead.

    One that left is sent even if its lease had run out meanwhile.
    """
    with transaction.atomic():
        now = now or engine_now()
        rows = Delivery.objects.select_for_update(of=("self",)).filter(pk__in=letter.ids)
        if failure is None:
            rows.exclude(state=DeliveryState.SENT).update(
                state=DeliveryState.SENT,
                sent_at=now,
                dead_at=None,
                error="",
                lease_until=None,
                message_key=letter.message.key,
            )
        else:
            for row in rows.filter(state=DeliveryState.SENDING, leased_by=letter.holder):
                _fail(row, failure, now)
        _note_at_the_end_of_the_way(letter, failure, now)


def _take_turns(now: datetime) -> None:
    """Let one claim at a time: two would both see room for the last message of a minute."""
    Lease.objects.get_or_create(name=_TURN, defaults={"holder": "", "until": now})
    Lease.objects.select_for_update().get(name=_TURN)


def _bury(now: datetime) -> None:
    left = Q(state=DeliveryState.SENDING, lease_until__lt=now, attempts__gte=GIVEN_UP_AFTER)
    Delivery.objects.filter(left).update(
        state=DeliveryState.DEAD,
        dead_at=now,
        lease_until=None,
        error="whoever began to send it never came to an end",
    )


def _chosen(room: Mapping[str, int], now: datetime) -> list[tuple[int, ...]]:
    """Return the deliveries of each message to send now, by primary key."""
    waiting: dict[Recipient, list[int]] = defaultdict(list)
    for pk, *row in due(now).values_list("pk", "channel", "endpoint", "address")[:_MOST]:
        waiting[_recipient(row)].append(pk)
    if not waiting:
        return []
    busy = _busy(now)
    lately = _lately(now)
    left = Counter(dict(room))
    chosen: list[tuple[int, ...]] = []
    for recipient, pks in waiting.items():
        channel = recipient[0]
        free = min(left[channel], _AT_ONE_ADDRESS[channel] - busy[recipient])
        if free <= 0:
            continue
        together = packed(pks, lately[recipient]) if channel in _PEOPLE else zip(pks)
        letters = list(together)[:free]
        left[channel] -= len(letters)
        chosen += letters
    return chosen


def _lease(pks: Sequence[int], now: datetime) -> str:
    """Take what goes into one message; return under which name it is held."""
    holder = f"{instance()}:{secrets.token_hex(4)}"
    Delivery.objects.filter(pk__in=pks).update(
        state=DeliveryState.SENDING,
        attempts=F("attempts") + 1,
        lease_until=now + LEASE,
        leased_by=holder,
    )
    return holder


def _busy(now: datetime) -> Counter[Recipient]:
    """Return how many messages are under way to whom."""
    held = Delivery.objects.filter(state=DeliveryState.SENDING, lease_until__gte=now)
    rows = held.values_list("channel", "endpoint", "address").annotate(
        Count("leased_by", distinct=True)
    )
    return Counter({_recipient(recipient): count for *recipient, count in rows})


def _lately(now: datetime) -> Counter[Recipient]:
    """Return how many messages each person was sent within the last minute."""
    sent = Delivery.objects.filter(
        state=DeliveryState.SENT, sent_at__gt=now - _MINUTE, channel__in=_PEOPLE
    )
    rows = sent.values_list("channel", "endpoint", "address").annotate(
        Count("message_key", distinct=True)
    )
    return Counter({_recipient(recipient): count for *recipient, count in rows})


def _recipient(row: Sequence[Any]) -> Recipient:
    channel, endpoint, address = row
    return (str(channel), endpoint, str(address))


def _letter(rows: Sequence[Delivery], holder: str) -> Letter:
    ids = tuple(row.pk for row in rows)
    way, refusal = _way(rows[0])
    link = board_link()
    try:
        messages = [
            message_of(row.payload, row.key, link, _by_now(row.step.escalation.call))
            for row in rows
        ]
    except (KeyError, TypeError, ValueError) as mistake:  # it must not keep the others
        log.exception("a delivery cannot be told", extra={"key": rows[0].key})
        nothing = Message(rows[0].key, "", "")
        return Letter(way, nothing, ids, holder, f"it cannot be told: {mistake!r}")
    message = messages[0] if len(messages) == 1 else digest_of(messages, _shared(rows), link)
    return Letter(way, message, ids, holder, refusal)


def _way(row: Delivery) -> tuple[Way, str]:
    if row.endpoint is not None:
        way = Way(row.channel, row.endpoint.address, row.endpoint.secret)
        return way, "" if row.endpoint.is_active else "its endpoint is switched off"
    if row.channel == Channel.WEBHOOK or not row.address:
        return Way(row.channel, ""), "it has no address any more"
    return Way(row.channel, row.address), ""


def _shared(rows: Sequence[Delivery]) -> str:
    """Return a key of a digest that is the same whenever it carries the same."""
    return f"digest:{rows[0].pk}-{rows[-1].pk}:{len(rows)}:{rows[0].channel}"


def board_link() -> str:
    """Return where the board of calls is, as people reach it."""
    return f"{settings.PUBLIC_URL.rstrip('/')}/andon/"


def _by_now(call: AndonCall) -> str:
    """Return what has become of the call, empty while nobody has answered it."""
    match call.status:
        case CallStatus.ACKNOWLEDGED | CallStatus.ARRIVED:
            return f"{call.acknowledged_by or 'somebody'} is on it"
        case CallStatus.RESOLVED | CallStatus.CANCELLED:
            return f"it is {call.get_status_display().lower()}"
        case _:
            return ""


def _fail(row: Delivery, failure: NotSent | Refused, now: datetime) -> None:
    wait = None
    if isinstance(failure, NotSent):
        wait = wait_after(row.attempts, spread_of(row.key))
    if wait is None:
        row.state, row.dead_at = DeliveryState.DEAD, now
    else:
        row.state, row.next_try_at = DeliveryState.PENDING, now + wait
    row.lease_until = None
    row.error = str(failure)[:_LONGEST_ERROR]
    row.save(update_fields=["state", "dead_at", "next_try_at", "lease_until", "error"])


def _note_at_the_end_of_the_way(
    letter: Letter, failure: NotSent | Refused | None, now: datetime
) -> None:
    carried = Delivery.objects.filter(pk__in=letter.ids)
    for model, name in ((Endpoint, "endpoint"), (Contact, "contact")):
        owners = {pk for pk in carried.values_list(name, flat=True) if pk is not None}
        if owners:
            note(model.objects.filter(pk__in=owners), failure, now)


def note(
    ends: "QuerySet[Endpoint] | QuerySet[Contact]",
    failure: NotSent | Refused | None,
    now: datetime,
) -> None:
    """Write at endpoints or contacts whether they were reached."""
    if failure is None:
        ends.update(last_ok_at=now, failures=0)
    else:
        ends.update(
            last_error=str(failure)[:_LONGEST_ERROR],
            last_error_at=now,
            failures=F("failures") + 1,
        )

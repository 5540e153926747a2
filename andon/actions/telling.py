"""Who is told by what takes effect: a delivery for each recipient and channel, written with the step."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from andon.choices import Channel, ContactKind, DeliveryState, EndpointKind, Priority
from andon.escalation import Fired, Ladder, Step
from andon.models import AndonCall, Contact, Delivery, Endpoint, EscalationStep
from andon.public import Told, name_of
from andon.whom import People, Reached, people_of
from ms5.accounts.models import User

_RANK = {priority.value: rank for rank, priority in enumerate(Priority)}
_ENDPOINTS = {
    Channel.WEBHOOK.value: EndpointKind.WEBHOOK,
    Channel.APPRISE.value: EndpointKind.APPRISE,
}
LONGEST_ADDRESS = 500


class Teller:
    """The people and endpoints of one call, read once however many of its steps take effect."""

    def __init__(
        self, call: AndonCall, ladder: Ladder, now: datetime, upcoming: Step | None
    ) -> None:
        self.call = call
        self.ladder = ladder
        self.upcoming = upcoming
        self._now = now

    @cached_property
    def people(self) -> People:
        return people_of(self.call.line)

    def tell(self, row: EscalationStep, fired: Fired) -> Told:
        """Write the deliveries of a step and return whom they tell."""
        level = self.ladder.level(fired.step.level)
        reached = self.people.told(self.ladder, level, self._now)
        payload = self._payload(row, fired, reached)
        deliveries = [
            *self._to_people(row, reached, level.channels),
            *self._to_endpoints(row, level.channels),
        ]
        for each in deliveries:
            each.payload = payload
        # A key that is there has been written by this very step: it is told once.
        Delivery.objects.bulk_create(deliveries, ignore_conflicts=True)
        return Told([user.pk for user in reached.users], reached.names)

    def _to_people(
        self, row: EscalationStep, reached: Reached, channels: tuple[str, ...]
    ) -> Iterator[Delivery]:
        contacts = Contact.objects.filter(user__in=reached.users, is_active=True)
        own: dict[tuple[int, str], list[Contact]] = {}
        for contact in contacts.order_by("pk"):
            own.setdefault((contact.user_id, contact.kind), []).append(contact)
        for user in reached.users:
            if Channel.LIVE in channels:
                yield self._delivery(row, Channel.LIVE, f"u{user.pk}", user=user)
            if Channel.EMAIL in channels:
                yield from self._to_contacts(row, user, own, ContactKind.EMAIL, Channel.EMAIL)
            if Channel.APPRISE in channels:
                yield from self._to_contacts(
                    row, user, own, ContactKind.APPRISE, Channel.APPRISE
                )

    def _to_contacts(
        self,
        row: EscalationStep,
        user: User,
        own: dict[tuple[int, str], list[Contact]],
        kind: ContactKind,
        channel: Channel,
    ) -> Iterator[Delivery]:
        contacts = own.get((user.pk, kind), [])
        for contact in contacts:
            yield self._delivery(
                row,
                channel,
                f"c{contact.pk}",
                user=user,
                contact=contact,
                address=contact.address,
            )
        if not contacts and channel is Channel.EMAIL and user.email:
            yield self._delivery(
                row, channel, f"u{user.pk}", user=user, address=user.email[:LONGEST_ADDRESS]
            )

    def _to_endpoints(
        self, row: EscalationStep, channels: tuple[str, ...]
    ) -> Iterator[Delivery]:
        for channel in channels:
            if kind := _ENDPOINTS.get(channel):
                for endpoint in self._endpoints:
                    if endpoint.kind == kind:
                        yield self._delivery(
                            row, Channel(channel), f"e{endpoint.pk}", endpoint=endpoint
                        )

    @cached_property
    def _endpoints(self) -> list[Endpoint]:
        call = self.call
        rows = Endpoint.objects.filter(is_active=True).prefetch_related("lines")
        return [
            each
            for each in rows.order_by("pk")
            if (not each.categories or call.category in each.categories)
            and _RANK[call.priority] >= _RANK[each.least_priority]
            and (not each.lines.all() or call.line in each.lines.all())
        ]

    def _delivery(
        self, row: EscalationStep, channel: Channel, recipient: str, **fields: Any
    ) -> Delivery:
        is_live = channel is Channel.LIVE  # the fact of this very transaction carries it
        return Delivery(
            step=row,
            channel=channel,
            key=f"{row.pk}:{recipient}:{channel.value}",
            state=DeliveryState.SENT if is_live else DeliveryState.PENDING,
            sent_at=self._now if is_live else None,
            attempts=1 if is_live else 0,
            next_try_at=self._now,
            created_at=self._now,
            **fields,
        )

    def _payload(self, row: EscalationStep, fired: Fired, reached: Reached) -> dict[str, Any]:
        """Return what is told, as of now: whoever sends it later adds nothing."""
        call = self.call
        upcoming = self.upcoming
        return {
            "call_id": call.pk,
            "escalation_id": call.escalation.pk,
            "happened": row.kind,
            "level": fired.present.level,
            "levels": self.ladder.top,
            "n": row.n,
            "gen": row.gen,
            "line": call.line.code,
            "line_name": call.line.name,
            "equipment": call.equipment.code if call.equipment else None,
            "equipment_name": call.equipment.name if call.equipment else None,
            "category": str(call.category),
            "priority": str(call.priority),
            "description": call.description,
            "raised_by": name_of(call.raised_by),
            "rule": call.rule.name if call.rule else None,
            "raised_at": call.raised_at.isoformat(),
            "occurrences": call.occurrences,
            "acknowledged_by": name_of(call.acknowledged_by),
            "acknowledged_at": call.acknowledged_at.isoformat()
            if call.acknowledged_at
            else None,
            "due_at": fired.step.due_at.isoformat(),
            "fired_at": self._now.isoformat(),
            "late_ms": max(0, fired.late // timedelta(milliseconds=1)),
            "clock_note": row.clock_note,
            "recipients": list(reached.names),
            "next": str(upcoming.kind) if upcoming else None,
            "next_due_at": upcoming.due_at.isoformat() if upcoming else None,
            "time_zone": call.line.area.site.time_zone,
        }

"""A notification that was given up is itself a call, to the level above; never one about another such."""

from datetime import datetime

from django.db import connection
from django.db.models import Q

from andon.actions.calls import raise_call
from andon.choices import DeliveryState, RuleKind
from andon.models import AndonCall, Delivery, Rule
from ms5.events.log import recording
from ms5.events.retry import retried


@retried
def call_for(delivery_id: int, now: datetime) -> int:
    """Raise a call for a dead delivery, and return 1 if it did.

    Idempotent: a delivery is seen once. One that was about such a call raises none, and one about the very
    call that it would raise again does not either: nothing goes round.
    """
    with recording():
        skips = connection.features.has_select_for_update_skip_locked
        free = Delivery.objects.select_for_update(skip_locked=skips).filter(
            pk=delivery_id, state=DeliveryState.DEAD, called_at__isnull=True
        )
        if free.only("pk").first() is None:
            return 0
        Delivery.objects.filter(pk=delivery_id).update(called_at=now)
        delivery = Delivery.objects.select_related("step", "user", "endpoint").get(
            pk=delivery_id
        )
        call = AndonCall.objects.whole().get(escalation=delivery.step.escalation_id)
        rule = _rule_for(call)
        if rule is None or _is_about_itself(call, rule):
            return 0
        whom = str(delivery.user or delivery.endpoint or delivery.address)
        by = delivery.get_channel_display()
        text = f"{rule.text} {whom}, by {by}: {delivery.error}".strip()
        raise_call(
            call.line,
            category=rule.category,
            priority=rule.priority or call.priority,
            description=text[:500],
            rule=rule,
            at=now,
            first_level=delivery.step.level + 1,
        )
    return 1


def _rule_for(call: AndonCall) -> Rule | None:
    rules = Rule.objects.filter(
        Q(line=None) | Q(line=call.line), kind=RuleKind.DEAD_DELIVERY, is_active=True
    )
    return rules.order_by("pk").first()


def _is_about_itself(call: AndonCall, rule: Rule) -> bool:
    if call.rule is not None and call.rule.kind == RuleKind.DEAD_DELIVERY:
        return True
    return call.ended_at is None and call.equipment is None and call.category == rule.category

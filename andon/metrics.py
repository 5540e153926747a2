"""How calls climb and notifications leave, as metrics; read from the database."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import Count, Max, Min
from prometheus_client.core import GaugeMetricFamily, Metric

from andon.choices import Channel, DeliveryState, StepKind, StepState
from andon.health import OVERDUE
from andon.models import AndonCall, Delivery, EscalationStep
from production.choices import Severity

_LATELY = timedelta(hours=1)


def andon_metrics(now: datetime) -> Iterator[Metric]:
    """Yield the metrics of all lines as of the engine's `now`. Raises what the database raises."""
    yield from _calls()
    yield from _steps(now)
    yield from _deliveries(now)


def _calls() -> Iterator[Metric]:
    calls = GaugeMetricFamily(
        "ms5_andon_open_calls", "Calls that are not over.", labels=["priority"]
    )
    found = dict(
        AndonCall.objects.open().order_by().values_list("priority").annotate(Count("pk"))
    )
    for priority in Severity.values:
        calls.add_metric([priority], found.get(priority, 0))
    yield calls


def _steps(now: datetime) -> Iterator[Metric]:
    pending = EscalationStep.objects.filter(state=StepState.PENDING).order_by()
    waiting = GaugeMetricFamily(
        "ms5_escalation_pending_steps", "Steps that wait for their time."
    )
    waiting.add_metric([], pending.count())
    overdue = GaugeMetricFamily(
        "ms5_escalation_overdue_steps", "Steps that are more than 30 s late; must be 0."
    )
    late = pending.filter(due_at__lt=now - OVERDUE).aggregate(
        count=Count("pk"), first=Min("due_at")
    )
    overdue.add_metric([], late["count"])
    oldest = GaugeMetricFamily(
        "ms5_escalation_oldest_overdue_seconds", "How late the oldest of them is."
    )
    oldest.add_metric([], (now - late["first"]).total_seconds() if late["first"] else 0)
    fired = GaugeMetricFamily(
        "ms5_escalation_fired_last_hour",
        "Steps that took effect within an hour.",
        labels=["kind"],
    )
    lateness = GaugeMetricFamily(
        "ms5_escalation_worst_lateness_seconds",
        "The latest of them, behind its time.",
        labels=["kind"],
    )
    lately = EscalationStep.objects.filter(state=StepState.FIRED, fired_at__gt=now - _LATELY)
    rows = lately.order_by().values_list("kind").annotate(Count("pk"), Max("late_ms"))
    found = {kind: (count, worst) for kind, count, worst in rows}
    for kind in StepKind.values:
        count, worst = found.get(kind, (0, 0))
        fired.add_metric([kind], count)
        lateness.add_metric([kind], worst / 1000)
    yield from (waiting, overdue, oldest, fired, lateness)


def _deliveries(now: datetime) -> Iterator[Metric]:
    waiting = GaugeMetricFamily(
        "ms5_notification_waiting",
        "Notifications that have not left, by channel and state.",
        labels=["channel", "state"],
    )
    lately = GaugeMetricFamily(
        "ms5_notification_last_hour",
        "Notifications that left, or were given up, within an hour.",
        labels=["channel", "result"],
    )
    open_ = [DeliveryState.PENDING.value, DeliveryState.SENDING.value]
    rows = Delivery.objects.order_by().values_list("channel", "state").annotate(Count("pk"))
    found = {(channel, state): count for channel, state, count in rows.filter(state__in=open_)}
    ended = {
        DeliveryState.SENT.value: {"sent_at__gt": now - _LATELY},
        DeliveryState.DEAD.value: {"dead_at__gt": now - _LATELY},
    }
    for channel in Channel.values:
        for state in open_:
            waiting.add_metric([channel, state], found.get((channel, state), 0))
    for state, since in ended.items():
        counts = {name: count for name, _, count in rows.filter(state=state, **since)}
        for channel in Channel.values:
            lately.add_metric([channel, state], counts.get(channel, 0))
    yield from (waiting, lately)

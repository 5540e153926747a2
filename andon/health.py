"""Whether calls climb in time and notifications leave: what is wrong, by name."""

from datetime import datetime, timedelta

from django.db.models import Count, Min

from andon.choices import DeliveryState, StepState
from andon.deliveries import due
from andon.models import Contact, Delivery, Endpoint, EscalationStep
from ms5.processes.models import Heartbeat

OVERDUE = timedelta(seconds=30)
"""What is later than this would not be done without help."""
SWEEP = "andon"
_UNREACHED_AFTER = 2
_DEAD_FOR = timedelta(days=1)
_LONGEST = 160


def wrong(now: datetime) -> dict[str, str]:
    """Return what is wrong as of the engine's `now`, a sentence each; empty when all is well.

    A notification that died is told for a day, an address that is not reached until it is.
    """
    return {
        **_steps(now),
        **_sweep(now),
        **_waiting(now),
        **_failing(),
        **_dead(now),
        **_unreached(),
    }


def oldest_overdue(now: datetime) -> tuple[int, timedelta]:
    """Return how many steps are more than 30 s late, and how late the oldest is."""
    late = EscalationStep.objects.filter(state=StepState.PENDING, due_at__lt=now - OVERDUE)
    found = late.aggregate(count=Count("pk"), first=Min("due_at"))
    return found["count"], now - found["first"] if found["first"] else timedelta()


def _steps(now: datetime) -> dict[str, str]:
    count, oldest = oldest_overdue(now)
    return {"steps": f"{count} overdue, the oldest for {_seconds(oldest)}"} if count else {}


def _sweep(now: datetime) -> dict[str, str]:
    ok_at = Heartbeat.objects.filter(name=SWEEP).values_list("ok_at", flat=True).first()
    if ok_at is None:
        return {"sweep": "has never run; web processes do its work, half a minute late"}
    if now - ok_at <= OVERDUE:
        return {}
    silent = _seconds(now - ok_at)
    return {"sweep": f"last ran {silent} ago; web processes do its work, half a minute late"}


def _waiting(now: datetime) -> dict[str, str]:
    late = due(now - OVERDUE).order_by()
    found = late.aggregate(count=Count("pk"), first=Min("next_try_at"))
    if not found["count"]:
        return {}
    oldest = _seconds(now - found["first"])
    return {
        "sending": f"{found['count']} wait for somebody to send them, the oldest for {oldest}"
    }


def _failing() -> dict[str, str]:
    told: dict[str, str] = {}
    rows = Delivery.objects.filter(
        state__in=[DeliveryState.PENDING, DeliveryState.SENDING],
        attempts__gte=_UNREACHED_AFTER,
    ).exclude(error="")
    for channel, count in rows.order_by().values_list("channel").annotate(Count("pk")):
        last = rows.filter(channel=channel).order_by("-pk").values_list("error", flat=True)[0]
        told[str(channel)] = f"{count} could not be sent so far: {last}"[:_LONGEST]
    return told


def _dead(now: datetime) -> dict[str, str]:
    dead = Delivery.objects.filter(state=DeliveryState.DEAD, dead_at__gt=now - _DEAD_FOR)
    count = dead.count()
    if not count:
        return {}
    last = dead.order_by("-dead_at").values_list("error", flat=True)[0]
    return {"dead": f"{count} were given up within a day, the last one: {last}"[:_LONGEST]}


def _unreached() -> dict[str, str]:
    endpoints = Endpoint.objects.filter(is_active=True, failures__gte=_UNREACHED_AFTER)
    told = {
        f"endpoint {name}": error[:_LONGEST]
        for name, error in endpoints.values_list("name", "last_error")
    }
    contacts = Contact.objects.filter(is_active=True, failures__gte=_UNREACHED_AFTER).count()
    return told | ({"contacts": f"{contacts} are not reached"} if contacts else {})


def _seconds(span: timedelta) -> str:
    return f"{max(0, round(span.total_seconds()))} s"

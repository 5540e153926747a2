"""What the Andon board says beside the open calls: the last that ended, how long it has been quiet, a flood."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from andon.choices import CallStatus
from andon.models import AndonCall
from andon.response import FLOOD_CALLS, FLOOD_WITHIN
from production.models import Line
from realtime.calls import WORDS
from realtime.formats import duration

ENDED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedCall:
    """A call that is over, and how it ended."""

    category: str
    category_word: str
    priority: str
    where: str
    line_name: str
    how: str
    clock: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recent:
    """The calls that ended last, the newest first."""

    ended: Sequence[EndedCall]
    quiet_since: str
    """When the last call ended, as ISO 8601; empty: none ever did."""
    silence: str
    """What stands on the board while no call is open."""
    flood: int
    """How many calls came of late, where they are more than people can answer; 0: they are not."""
    flood_min: int
    clock: str


def recent_calls(lines: Sequence[Line], now: datetime) -> Recent:
    """Return what was of late on these lines, in two queries."""
    calls = AndonCall.objects.filter(line__in=lines)
    ended = list(
        calls.filter(ended_at__isnull=False)
        .select_related("line__area__site", "equipment", "resolved_by", "cancelled_by")
        .order_by("-ended_at", "-pk")[:ENDED]
    )
    raised = calls.filter(raised_at__gt=now - FLOOD_WITHIN).count()
    last = ended[0].ended_at if ended else None
    zone = ZoneInfo(lines[0].area.site.time_zone if lines else "UTC")
    return Recent(
        ended=[_ended(call) for call in ended],
        quiet_since=last.isoformat() if last else "",
        silence=f"No open calls: {_minutes((now - last).total_seconds())}"
        if last
        else "No open calls",
        flood=raised if raised > FLOOD_CALLS else 0,
        flood_min=int(FLOOD_WITHIN.total_seconds() // 60),
        clock=f"{now.astimezone(zone):%H:%M:%S}",
    )


def _ended(call: AndonCall) -> EndedCall:
    zone = ZoneInfo(call.line.area.site.time_zone)
    end = call.ended_at or call.raised_at
    lasted = duration((end - call.raised_at).total_seconds())
    if call.status == CallStatus.CANCELLED:
        how = f"cancelled by {call.cancelled_by or 'the system'} after {lasted}"
    else:
        how = f"resolved by {call.resolved_by or 'the system'} after {lasted}"
        how += f": {call.resolution}" if call.resolution else ""
    return EndedCall(
        category=call.category,
        category_word=WORDS[call.category],
        priority=call.priority,
        where=call.equipment.name if call.equipment else "whole line",
        line_name=call.line.name,
        how=how,
        clock=f"{end.astimezone(zone):%H:%M}",
    )


def _minutes(seconds: float) -> str:
    """Return whole minutes, which are enough for how long it has been quiet; andon-board.js has the twin."""
    if seconds < 60:
        return "less than a minute"
    return f"{int(seconds // 60)} min" if seconds < 3600 else duration(seconds)

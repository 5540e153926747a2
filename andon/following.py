"""Rules at work: they read the log by cursors of their own, and call when what they watch lasts long enough."""

import logging
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from functools import partial

import msgspec
from django.db import connection

from andon.actions.undelivered import call_for
from andon.actions.watching import Rules, end_unseen, judge
from andon.choices import DeliveryState
from andon.clock import now as engine_now
from andon.judging import Circumstances, Standing, sightings
from andon.models import Cursor, Delivery, Watch
from andon.present import present
from ms5.events.log import epoch, recording
from ms5.events.models import Event, Stream
from ms5.events.retry import retried
from production.calendars import calendar_of
from production.choices import ChangeoverStatus
from production.isolation import each_alone, raise_failed
from production.models import Changeover, Condition, Context, Line
from production.oee import Plan
from production.shifts import plan
from production.transitions import INSTANT

log = logging.getLogger(__name__)

BATCH = 500
"""Facts of a stream in one transaction; the next tick takes the others."""
SEEN = ("equipment_fault", "downtime_event", "quality_alert", "plc_status")


def follow() -> int:
    """Take in what the log has gained and return how many calls were raised."""
    return follow_at(engine_now())


def follow_at(now: datetime) -> int:
    """As `follow`, at this time of the engine's clock.

    Each stream, each watch and each dead delivery has a transaction of its own; one that fails is logged and
    the others go on, then an ExceptionGroup says so.
    """
    known = dict(Cursor.objects.values_list("stream", "seq"))
    lines = Line.objects.in_bulk(field_name="code")
    streams = Stream.objects.filter(name__in=lines).order_by("name")
    present_epoch, rules = epoch(), Rules()
    current = Cursor.objects.filter(epoch=present_epoch, rules=rules.digest)
    old = known.keys() - set(current.values_list("stream", flat=True))
    moved = [
        each.name for each in streams if each.head != known.get(each.name) or each.name in old
    ]
    _, failed = each_alone(
        moved,
        lambda code: read(lines[code], rules, present_epoch, now),
        lambda code: {"line": code},
        log,
        "rules could not read a stream",
    )
    due = Watch.objects.filter(
        ended_at__isnull=True, call__isnull=True, due_at__lte=now, rule__is_active=True
    )
    by_line: Mapping[int, list[Watch]] = defaultdict(list)
    for watch in due.select_related("line", "equipment").order_by("line", "due_at", "pk"):
        by_line[watch.line_id].append(watch)
    raised, broken = each_alone(
        by_line.values(),
        partial(_judge, now=now),
        lambda watches: {"line": watches[0].line_id},
        log,
        "rules could not judge a line",
    )
    dead = Delivery.objects.filter(state=DeliveryState.DEAD, called_at__isnull=True)
    called, lost = each_alone(
        list(dead.order_by("dead_at").values_list("pk", flat=True)[:BATCH]),
        lambda pk: call_for(pk, now),
        lambda pk: {"delivery": pk},
        log,
        "a dead delivery could not raise a call",
    )
    raise_failed([*failed, *broken, *lost], "rules failed")
    return raised + called


@retried
def read(line: Line, rules: Rules, present_epoch: str, now: datetime) -> int:
    """Take in what a stream has gained, its position with what follows from it; return how many facts.

    A stream that is new here, of another epoch, read by other rules, or further back than is kept, begins with
    the present state.
    """
    with recording():
        Cursor.objects.bulk_create(
            [Cursor(stream=line.code, epoch="", seq=0)], ignore_conflicts=True
        )
        skips = connection.features.has_select_for_update_skip_locked
        cursors = Cursor.objects.select_for_update(skip_locked=skips)
        cursor = cursors.filter(stream=line.code).first()
        if cursor is None:
            return 0  # another is at it
        stream = Stream.objects.get(name=line.code)
        is_known = (cursor.epoch, cursor.rules) == (present_epoch, rules.digest)
        if not is_known or not stream.tail - 1 <= cursor.seq <= stream.head:
            cursor.epoch, cursor.rules, cursor.seq = present_epoch, rules.digest, stream.head
            cursor.save()
            return _begin(line, rules, now)
        facts = Event.objects.filter(stream=stream, seq__gt=cursor.seq).order_by("seq")
        rows = list(facts.values_list("seq", "type", "text")[:BATCH])
        for _, type_, text in rows:
            if type_ in SEEN:
                for seen in sightings(type_, msgspec.json.decode(text)["data"]):
                    rules.see(line, seen, now)
        cursor.seq = rows[-1][0] if rows else cursor.seq
        cursor.save()
    return len(rows)


def _begin(line: Line, rules: Rules, now: datetime) -> int:
    found = present(line)
    end_unseen(line, found, now)
    for seen in found:
        rules.see(line, seen, now)
    return len(found)


def _judge(watches: list[Watch], now: datetime) -> int:
    line = watches[0].line
    rows = Condition.objects.filter(equipment__line=line).select_related("equipment")
    standing = {
        row.pk: Standing(row.equipment.name, row.equipment.position, row.state) for row in rows
    }
    planned = set(
        Context.objects.filter(equipment__line=line, planned_stop=True).values_list(
            "pk", flat=True
        )
    )
    running = Changeover.objects.filter(line=line, status=ChangeoverStatus.RUNNING)
    is_changing_over = running.exists()
    stretches = plan(calendar_of(line), now, now + INSTANT)
    present_plan = stretches[0].what if stretches else Plan.SCHEDULED
    raised = 0
    for watch in watches:
        circumstances = Circumstances(
            is_changing_over=is_changing_over,
            is_planned_stop=watch.equipment_id in planned,
            plan=present_plan,
            own=standing.get(watch.equipment_id or 0),
            others=tuple(standing.values()),
        )
        raised += judge(watch.pk, circumstances, now)
    return raised

"""A floor for the benchmarks of time: lines, products, shifts and what a plant leaves, in bulk inserts.

Used in a process in which Django is set up.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

from django.db import connection, models, transaction

from production.actions.counts import tally
from production.models import (
    Area,
    Break,
    Condition,
    ContextChange,
    Count,
    Counter,
    Downtime,
    Equipment,
    IdealCycle,
    Line,
    Product,
    Reason,
    Settlement,
    Shift,
    Site,
    Span,
    Tally,
    TimeTally,
)

START = datetime(2026, 11, 23, 6, tzinfo=UTC)
REASONS = 20
READING = timedelta(seconds=5)
SHORT, LONG = timedelta(seconds=20), timedelta(minutes=4)
_REMEMBERED = (Settlement, TimeTally, Tally, Count, Downtime, Span, ContextChange, Condition)


def build(lines: int, each: int) -> list[int]:
    """Make lines with `each` equipment, three shifts with a break, a product, reasons; return the equipment."""
    site = Site.objects.create(code="S", name="Site")
    area = Area.objects.create(site=site, code="A", name="Area")
    for name, hour in (("Early", 6), ("Late", 14), ("Night", 22)):
        shift = Shift.objects.create(
            site=site, name=name, starts=time(hour), ends=time((hour + 8) % 24)
        )
        ends = time((hour + 4) % 24, 30)
        Break.objects.create(shift=shift, name="Meal", starts=time((hour + 4) % 24), ends=ends)
    Reason.objects.bulk_create(
        Reason(code=f"R{number}", name=f"Reason {number}", category="unplanned", loss="stop")
        for number in range(REASONS)
    )
    loaf = Product.objects.create(code="P", name="Loaf")
    ids = []
    for number in range(lines):
        line = Line.objects.create(area=area, code=f"L{number}", name=f"Line {number}")
        for place in range(each):
            machine = Equipment.objects.create(
                line=line,
                code=f"L{number}.M{place}",
                name="Machine",
                position=place,
                is_constraint=place == 0,
            )
            IdealCycle.objects.create(
                equipment=machine, product=loaf, seconds=Decimal("0.6"), effective_from=_BEFORE
            )
            for kind in ("good", "reject"):
                Counter.objects.create(equipment=machine, kind=kind, value=0, read_at=START)
            ids.append(machine.pk)
    return ids


_BEFORE = START - timedelta(days=60)


@transaction.atomic
def live(
    ids: Sequence[int],
    start: datetime,
    until: datetime,
    *,
    stop_every: timedelta,
    counted: bool,
) -> None:
    """Write what every equipment leaves from `start` until then; with `counted` a reading each five seconds.

    It stops for 20 s and for 4 min in turn.

    The first is written as its rows, the others as copies of them.
    """
    loaf = Product.objects.get()
    first, others = ids[0], ids[1:]
    cycle = IdealCycle.objects.get(equipment=first).pk
    spans, downtimes = _stays(first, start, until, stop_every=stop_every, loaf=loaf)
    Span.objects.bulk_create(spans, batch_size=500)
    Downtime.objects.bulk_create(downtimes, batch_size=500)
    ContextChange.objects.create(equipment_id=first, product=loaf, at=start)
    last = spans[-1]
    Condition.objects.create(
        equipment_id=first,
        state=last.state,
        since=last.started_at,
        state_read_at=until,
        last_good_at=until,
        stopped_since=None if last.state == "running" else last.started_at,
    )
    if counted:
        counts = _counts(first, start, until, loaf, cycle)
        Count.objects.bulk_create(counts, batch_size=1000)
        tally(counts)
    for model in (Span, Downtime, ContextChange, Condition, Count, Tally):
        _copy(model, first, others)


def clear() -> None:
    """Forget what was written, at once: rows that a deletion by model would first read."""
    with transaction.atomic(), connection.cursor() as cursor:
        for model in _REMEMBERED:
            cursor.execute(f"DELETE FROM {model._meta.db_table}")  # noqa: S608, SLF001 - a table's own name


def _stays(
    machine: int,
    start: datetime,
    until: datetime,
    *,
    stop_every: timedelta,
    loaf: Product,
) -> tuple[list[Span], list[Downtime]]:
    reasons = list(Reason.objects.order_by("pk"))
    spans: list[Span] = []
    downtimes: list[Downtime] = []
    at, turn = start, 0
    while at < until:
        stop = SHORT if turn % 2 else LONG
        ends, back = min(at + stop_every - stop, until), min(at + stop_every, until)
        spans.append(Span(equipment_id=machine, state="running", started_at=at, ended_at=ends))
        if ends < back:
            spans.append(
                Span(equipment_id=machine, state="stopped", started_at=ends, ended_at=back)
            )
            if stop == LONG and back < until:
                # Of every eight nobody has said why.
                reason = reasons[turn // 2 % REASONS] if turn % 16 else None
                downtimes.append(
                    Downtime(
                        equipment_id=machine,
                        started_at=ends,
                        ended_at=back,
                        reason=reason,
                        product=loaf,
                    )
                )
        at, turn = at + stop_every, turn + 1
    spans[-1].ended_at = None
    return spans, downtimes


def _counts(
    machine: int, start: datetime, until: datetime, loaf: Product, cycle: int
) -> list[Count]:
    def read(number: int, kind: str, quantity: int) -> Count:
        return Count(
            equipment_id=machine,
            kind=kind,
            quantity=quantity,
            after=start + (number - 1) * READING,
            at=start + number * READING,
            product=loaf,
            ideal_cycle_id=cycle,
        )

    numbers = range(1, (until - start) // READING + 1)
    good = [read(number, "good", 5) for number in numbers]
    return good + [read(number, "reject", 1) for number in numbers if number % 12 == 0]


def _copy(model: type[models.Model], machine: int, others: Sequence[int]) -> None:
    """Copy the rows of an equipment to others; each refers to its own ideal cycle."""
    quote = connection.ops.quote_name
    meta = model._meta  # noqa: SLF001 - Django's documented API
    columns = [
        field.column
        for field in meta.concrete_fields
        if not field.primary_key or field.column == "equipment_id"
    ]
    own = {"equipment_id": "i.equipment_id", "ideal_cycle_id": "i.id"}
    taken = ", ".join(own.get(name, f"t.{quote(name)}") for name in columns)
    listed, table = ", ".join(map(quote, columns)), quote(meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({listed}) SELECT {taken} FROM {table} t"  # noqa: S608 - names of columns
            " CROSS JOIN production_idealcycle i WHERE t.equipment_id = %s AND i.equipment_id > %s",
            [machine, machine],
        )
        wanted = len(others)
        rows = model._base_manager.filter(equipment=machine).count()  # noqa: SLF001 - documented
        if cursor.rowcount != wanted * rows:
            raise RuntimeError(f"{cursor.rowcount} rows were copied, not {wanted * rows}")

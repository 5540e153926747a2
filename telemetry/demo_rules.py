"""How the demo bakery works: its shifts, changeover targets, quality thresholds and first orders."""

from collections.abc import Mapping
from datetime import datetime, time
from decimal import Decimal

from ms5.accounts.models import User
from production import starting
from production.actions import job_queue
from production.choices import Metric, StepKind
from production.models import (
    Break,
    ChangeoverTarget,
    Job,
    Line,
    Product,
    QualityThreshold,
    Shift,
    Site,
    StepPlan,
)

# Name, the days on which it begins, beginning, end, its break. The bakery rests from Saturday to Sunday, 22:00.
SHIFTS = (
    ("Early", "123456", time(6), time(14), (time(9, 30), time(10))),
    ("Late", "123456", time(14), time(22), (time(17, 30), time(18))),
    ("Night", "123457", time(22), time(6), (time(1, 30), time(2))),
)
# From, to (None is any), minutes.
TARGETS = ((None, None, "8"), ("P500", "P750", "6"), ("P750", "P500", "6"))
STEPS = (
    ("Fetch bags and labels", StepKind.EXTERNAL, "3"),
    ("Clear the lane", StepKind.INTERNAL, "1"),
    ("Change the wicket", StepKind.INTERNAL, "2"),
    ("Set guides and speed", StepKind.INTERNAL, "2"),
    ("Test pieces", StepKind.INTERNAL, "1"),
)
# Line, minutes, then shares: warning, clears, critical, clears.
REJECTS = (
    ("L-BAG1", 30, 0.04, 0.03, 0.08, 0.06),
    ("L-PACK2", 30, 0.04, 0.03, 0.08, 0.06),
)
# Line, number, product, good pieces wanted.
JOBS = (
    ("L-BAG1", "B-1001", "P750", 12_000),
    ("L-BAG1", "B-1002", "P500", 20_000),
    ("L-BAG1", "B-1003", "SPEC", 4_000),
    ("L-PACK2", "C-1001", "P500", 1_500),
)


def load_rules(site: Site, lines: Mapping[str, Line]) -> None:
    """Make what is missing. What people edited stays: what has any rows gets no more."""
    starting.load()
    _shifts(site)
    _targets()
    _thresholds(lines)


def plan_jobs(actor: User, now: datetime) -> None:
    """Plan the first jobs, where there has never been one."""
    if Job.objects.exists():
        return
    for line, number, product, target in JOBS:
        job_queue.plan(
            Line.objects.get(code=line),
            actor=actor,
            at=now,
            number=number,
            product=Product.objects.get(code=product),
            target=target,
        )


def _shifts(site: Site) -> None:
    if site.shifts.exists():
        return
    for name, weekdays, starts, ends, pause in SHIFTS:
        shift = Shift.objects.create(
            site=site, name=name, weekdays=weekdays, starts=starts, ends=ends
        )
        Break.objects.create(shift=shift, starts=pause[0], ends=pause[1])


def _targets() -> None:
    if ChangeoverTarget.objects.exists():
        return
    products = {product.code: product for product in Product.objects.all()}
    for before, after, minutes in TARGETS:
        target = ChangeoverTarget.objects.create(
            from_product=products.get(before or ""),
            to_product=products.get(after or ""),
            minutes=Decimal(minutes),
        )
        StepPlan.objects.bulk_create(
            StepPlan(
                target=target, position=position, name=name, kind=kind, minutes=Decimal(lasts)
            )
            for position, (name, kind, lasts) in enumerate(STEPS, 1)
        )


def _thresholds(lines: Mapping[str, Line]) -> None:
    if QualityThreshold.objects.exists():
        return
    for line, minutes, warning, warning_clears, critical, critical_clears in REJECTS:
        QualityThreshold.objects.create(
            name="Rejects",
            metric=Metric.REJECT_RATE,
            line=lines[line],
            window_size=minutes,
            least_items=100,
            warning=warning,
            warning_clears=warning_clears,
            critical=critical,
            critical_clears=critical_clears,
        )

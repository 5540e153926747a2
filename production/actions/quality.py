"""Quality checks, and the alerts that a threshold's figure opens, worsens and clears."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from ms5.accounts import audit
from ms5.accounts.models import User
from ms5.events.log import append, recording
from ms5.events.retry import retried
from production.choices import AlertSeverity, CheckResult, JobStatus
from production.models import (
    CheckDefect,
    Context,
    Defect,
    Equipment,
    Job,
    Line,
    Product,
    QualityAlert,
    QualityCheck,
    QualityThreshold,
)
from production.public.quality import alert_of
from production.refusals import ActionRefused
from production.thresholds import Level, judge
from production.yields import Figure, figure, values

LEVELS: Mapping[str, Level] = {
    AlertSeverity.WARNING: Level.WARNING,
    AlertSeverity.CRITICAL: Level.CRITICAL,
}
SEVERITIES: Mapping[Level, AlertSeverity] = {
    Level.WARNING: AlertSeverity.WARNING,
    Level.CRITICAL: AlertSeverity.CRITICAL,
}


@retried
def check(
    line: Line,
    *,
    kind: str,
    checked: int,
    failed: int,
    defects: Mapping[Defect, int],
    actor: User,
    at: datetime,
    now: datetime,
    equipment: Equipment | None = None,
    product: Product | None = None,
    job: Job | None = None,
    conditional: bool = False,
    note: str = "",
) -> QualityCheck:
    """Write down a check and return it: it failed if an item did, unless it was let pass on a condition.

    Without a job it is of the one that runs, without a product of the job's, else of what the equipment (the
    line's constraint) makes now. An item may have several defects, and a defect need not fail it.

    Raises ActionRefused for numbers that cannot be, the future, a defect no longer used, and for an equipment
    or a job of another line. Not idempotent by itself.
    """
    _demand_possible(checked, failed, defects)
    if at > now:
        raise ActionRefused("in_future", "That time has not come yet.")
    for part in (equipment, job):
        if part is not None and part.line_id != line.pk:
            raise ActionRefused("other_line", f"{part} is of another line than {line}.")
    with recording():
        job = job or line.jobs.filter(status=JobStatus.RUNNING).first()
        result = CheckResult.FAIL if failed else CheckResult.PASS
        row = QualityCheck.objects.create(
            line=line,
            equipment=equipment,
            product=product or (job.product if job else made_now(line, equipment)),
            job=job,
            kind=kind,
            result=CheckResult.CONDITIONAL if conditional else result,
            checked=checked,
            failed=failed,
            at=at,
            by=actor,
            note=note,
        )
        CheckDefect.objects.bulk_create(
            CheckDefect(check_row=row, defect=defect, quantity=quantity)
            for defect, quantity in defects.items()
        )
        said = {defect.code: quantity for defect, quantity in defects.items()}
        audit.record(
            actor,
            "qualitycheck.add",
            row,
            after=audit.public_fields(row) | {"defects": said},
            line_id=line.code,
        )
    return row


def _demand_possible(checked: int, failed: int, defects: Mapping[Defect, int]) -> None:
    if checked < 1 or not 0 <= failed <= checked:
        raise ActionRefused("impossible", "No more items can fail than were checked.")
    for defect, quantity in defects.items():
        if not 0 < quantity <= checked:
            raise ActionRefused(
                "impossible", "No more items can have a defect than were checked."
            )
        if not defect.is_active:
            raise ActionRefused("not_used", f"{defect.name} is no longer used.")


def made_now(line: Line, equipment: Equipment | None) -> Product | None:
    """Return the product that the equipment is set to, without one that of the line's constraint."""
    contexts = Context.objects.select_related("product")
    if equipment is not None:
        context = contexts.filter(pk=equipment.pk).first()
    else:
        context = contexts.filter(equipment__line=line, equipment__is_constraint=True).first()
    return context.product if context else None


def need_watch(thresholds: Sequence[QualityThreshold], now: datetime) -> list[QualityThreshold]:
    """Return those whose alert would open, change or clear, as far as can be seen without their locks.

    The queries are as many for any number of thresholds.
    """
    alerts = {
        row.threshold_id: row
        for row in QualityAlert.objects.filter(
            threshold__in=[each.pk for each in thresholds], cleared_at__isnull=True
        ).order_by("pk")
    }
    active = [each for each in thresholds if each.is_active]
    moved = [each for each in thresholds if not each.is_active and each.pk in alerts]
    for threshold, value in zip(active, values(active, now), strict=True):
        before = _level(alerts.get(threshold.pk))
        if judge(before, value, threshold.limits) is not before:
            moved.append(threshold)
    return sorted(moved, key=lambda each: (each.line_id, each.pk))


@retried
def watch(threshold_id: int, now: datetime) -> int:
    """Let the alert of a threshold follow its figure; return 1 if it opened, changed or cleared, else 0.

    Idempotent: of two at once the second finds the level as the first has left it, and a `now` that is not
    later than the last change changes nothing. A threshold that is not in use clears its alert.
    """
    with recording():
        threshold = (
            QualityThreshold.objects.select_for_update(of=("self",))
            .select_related("line", "equipment", "defect", "product")
            .filter(pk=threshold_id)
            .first()
        )
        if threshold is None:
            return 0
        newest = threshold.alerts.order_by("-pk").first()
        if newest is not None and now <= newest.window_to:
            return 0
        alert = newest if newest is not None and newest.cleared_at is None else None
        before = _level(alert)
        seen = figure(threshold, now)
        after = judge(before, seen.value, threshold.limits)
        if not threshold.is_active:
            # Its figure clears nothing, so it is not told as if it had.
            seen = replace(seen, value=None, why="the threshold is not in use")
            after = Level.NORMAL
        if after is before:
            return 0
        alert = alert or _opened(threshold, now)
        _take(alert, threshold, seen, after)
        alert.save()
        equipment = threshold.equipment
        append(
            "quality_alert",
            alert_of(alert),
            occurred_at=now,
            line_id=threshold.line.code,
            equipment_code=equipment.code if equipment else None,
        )
    return 1


def _level(alert: QualityAlert | None) -> Level:
    return LEVELS[alert.severity] if alert else Level.NORMAL


def _opened(threshold: QualityThreshold, now: datetime) -> QualityAlert:
    line = threshold.line
    return QualityAlert(
        threshold=threshold,
        line=line,
        product=threshold.product or made_now(line, threshold.equipment),
        job=line.jobs.filter(status=JobStatus.RUNNING).first(),
        opened_at=now,
    )


def _take(alert: QualityAlert, threshold: QualityThreshold, seen: Figure, after: Level) -> None:
    """Take over the figure, and the level that it gave; a cleared alert keeps the severity it had."""
    if after is Level.NORMAL:
        alert.cleared_at = seen.to
    else:
        alert.severity = SEVERITIES[after]
        limit = threshold.limits.limit(after)
        alert.limit, alert.clears_at = limit.opens, limit.clears
    alert.value = seen.value
    alert.why = seen.why
    alert.window_from, alert.window_to, alert.items = seen.started_at, seen.to, seen.items
    alert.breakdown = [
        {"reason_code": reason.code, "reason": reason.name, "count": reason.count}
        for reason in seen.reasons
    ]
    alert.others = seen.others

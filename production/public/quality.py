"""The public form of quality alerts."""

from collections.abc import Collection
from typing import Literal, cast

from ms5.events import facts
from ms5.events.items import Item
from production.models import Line, QualityAlert

# As `QualityAlert` declares them; `append()` checks the values.
Metric = Literal["reject_rate", "first_pass_yield", "defect"]
Severity = Literal["warning", "critical"]
Window = Literal["time", "items"]


def alert_of(alert: QualityAlert) -> facts.QualityAlert:
    """Return an alert, open or cleared."""
    threshold = alert.threshold
    return facts.QualityAlert(
        id=alert.pk,
        status="cleared" if alert.cleared_at else "open",
        severity=cast(Severity, alert.severity),
        metric=cast(Metric, threshold.metric),
        defect_code=threshold.defect.code if threshold.defect else None,
        value=alert.value,
        why=alert.why or None,
        threshold=alert.limit,
        clears_at=alert.clears_at,
        equipment_code=threshold.equipment.code if threshold.equipment else None,
        product_code=alert.product.code if alert.product else None,
        product=alert.product.name if alert.product else None,
        job_id=alert.job_id,
        opened_at=alert.opened_at,
        cleared_at=alert.cleared_at,
        window=facts.QualityWindow(
            kind=cast(Window, threshold.window_kind),
            started_at=alert.window_from,
            to=alert.window_to,
            items=alert.items,
        ),
        breakdown=[facts.Rejects(**reason) for reason in alert.breakdown],
        others=alert.others,
        andon_id=None,
    )


def open_items(lines: Collection[Line]) -> list[Item]:
    """Return those that are open on the lines, oldest first."""
    alerts = (
        QualityAlert.objects.filter(line__in=lines, cleared_at__isnull=True)
        .select_related("line", "threshold__defect", "threshold__equipment", "product")
        .order_by("opened_at", "pk")
    )
    return [
        Item(
            type="quality_alert",
            line_id=alert.line.code,
            equipment_code=alert.threshold.equipment.code
            if alert.threshold.equipment
            else None,
            data=alert_of(alert),
        )
        for alert in alerts
    ]

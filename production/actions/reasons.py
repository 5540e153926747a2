"""What follows when a reason is edited: time that was put down to it may lie in another bucket."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db.models import Min, QuerySet

from ms5.events.log import recording
from production.actions.lines import locked
from production.models import Condition, Downtime, Reason
from production.oee import Bucket
from production.settling import unsettle
from production.timelines import bucket_of


@contextmanager
def followed(edited: "QuerySet[Reason]") -> Iterator[None]:
    """Edit these reasons in the block; what is settled of time that lies in another bucket then is taken back.

    All equipment is locked first, since a reason may be given to any while it is edited. A category changes
    nothing that is settled.
    """
    with recording():
        locked(Condition.objects.values_list("pk", flat=True))
        before = _buckets(edited)
        yield
        after = _buckets(Reason.objects.filter(pk__in=before))
        moved = [pk for pk, bucket in after.items() if bucket is not before[pk]]
        explained = Downtime.objects.filter(reason__in=moved).order_by()
        for equipment_id, since in explained.values_list("equipment").annotate(
            Min("started_at")
        ):
            unsettle([equipment_id], since)


def _buckets(reasons: "QuerySet[Reason]") -> dict[int, Bucket]:
    rows = reasons.order_by().values_list("pk", "loss", "six_loss")
    return {pk: bucket_of(loss, six_loss) for pk, loss, six_loss in rows}

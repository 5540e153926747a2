"""The thresholds of equipment, as they are set and as they were, in a fixed number of queries."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from production.models import Equipment, IdealCycle, PastThreshold
from production.stop_limits import Limits, Past, Version
from production.timeline import Stretch


def limits_of(equipment: Iterable[Equipment]) -> dict[int, Limits]:
    """Return by equipment how long its stops may last as micro-stops. Two queries."""
    present = {each.pk: each.stop_after_s for each in equipment}
    versions = _versions(present)
    past = _past(present)
    return {
        pk: Limits(seconds, versions.get(pk, ()), past.get(pk, ()))
        for pk, seconds in present.items()
    }


def _versions(equipment_ids: Collection[int]) -> Mapping[int, list[Version]]:
    """Return the thresholds of products, in order of time, of the equipment that has any."""
    has_any = IdealCycle.objects.filter(equipment__in=equipment_ids, stop_after_s__isnull=False)
    rows = IdealCycle.objects.filter(equipment__in=has_any.values("equipment"))
    found: dict[int, list[Version]] = defaultdict(list)
    for pk, product, since, seconds in rows.order_by("effective_from").values_list(
        "equipment", "product", "effective_from", "stop_after_s"
    ):
        found[pk].append(Version(product, since, seconds))
    return found


def _past(equipment_ids: Collection[int]) -> Mapping[int, list[Past]]:
    rows = PastThreshold.objects.filter(equipment__in=equipment_ids)
    found: dict[int, list[Past]] = defaultdict(list)
    for pk, product, since, until, seconds in rows.values_list(
        "equipment", "product", "since", "until", "stop_after_s"
    ):
        found[pk].append(Past(product, Stretch(seconds, since, until)))
    return found

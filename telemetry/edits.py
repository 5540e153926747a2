"""What the boards were told last of each PLC of a shard, and what they are told when it was edited."""

import logging
from dataclasses import replace
from datetime import datetime

from django.db.models import Q

from production.actions import lose
from production.choices import State
from production.isolation import each_alone
from production.models import Condition, Counter, Equipment, Fault
from telemetry import status
from telemetry.models import Tag
from telemetry.wiring import WiredPlc, Wiring

log = logging.getLogger(__name__)


class Told:
    """The PLCs of a shard as the boards know them. Used by one thread at a time."""

    def __init__(self) -> None:
        self._told: dict[int, WiredPlc] = {}

    def follow(self, wiring: Wiring, now: datetime) -> list[Exception]:
        """Tell the boards of each PLC what has changed since they were told last; return what failed."""
        before = dict(self._told)
        present = {**wiring.plcs, **wiring.disabled}
        new = {plc.code: plc for key, plc in present.items() if key not in before}
        # Another worker told of them, or this one before it was started again.
        for code, serves in (status.told_on(new) if new else {}).items():
            before[new[code].id] = replace(new[code], serves=serves)
        at_home = {each.id for plc in wiring.plcs.values() for each in plc.homes}
        homeless = {
            key: [each.id for each in plc.homes if each.id not in at_home]
            for key, plc in before.items()
            if key not in wiring.plcs
        }
        gone = status.deleted(homeless.keys() - wiring.disabled.keys())

        def say(key: int) -> int:
            plc, old = present.get(key), before.get(key)
            if plc is None:
                if key in gone:
                    status.removed(before[key], homeless[key], now)
                self._told.pop(key, None)
                return 0
            if key in wiring.disabled:
                status.disabled(plc, homeless.get(key, []), now)
            if old is not None and _shown(old) != _shown(plc):
                status.described(plc, now, before=old)
            self._told[key] = plc
            return 0

        _, failed = each_alone(
            [*present, *(before.keys() - present.keys())],
            say,
            lambda key: {"plc": (present.get(key) or before[key]).code},
            log,
            "what was edited could not be told",
        )
        _, unlost = each_alone(
            _untold(),
            lambda pk: lose([pk], "No tag tells of it any more.", now, for_good=True),
            lambda pk: {"equipment": pk},
            log,
            "what no tag tells of any more could not be ended",
        )
        return [*failed, *unlost]


def _shown(plc: WiredPlc) -> tuple[object, ...]:
    """What of a PLC the boards that know its link are told of."""
    return plc.name, plc.protocol, plc.serves, plc.quarantine


def _untold() -> list[int]:
    """The equipment of which something is known, a fault is open or a counter stands, without a tag that tells.

    Those of a disabled PLC are left: it may be enabled again.
    """
    told_of = Tag.objects.playing_a_role().values("equipment")
    known = Condition.objects.exclude(state=State.NO_DATA).values("equipment")
    faulty = Fault.objects.filter(cleared_at=None).values("equipment")
    counting = Counter.objects.values("equipment")
    left = Q(pk__in=known) | Q(pk__in=faulty) | Q(pk__in=counting)
    found = Equipment.objects.exclude(pk__in=told_of).filter(left)
    return list(found.values_list("pk", flat=True))

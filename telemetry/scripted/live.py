"""A script played by simulated controllers while the polls and processors run: prepared, watched, measured."""

import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from datetime import time as clock_time
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.utils import timezone

from ms5.accounts.models import User
from production.models import (
    Break,
    Condition,
    Equipment,
    IdealCycle,
    Line,
    Product,
    Shift,
)
from telemetry.backoff import back_off_s
from telemetry.models import Plc
from telemetry.scripted.comparing import Allowance, Row, compare
from telemetry.scripted.expected import LOSSES
from telemetry.scripted.key import key
from telemetry.scripted.measuring import measure
from telemetry.scripted.people import Deed, deeds
from telemetry.scripted.script import Script
from telemetry.simulator.bakery_tags import BAG, LOAD

LINE = "L-BAG1"
FIRST_READING_WITHIN_S = 60
BEFORE_S, AFTER_S = 3, 5
"""From the preparation to the first second, and from the last one to the measuring."""
LOOK_EVERY_S = 0.05
SIMULATOR_TICK_S = 0.1
"""The simulated controllers change ten times a second."""


class NothingRead(RuntimeError):
    """The polls have not read the line's controllers in time."""


class TooSlow(RuntimeError):
    """The polls did not keep their period, so that nothing can be said of a change within it."""


class DoorRefused(RuntimeError):
    """The simulator did not do what it was told."""


@dataclass(slots=True)
class Watch:
    """The moments at which both machines had been read, as seen from outside."""

    last: dict[int, datetime]
    longest: timedelta = timedelta()

    def look(self) -> None:
        """Take over what was read since; a reading of no state (a lost controller) is no late one."""
        conditions = Condition.objects.filter(pk__in=self.last).select_related("equipment")
        for condition in conditions:
            read_at = condition.state_read_at
            before = self.last[condition.pk]
            if read_at is None or read_at <= before:
                continue
            passed = read_at - before
            if passed.total_seconds() <= condition.equipment.no_data_after_s:
                self.longest = max(self.longest, passed)
            self.last[condition.pk] = read_at


def play(
    script: Script, door_port: int, actor: User, say: Callable[[str], None]
) -> Sequence[Row]:
    """Prepare the plant, let the script run, and return what was to be beside what was measured.

    What is allowed is worked out before, from the periods at which the controllers are polled. Raises
    NothingRead and DoorRefused, and TooSlow when the polls did not keep them: then nothing is known.
    """
    line = Line.objects.select_related("area__site").get(code=LINE)
    machines = list(Equipment.objects.filter(code__in=(BAG, LOAD)).order_by("pk"))
    _wait_for_readings(machines)
    began_at = timezone.now().replace(microsecond=0) + timedelta(seconds=BEFORE_S)
    apart, allowed = _apart(machines), allowance(script, machines)
    say(
        f"Polled so that readings are at most {apart.total_seconds():.2f} s apart; a change may be seen"
        f" {allowed.late.total_seconds():.2f} s late, after a loss {allowed.return_late.total_seconds():.2f} s."
    )
    rules(script, line, machines, began_at)
    due = deeds(script, line, began_at, actor)
    _sleep_until(began_at)
    if (answer := _tell(door_port, "play")) != "ok":
        raise DoorRefused(f"the simulator's door says: {answer}")
    say(f"The script runs for {script.seconds} s.")
    watch = Watch({machine.pk: timezone.now() for machine in machines})
    _watch(script, began_at, due, watch)
    say(f"Both machines were read at most {watch.longest.total_seconds():.2f} s apart.")
    if watch.longest > apart:
        raise TooSlow(
            f"the polls kept {watch.longest.total_seconds():.2f} s and not {apart.total_seconds():.2f} s"
        )
    found = measure(script, began_at, timezone.now())
    return compare(script, key(script, LOSSES), found, allowed)


def _apart(machines: Sequence[Equipment]) -> timedelta:
    """Return how far apart two readings of these machines may be while their polls keep their periods.

    A poll begins once a period, and its answer comes at some time within the timeout of an exchange.
    """
    plcs = Plc.objects.filter(tags__equipment__in=machines).distinct()
    return max(timedelta(seconds=plc.poll_period_s + plc.timeout_s) for plc in plcs)


def allowance(script: Script, machines: Sequence[Equipment]) -> Allowance:
    """Return how late a change may be seen: by the next reading, of a controller that ticks as well."""
    late = _apart(machines) + timedelta(seconds=SIMULATOR_TICK_S)
    return Allowance(late=late, return_late=late + timedelta(seconds=_return_s(script)))


def _wait_for_readings(machines: Sequence[Equipment]) -> None:
    deadline = time.monotonic() + FIRST_READING_WITHIN_S
    while time.monotonic() < deadline:
        read = Condition.objects.filter(equipment__in=machines, state_read_at__isnull=False)
        if read.count() == len(machines):
            return
        time.sleep(LOOK_EVERY_S)
    raise NothingRead(f"no state of the line's machines within {FIRST_READING_WITHIN_S} s")


def rules(
    script: Script, line: Line, machines: Sequence[Equipment], began_at: datetime
) -> None:
    """Set the thresholds that the script's short stops are measured by, and its break."""
    for machine in machines:
        machine.stop_after_s = script.stop_after
        machine.slow_after_s = min(machine.slow_after_s, script.stop_after)
        machine.save(update_fields=["stop_after_s", "slow_after_s"])
    line.changeover_good_needed = script.good_needed
    line.save(update_fields=["changeover_good_needed"])
    bagger = next(machine for machine in machines if machine.code == BAG)
    for number, seconds in script.cycle.items():
        cycles = IdealCycle.objects.filter(
            equipment=bagger, product=Product.objects.get(plc_number=number)
        )
        cycles.update(seconds=Decimal(seconds))
    site = line.area.site
    wall = ZoneInfo(site.time_zone)
    start, end = (began_at + timedelta(seconds=second) for second in script.pause)
    shift = Shift.objects.create(
        site=site,
        line=line,
        name="Script",
        starts=_clock(began_at - timedelta(hours=1), wall),
        ends=_clock(began_at + timedelta(hours=2), wall),
    )
    Break.objects.create(shift=shift, starts=_clock(start, wall), ends=_clock(end, wall))


def _clock(moment: datetime, wall: ZoneInfo) -> clock_time:
    return moment.astimezone(wall).time()


def _watch(script: Script, began_at: datetime, due: list[Deed], watch: Watch) -> None:
    ends_at = began_at + timedelta(seconds=script.seconds + AFTER_S)
    waiting = list(due)
    while (now := timezone.now()) < ends_at:
        watch.look()
        if waiting and began_at + timedelta(seconds=waiting[0].second) <= now:
            waiting.pop(0).act(now)
        time.sleep(LOOK_EVERY_S)


def _return_s(script: Script) -> float:
    """Return how long after its return the poll may leave a lost controller alone.

    Its tries are 1, 2, 4... seconds apart, each up to a quarter longer; the last one failed before it
    returned.
    """
    lost_s = max((act.seconds for act in script.bagger.acts if act.lost), default=0)
    passed, failures = 0.0, 1
    while (passed := passed + back_off_s(failures, 0.0)) < lost_s:
        failures += 1
    return back_off_s(failures, 1.0) if lost_s else 0.0


def _tell(port: int, command: str) -> str:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as door:
        door.sendall(f"{command}\n".encode())
        return door.makefile().readline().strip()


def _sleep_until(moment: datetime) -> None:
    time.sleep(max(0.0, (moment - timezone.now()).total_seconds()))

"""The machines of the packing line: a checkweigher, and the case packer behind it."""

import enum
import random
from dataclasses import dataclass

PACKS_PER_MINUTE = 84.0
PACKS_PER_CASE = 12
CASES_PER_MINUTE = 8.0
REJECT_SHARE = 0.015

NO_CASES, FLAP_JAM, GLUE_COLD, DOOR_OPEN = 0, 1, 2, 3


class WeigherState(enum.IntEnum):
    """The checkweigher's own state word."""

    STOPPED = 0
    RUNNING = 1
    FAULTED = 2
    STARVED = 3


class PackML(enum.IntEnum):
    """The case packer's state word: the PackML states it uses (ISA TR88.00.02 numbering)."""

    SUSPENDED = 5
    EXECUTE = 6
    ABORTED = 9
    HELD = 11
    RESETTING = 15


@dataclass(slots=True)
class Checkweigher:
    """Weighs every pack and rejects the light ones; its PLC drops off the network at times."""

    rng: random.Random
    state: WeigherState = WeigherState.RUNNING
    speed: float = 0.0
    total: int = 0
    rejects: int = 0
    left_s: float = 0.0
    to_trouble_s: float = 90.0
    to_loss_s: float = 400.0
    lost_s: float = 0.0
    part: float = 0.0

    @property
    def offline(self) -> bool:
        return self.lost_s > 0

    def step(self, dt_s: float) -> int:
        """Good packs that leave for the case packer in this time."""
        self.lost_s = max(0.0, self.lost_s - dt_s)
        self.to_loss_s -= dt_s
        if self.to_loss_s <= 0:
            self.to_loss_s = self.rng.uniform(360, 600)
            self.lost_s = 20.0
        if self.state is WeigherState.RUNNING:
            self._plan_trouble(dt_s)
        else:
            self.left_s -= dt_s
            if self.left_s <= 0:
                self.state = WeigherState.RUNNING
        running = self.state is WeigherState.RUNNING
        aim = PACKS_PER_MINUTE if running else 0.0
        self.speed += (aim - self.speed) * min(1.0, dt_s / (2.0 if running else 0.4))
        self.part += self.speed / 60 * dt_s if running else 0.0
        made, self.part = int(self.part), self.part % 1
        rejected = sum(self.rng.random() < REJECT_SHARE for _ in range(made))
        self.total += made
        self.rejects += rejected
        return made - rejected

    def _plan_trouble(self, dt_s: float) -> None:
        self.to_trouble_s -= dt_s
        if self.to_trouble_s > 0:
            return
        self.to_trouble_s = 60 + self.rng.expovariate(1 / 200)
        kinds = [WeigherState.STARVED, WeigherState.FAULTED, WeigherState.STOPPED]
        self.state = self.rng.choices(kinds, [6, 3, 1])[0]
        self.left_s = self.rng.uniform(10, 45)


@dataclass(slots=True)
class CasePacker:
    """Packs twelve into a case; suspended without packs, held without cases, aborted by a jam."""

    rng: random.Random
    state: PackML = PackML.EXECUTE
    speed: float = 0.0
    count: int = 0
    waiting: int = 24
    alarms: int = 0
    left_s: float = 0.0
    to_trouble_s: float = 150.0
    held: bool = False
    part: float = 0.0

    def step(self, dt_s: float, arriving: int) -> None:
        # The table before the packer holds so many; what comes on top is led away by hand.
        self.waiting = min(self.waiting + arriving, 240)
        match self.state:
            case PackML.EXECUTE:
                self._execute(dt_s)
            case PackML.SUSPENDED:
                if self.waiting >= 2 * PACKS_PER_CASE:
                    self.state = PackML.EXECUTE
            case _:
                self._recover(dt_s)
        running = self.state is PackML.EXECUTE
        aim = CASES_PER_MINUTE if running else 0.0
        self.speed += (aim - self.speed) * min(1.0, dt_s / (2.0 if running else 0.4))

    def start_trouble(self, alarm: int) -> None:
        held = alarm in {NO_CASES, DOOR_OPEN}
        self.state = PackML.HELD if held else PackML.ABORTED
        self.alarms = 1 << alarm
        self.left_s = self.rng.uniform(20, 60)

    def _execute(self, dt_s: float) -> None:
        self.to_trouble_s -= dt_s
        self.part += self.speed / 60 * dt_s
        while self.part >= 1 and self.waiting >= PACKS_PER_CASE:
            self.part -= 1
            self.waiting -= PACKS_PER_CASE
            self.count += 1
        if self.waiting < PACKS_PER_CASE:
            self.state, self.part = PackML.SUSPENDED, 0.0
        elif self.to_trouble_s <= 0:
            self.to_trouble_s = 90 + self.rng.expovariate(1 / 300)
            alarms = [NO_CASES, FLAP_JAM, GLUE_COLD, DOOR_OPEN]
            self.start_trouble(self.rng.choices(alarms, [4, 4, 1, 2])[0])

    def _recover(self, dt_s: float) -> None:
        if self.held and self.alarms:
            return
        self.left_s -= dt_s
        if self.left_s > 0:
            return
        if self.state is PackML.RESETTING:
            self.state = PackML.EXECUTE
        else:
            self.state, self.alarms, self.left_s = PackML.RESETTING, 0, 3.0

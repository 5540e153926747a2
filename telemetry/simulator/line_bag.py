"""The machines of the bagging line: a bagger with its slicer, and the basket loader behind it."""

import random
from dataclasses import dataclass, field

SPEEDS_PER_MINUTE = {1: 100.0, 2: 80.0, 3: 60.0}
COUNTER_MODULUS = 1_000_000
LOADER_MODULUS = 1 << 15
"""An SLC counts in words of sixteen bits, of which one is the sign."""
REJECT_SHARE = 0.02
LANE_LOAVES = 60

LOW_AIR, GUARD_OPEN, BROKEN_BLADE, METAL, LOADER_HOLDS = 7, 12, 31, 34, 35
DOUBLE_LOAF, NO_INFLATION, TORQUE, OVERTRAVEL, SCOOP = 36, 39, 42, 44, 49
CLOSE_GUARD, OK_TO_RESET, OK_TO_START, OK_TO_START_SLICER = 22, 29, 57, 58
WICKET_CHANGE, BATCH_COMPLETE, MACHINE_RUNNING = 38, 47, 59

WICKET_EVERY_BAGS = 500
BATCH_EVERY_BAGS = 250


@dataclass(frozen=True, slots=True)
class Jam:
    """A fault the bagger may have: its bit, what it asks of the operator, how often, how long."""

    bit: int
    prompt: int | None
    weight: int
    least_s: float
    most_s: float


JAMS = (
    Jam(DOUBLE_LOAF, CLOSE_GUARD, 6, 20, 45),
    Jam(SCOOP, CLOSE_GUARD, 3, 25, 70),
    Jam(OVERTRAVEL, CLOSE_GUARD, 2, 20, 50),
    Jam(TORQUE, None, 2, 20, 60),
    Jam(NO_INFLATION, None, 2, 20, 40),
    Jam(GUARD_OPEN, CLOSE_GUARD, 2, 20, 30),
    Jam(METAL, None, 1, 30, 60),
    Jam(LOW_AIR, None, 1, 20, 90),
    Jam(BROKEN_BLADE, CLOSE_GUARD, 1, 60, 90),
)


@dataclass(slots=True)
class Bagger:
    """Slices and bags loaves; jams now and then, and waits for the operator afterwards."""

    rng: random.Random
    product: int = 1
    speed: float = 0.0
    total: int = 0
    rejects: int = 0
    phase: str = "running"
    left_s: float = 0.0
    jam: Jam | None = None
    held: bool = False
    to_jam_s: float = 120.0
    to_product_s: float = 2700.0
    since_batch_s: float = 60.0
    part: float = 0.0

    def step(self, dt_s: float, lane: int) -> int:
        """Good loaves that leave for the loader in this time; `lane` are those before it."""
        if self.phase == "running":
            self._plan_trouble(dt_s, lane)
        else:
            self._recover(dt_s, lane)
        running = self.phase == "running"
        aim = SPEEDS_PER_MINUTE[self.product] if running else 0.0
        self.speed += (aim - self.speed) * min(1.0, dt_s / (3.0 if running else 0.4))
        self.since_batch_s += dt_s
        return self._make(dt_s) if running else 0

    def start_jam(self, jam: Jam) -> None:
        self.phase, self.jam = "jammed", jam
        self.left_s = self.rng.uniform(jam.least_s, jam.most_s)

    def shown_speed(self) -> float:
        """Bags a minute as the machine shows it: with its jitter, and zero when it stands."""
        if self.speed < 1:
            return 0.0
        return max(0.0, round(self.speed + self.rng.gauss(0, 0.4), 2))

    def bits(self) -> list[bool]:
        """The 64 message bits."""
        on = set()
        if self.phase == "running":
            on.add(MACHINE_RUNNING)
        if self.since_batch_s < 5:
            on.add(BATCH_COMPLETE)
        match self.phase:
            case "jammed" if self.jam is not None:
                on.add(self.jam.bit)
                if self.jam.prompt is not None:
                    on.add(self.jam.prompt)
            case "reset":
                on.add(OK_TO_RESET)
            case "start":
                on.add(OK_TO_START)
            case "wicket":
                on.add(WICKET_CHANGE)
            case "blocked":
                on.add(LOADER_HOLDS)
            case "setup" if self.left_s < 20:
                on.add(OK_TO_START_SLICER)
            case _:
                pass
        return [bit in on for bit in range(64)]

    def _plan_trouble(self, dt_s: float, lane: int) -> None:
        self.to_jam_s -= dt_s
        self.to_product_s -= dt_s
        if lane >= LANE_LOAVES:
            self.phase = "blocked"
        elif self.to_jam_s <= 0:
            self.to_jam_s = 45 + self.rng.expovariate(1 / 240)
            self.start_jam(self.rng.choices(JAMS, [jam.weight for jam in JAMS])[0])
        elif self.to_product_s <= 0:
            self.to_product_s = self.rng.uniform(2400, 4200)
            self.phase, self.left_s = "setup", self.rng.uniform(120, 240)
            self.product = self.product % len(SPEEDS_PER_MINUTE) + 1

    def _recover(self, dt_s: float, lane: int) -> None:
        """Jammed, then ready to reset, then ready to start, then running."""
        if self.phase == "blocked":
            if lane <= LANE_LOAVES // 2:
                self.phase = "running"
            return
        if self.held and self.phase == "jammed":
            return
        self.left_s -= dt_s
        if self.left_s > 0:
            return
        following = {"jammed": ("reset", 3.0), "reset": ("start", 4.0)}
        self.phase, self.left_s = following.get(self.phase, ("running", 0.0))

    def _make(self, dt_s: float) -> int:
        self.part += self.speed / 60 * dt_s
        made, self.part = int(self.part), self.part % 1
        good = 0
        for _ in range(made):
            self.total += 1
            if self.rng.random() < REJECT_SHARE:
                self.rejects += 1
            else:
                good += 1
            if self.total % BATCH_EVERY_BAGS == 0:
                self.since_batch_s = 0.0
            if self.total % WICKET_EVERY_BAGS == 0:
                self.phase, self.left_s = "wicket", self.rng.uniform(6, 10)
        return good


@dataclass(slots=True)
class Loader:
    """Loads loaves into baskets: starved when none come, blocked when no basket leaves."""

    rng: random.Random
    lane: int = 10
    count: int = 0
    speed: float = 0.0
    starved_s: float = 0.0
    blocked_s: float = 0.0
    to_block_s: float = 200.0
    part: float = field(default=0.0)

    @property
    def blocked(self) -> bool:
        return self.blocked_s > 0

    @property
    def starved(self) -> bool:
        """No loaf for two seconds; the gaps between loaves are no starvation."""
        return not self.blocked and self.starved_s >= 2

    @property
    def running(self) -> bool:
        return not self.blocked and not self.starved

    def step(self, dt_s: float, arriving: int) -> None:
        self.lane += arriving
        self.blocked_s = max(0.0, self.blocked_s - dt_s)
        self.to_block_s -= dt_s
        if self.to_block_s <= 0:
            self.to_block_s = 120 + self.rng.expovariate(1 / 420)
            self.blocked_s = self.rng.uniform(15, 50)
        self.starved_s = 0.0 if self.lane else self.starved_s + dt_s
        aim = 0.0 if self.blocked or self.starved else 90.0 + min(self.lane, 30)
        self.speed += (aim - self.speed) * min(1.0, dt_s)
        if not self.blocked:
            self.part += self.speed / 60 * dt_s
            moved = min(int(self.part), self.lane)
            self.part = self.part % 1
            self.lane -= moved
            self.count += moved

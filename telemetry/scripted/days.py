"""The scripts: a whole early shift, and two that are short enough to be watched."""

from telemetry.scripted.script import Act, Order, Said, Script, Track
from telemetry.simulator.line_bag import (
    BROKEN_BLADE,
    CLOSE_GUARD,
    DOUBLE_LOAF,
    GUARD_OPEN,
    LOADER_HOLDS,
    OK_TO_START,
    SCOOP,
    WICKET_CHANGE,
)

RUN, FAULT, BLOCK, STOP, STARVE = "running", "faulted", "blocked", "stopped", "starved"


def _jam(seconds: int, bit: int = DOUBLE_LOAF, product: int = 1) -> Act:
    return Act(seconds, FAULT, bits=(bit, CLOSE_GUARD), product=product)


def _blocked(seconds: int) -> Act:
    return Act(seconds, BLOCK, bits=(LOADER_HOLDS,))


def _run(seconds: int, made: int, rejects: int = 0, product: int = 1) -> Act:
    return Act(seconds, RUN, made, rejects, product=product)


def _stands(seconds: int, product: int = 1, bits: tuple[int, ...] = ()) -> Act:
    return Act(seconds, STOP, product=product, bits=bits)


def _unseen(seconds: int, made: int, rejects: int) -> Act:
    return Act(seconds, RUN, made, rejects, lost=True)


STORM = (_jam(15, SCOOP), _run(45, 60, 2)) * 20

DAY = Script(
    name="day",
    bagger=Track((
        _run(3600, 5700, 60),
        _jam(45),
        _run(1755, 2925, 30),
        _jam(600, BROKEN_BLADE),
        _run(1200, 1900, 20),
        _blocked(120),  # exactly the threshold: still a micro-stop
        _run(1080, 1800, 12),
        _blocked(121),  # a second longer: a downtime
        _run(1079, 1700, 10),
        *STORM,
        _run(1920, 3040, 25),  # the last two minutes of it are in the break
        _stands(1740),  # and a minute longer than the break
        _run(2340, 3900, 33),
        _unseen(240, 380, 4),
        _run(960, 1500, 13),
        _stands(480, product=2, bits=(WICKET_CHANGE,)),
        _run(20, 16, 8, product=2),  # test pieces, every other one rejected
        _stands(100, product=2),
        _run(6, 7, product=2),  # test pieces, too few in a row
        _stands(54, product=2),
        _run(3540, 4720, 40, product=2),
        _stands(90, product=2),
        _run(3510, 4500, 30, product=2),
        _jam(60, GUARD_OPEN, product=2),  # two states, and one stop of 121 s
        _stands(61, product=2, bits=(OK_TO_START,)),
        _run(2879, 3800, 20, product=2),
    )),
    loader=Track((
        _run(5430, 8400),
        Act(570, STARVE),
        _run(1170, 1830),
        Act(150, BLOCK),
        _run(1050, 1700),
        Act(150, BLOCK),
        _run(4200, 6000),
        Act(1740, STARVE),
        _run(3540, 5500),
        Act(660, STARVE),
        _run(3540, 4700),
        Act(90, STARVE),
        _run(6510, 8200),
    )),
    pause=(12_600, 14_400),
    stop_after=120,
    good_needed=10,
    cycle={1: "0.6", 2: "0.75"},
    orders=(
        Order(number="DAY-1", product=1, target=30_000, starts=0, ends=18_000),
        Order(number="DAY-2", product=2, target=8_000, starts=18_060),
    ),
    reasons=(
        Said(of=5400, at=6300, reason="MECH_FAULT"),
        Said(of=8400, at=9000, reason="DOWNSTREAM_STOP"),
    ),
    bags_at_first=985_000,  # it turns over in the course of the day
)  # fmt: skip

BRIEF = Script(
    name="brief",
    bagger=Track((
        _run(16, 25, 2),
        _jam(4),
        _run(8, 12, 1),
        _jam(16, BROKEN_BLADE),
        _run(10, 15),
        _blocked(5),
        _run(6, 9, 1),
        *(_jam(3, SCOOP), _run(4, 6)) * 3,
        _stands(12),
        _run(10, 15, 1),
        _unseen(6, 8, 1),
        _run(11, 14),
        _stands(12, product=2, bits=(WICKET_CHANGE,)),
        _run(4, 4, 2, product=2),
        _stands(4, product=2),
        _run(20, 26, product=2),
        _stands(4, product=2),
        _run(12, 16, 2, product=2),
    )),
    loader=Track((
        _run(32, 40),
        Act(12, STARVE),
        _run(18, 22),
        Act(8, BLOCK),
        _run(111, 120),
    )),
    pause=(87, 97),
    stop_after=9,
    good_needed=10,
    cycle={1: "0.6", 2: "0.75"},
    orders=(
        Order(number="BRIEF-1", product=1, target=200, starts=0, ends=127),
        Order(number="BRIEF-2", product=2, target=20, starts=131),
    ),
    reasons=(Said(of=28, at=56, reason="MECH_FAULT"),),
    bags_at_first=999_940,
)  # fmt: skip

GLIMPSE = Script(
    name="glimpse",
    bagger=Track((
        _run(4, 6, 1),
        _jam(3),
        _run(3, 5),
        _jam(8, BROKEN_BLADE),
        _run(3, 5),
        _stands(3, product=2, bits=(WICKET_CHANGE,)),
        _run(8, 10, product=2),
    )),
    loader=Track((_run(11, 12), Act(6, STARVE), _run(15, 16))),
    pause=(12, 14),
    stop_after=5,
    good_needed=4,
    cycle={1: "0.6", 2: "0.75"},
    orders=(Order(number="GLIMPSE-1", product=1, target=50, starts=0, ends=21),),
    bags_at_first=999_990,
)  # fmt: skip

SCRIPTS = {script.name: script for script in (DAY, BRIEF, GLIMPSE)}

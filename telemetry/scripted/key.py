"""The answer key of a script, by plain arithmetic on its acts; the code under test is not asked (pure)."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from telemetry.scripted.script import SECOND_US, Placed, Script, Track

BUCKETS = (
    "planned",
    "no_data",
    "failure",
    "idling",
    "changeover",
    "small_stop",
    "running",
)


@dataclass(frozen=True, slots=True)
class Stay:
    """A state in [began, ended), in seconds from the beginning."""

    state: str
    began: int
    ended: int


@dataclass(frozen=True, slots=True)
class Stand:
    """A stop: successive states in which the machine does not run."""

    began: int
    ended: int
    is_small: bool


@dataclass(frozen=True, slots=True)
class Made:
    """Pieces of a product; `aside` are those made while nobody saw it."""

    total: int = 0
    reject: int = 0
    aside_total: int = 0
    aside_reject: int = 0

    @property
    def good(self) -> int:
        return self.total - self.reject

    @property
    def aside_good(self) -> int:
        return self.aside_total - self.aside_reject


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """What must come out for the bagger, which is the line's constraint."""

    stays: tuple[Stay, ...]
    loader_stays: tuple[Stay, ...]
    stands: tuple[Stand, ...]
    made: dict[int, Made]
    """By the number of the product."""
    loader_made: int
    changeover: tuple[int, int]
    seconds: dict[str, int]
    """By bucket."""
    jobs: dict[str, tuple[int, int, int]]
    """When it ended, its good pieces and its rejects."""
    availability: Fraction
    performance: Fraction
    quality: Fraction
    oee: Fraction


def key(script: Script, losses: dict[str, str]) -> Key:
    """Work the key out; `losses` are the buckets of the reasons that the script gives.

    It is read every second, on the second: what a reading decides is so from that second on.
    """
    stands = tuple(_stands(script))
    made = {product: _made(script, product) for product in script.cycle}
    changeover = (script.changed_over_at(), _changed_over(script))
    seconds = _seconds(script, stands, changeover, losses)
    ppt = sum(seconds.values()) - seconds["planned"] - seconds["no_data"]
    run = seconds["running"] + seconds["small_stop"]
    cycle = {product: Fraction(value) for product, value in script.cycle.items()}
    total_s = sum(cycle[product] * each.total for product, each in made.items())
    good_s = sum(cycle[product] * each.good for product, each in made.items())
    return Key(
        stays=tuple(_stays(script.bagger)),
        loader_stays=tuple(_stays(script.loader)),
        stands=stands,
        made=made,
        loader_made=sum(act.made for act in script.loader.acts),
        changeover=changeover,
        seconds=seconds,
        jobs=_jobs(script),
        availability=Fraction(run, ppt),
        performance=Fraction(total_s) / run,
        quality=Fraction(good_s) / Fraction(total_s),
        oee=Fraction(good_s) / ppt,
    )


def _stays(track: Track) -> Iterator[Stay]:
    """Yield the states in order; acts that follow each other in one state are one stay."""
    last: Stay | None = None
    for each in track.placed():
        state = "no_data" if each.act.lost else each.act.state
        if last is not None and last.state == state:
            last = Stay(state, last.began, each.ended)
            continue
        if last is not None:
            yield last
        last = Stay(state, each.began, each.ended)
    if last is not None:
        yield last


def _stands(script: Script) -> Iterator[Stand]:
    began: int | None = None
    for stay in [*_stays(script.bagger), Stay("running", script.seconds, script.seconds)]:
        if stay.state == "no_data":
            if began is not None:
                raise ValueError("a script loses its controller only while the machine runs")
        elif stay.state != "running":
            began = stay.began if began is None else began
        elif began is not None:
            yield Stand(began, stay.began, stay.began - began <= script.stop_after)
            began = None


def _made(script: Script, product: int) -> Made:
    acts = [act for act in script.bagger.acts if act.product == product]
    return Made(
        total=sum(act.made for act in acts if not act.lost),
        reject=sum(act.rejects for act in acts if not act.lost),
        aside_total=sum(act.made for act in acts if act.lost),
        aside_reject=sum(act.rejects for act in acts if act.lost),
    )


def _changed_over(script: Script) -> int:
    """Return the second at which so many good pieces of the new product had come in a row."""
    acts = [each for each in script.bagger.placed() if each.act.product != 1]
    for each in acts:
        in_a_row = 0
        for second in range(each.began + 1, each.ended + 1):
            before, now = (second - 1) * SECOND_US, second * SECOND_US
            if each.rejects(now) > each.rejects(before):
                in_a_row = 0
                continue
            in_a_row += each.made(now) - each.made(before)
            if in_a_row >= script.good_needed:
                return second
    raise ValueError(f"the changeover of {script.name} does not end")


def _seconds(
    script: Script, stands: Sequence[Stand], changeover: tuple[int, int], losses: dict[str, str]
) -> dict[str, int]:
    """Return the seconds by bucket, told second by second: all that happens begins on a full one."""
    reasons = {said.of: losses[said.reason] for said in script.reasons}
    counted: Counter[str] = Counter()
    for stay in _stays(script.bagger):
        for second in range(stay.began, stay.ended):
            counted[_bucket(script, stay, second, stands, changeover, reasons)] += 1
    return {bucket: counted[bucket] for bucket in BUCKETS}


def _bucket(  # noqa: PLR0917 - all that decides about a second
    script: Script,
    stay: Stay,
    second: int,
    stands: Sequence[Stand],
    changeover: tuple[int, int],
    reasons: dict[int, str],
) -> str:
    if stay.state == "running":
        return "running"
    if script.pause[0] <= second < script.pause[1]:
        return "planned"
    if stay.state == "no_data":
        return "no_data"
    if changeover[0] <= second < changeover[1]:
        return "changeover"
    stand = next(each for each in stands if each.began <= second < each.ended)
    return "small_stop" if stand.is_small else reasons.get(stand.began, "failure")


def _jobs(script: Script) -> dict[str, tuple[int, int, int]]:
    """Return each job's end, good pieces and rejects: what was made while it ran."""
    acts = tuple(script.bagger.placed())
    ends: dict[str, tuple[int, int, int]] = {}
    for order in script.orders:
        good, reject = _until(acts, order.starts)
        last = script.seconds if order.ends is None else order.ends
        for second in range(order.starts, last + 1):
            now_good, now_reject = _until(acts, second)
            if order.ends is None and now_good - good >= order.target:
                last = second
                break
        now_good, now_reject = _until(acts, last)
        ends[order.number] = (last, now_good - good, now_reject - reject)
    return ends


def _until(acts: Sequence[Placed], second: int) -> tuple[int, int]:
    """Return good pieces and rejects that a reading at this second shows."""
    at_us = second * SECOND_US
    each = next((each for each in acts if second <= each.ended), acts[-1])
    return each.made(at_us) - each.rejects(at_us), each.rejects(at_us)

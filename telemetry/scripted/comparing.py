"""What a script must give beside what was measured, row by row (pure)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction

from telemetry.scripted.key import Key, Stay
from telemetry.scripted.script import Script

EXACT = timedelta()


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What the system made of a script; moments are lengths since its beginning, None: it lasts."""

    stays: Sequence[tuple[str, timedelta, timedelta | None]]
    loader_stays: Sequence[tuple[str, timedelta, timedelta | None]]
    made: dict[int, dict[tuple[str, bool], int]]
    """By product: quantity by kind and whether it was measured."""
    loader_made: int
    downtimes: Sequence[tuple[timedelta, timedelta | None]]
    changeovers: Sequence[tuple[timedelta, timedelta | None]]
    jobs: dict[str, tuple[timedelta | None, int, int]]
    time: dict[str, timedelta]
    """By bucket, without those that are empty."""
    oee: Fraction | None


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that was to be so."""

    what: str
    expected: str
    measured: str
    is_right: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """How far a reading may lie behind what it shows; nothing when every second was read on the second."""

    late: timedelta = EXACT
    return_late: timedelta = EXACT
    """How long after its return a lost controller may be tried again: the poll backs off."""

    def of(self, script: Script, moment: int) -> timedelta:
        """Return by how much a change at this second may be seen late."""
        returns = {each.ended for each in script.bagger.placed() if each.act.lost}
        return self.return_late if moment in returns else self.late


def compare(script: Script, key: Key, found: Measured, allowed: Allowance) -> list[Row]:
    """Return a row for each expectation."""
    return [
        *_stays("bagger", script, key.stays, found.stays, allowed),
        *_stays("loader", script, key.loader_stays, found.loader_stays, allowed),
        *_pieces(script, key, found, allowed),
        *_lengths("downtime", script, [(s.began, s.ended) for s in key.stands if not s.is_small],
                  found.downtimes, allowed),
        *_lengths("changeover", script, [key.changeover], found.changeovers, allowed),
        *_jobs(script, key, found, allowed),
        *_time(key, found, allowed),
        _oee(script, key, found, allowed),
    ]  # fmt: skip


def _stays(
    machine: str,
    script: Script,
    told: Sequence[Stay],
    found: Sequence[tuple[str, timedelta, timedelta | None]],
    allowed: Allowance,
) -> Iterator[Row]:
    """Compare states: their order, and when each began. The first may have begun before the script."""
    wanted, seen = [stay.state for stay in told], [state for state, *_ in found]
    yield Row(
        f"{machine}: states", f"{len(wanted)}", f"{len(seen)} in this order", wanted == seen
    )
    if wanted != seen:
        yield Row(f"{machine}: order", " ".join(wanted), " ".join(seen), is_right=False)
        return
    latest, worst = EXACT, ""
    is_right = True
    for stay, (_, began, _) in list(zip(told, found, strict=True))[1:]:
        late = began - timedelta(seconds=stay.began)
        is_right &= -_early(allowed) <= late <= allowed.of(script, stay.began)
        if abs(late) > abs(latest):
            latest, worst = late, f" ({stay.state} at {stay.began} s)"
    yield Row(
        f"{machine}: each begins",
        f"within {_text(allowed.late)} (after a loss {_text(allowed.return_late)})",
        f"at most {_text(latest)}{worst} off",
        is_right,
    )


def _early(allowed: Allowance) -> timedelta:
    """Return how far before it is due a change may seem: the loss is seen at the last good reading."""
    return allowed.late


def _pieces(script: Script, key: Key, found: Measured, allowed: Allowance) -> Iterator[Row]:
    slack = 0
    if allowed.late:
        # What is made between the last reading and the loss, or the return and the first, nobody saw.
        rate = max(act.made / act.seconds for act in script.bagger.acts)
        slack = round((allowed.late + allowed.return_late).total_seconds() * rate) + 2
    for product, made in key.made.items():
        kinds = found.made.get(product, {})
        for kind, seen, aside in (
            ("total", made.total, made.aside_total),
            ("reject", made.reject, made.aside_reject),
        ):
            measured = kinds.get((kind, True), 0)
            unmeasured = kinds.get((kind, False), 0)
            yield Row(
                f"pieces of product {product}: {kind}",
                f"{seen} + {aside} unseen",
                f"{measured} + {unmeasured} unseen",
                measured + unmeasured == seen + aside
                and abs(measured - seen) <= (slack if aside else 0),
            )
    yield Row(
        "pieces of the loader",
        str(key.loader_made),
        str(found.loader_made),
        key.loader_made == found.loader_made,
    )


def _lengths(
    what: str,
    script: Script,
    told: Sequence[tuple[int, int]],
    found: Sequence[tuple[timedelta, timedelta | None]],
    allowed: Allowance,
) -> Iterator[Row]:
    yield Row(f"{what}s", str(len(told)), str(len(found)), len(told) == len(found))
    for (began, ended), (seen_began, seen_ended) in zip(told, found, strict=False):
        yield Row(
            what,
            f"{began} to {ended} s",
            f"{_text(seen_began)} to {_text(seen_ended)}",
            _near(seen_began, began, allowed.of(script, began))
            and _near(seen_ended, ended, allowed.of(script, ended)),
        )


def _jobs(script: Script, key: Key, found: Measured, allowed: Allowance) -> Iterator[Row]:
    rate = max(act.made / act.seconds for act in script.bagger.acts)
    slack = round(allowed.late.total_seconds() * rate) + 1 if allowed.late else 0
    for number, (ended, good, reject) in key.jobs.items():
        seen = found.jobs.get(number)
        if seen is None:
            yield Row(f"job {number}", f"{good} good", "none", is_right=False)
            continue
        seen_ended, seen_good, seen_reject = seen
        yield Row(
            f"job {number}",
            f"{good} good, {reject} rejects, ended at {ended} s",
            f"{seen_good} good, {seen_reject} rejects, ended at {_text(seen_ended)}",
            abs(seen_good - good) <= slack
            and abs(seen_reject - reject) <= slack
            and _near(seen_ended, ended, allowed.late * 2),
        )


def _time(key: Key, found: Measured, allowed: Allowance) -> Iterator[Row]:
    changes = len(key.stays)
    slack = allowed.late * changes + allowed.return_late
    for bucket, seconds in key.seconds.items():
        seen = found.time.get(bucket, timedelta())
        yield Row(
            f"time: {bucket}",
            f"{seconds} s",
            _text(seen),
            _near(seen, seconds, slack),
        )
    others = {bucket: length for bucket, length in found.time.items() if length}
    extra = sorted(others.keys() - key.seconds.keys())
    yield Row("time: nothing else", "0 s", ", ".join(extra) or "0 s", not extra)
    whole = timedelta(seconds=sum(key.seconds.values()))
    total = sum(found.time.values(), timedelta())
    yield Row("time: all of it", _text(whole), _text(total), whole == total)


def _oee(script: Script, key: Key, found: Measured, allowed: Allowance) -> Row:
    """Compare the OEE; live it lies where the allowed lateness of all that enters it can put it."""
    ppt = sum(key.seconds.values()) - key.seconds["planned"] - key.seconds["no_data"]
    good_s = key.oee * ppt
    low = high = key.oee
    if allowed.late:
        # What is not a piece's or a change's own lateness is the controller's return, which was measured.
        no_data = found.time.get("no_data", timedelta()) - timedelta(
            seconds=key.seconds["no_data"]
        )
        off = Fraction((allowed.late * 2 + abs(no_data)) / timedelta(seconds=1))
        unseen = sum(
            abs(found.made.get(product, {}).get(("total", True), 0) - made.total)
            for product, made in key.made.items()
        )
        # And at the window's end, where the last pieces are read beyond it.
        rate = max(Fraction(act.made, act.seconds) for act in script.bagger.acts)
        pieces = unseen + rate * Fraction(allowed.late / timedelta(seconds=1)) + 1
        cycle = max(Fraction(value) for value in script.cycle.values())
        low = max(Fraction(0), (good_s - pieces * cycle) / (ppt + off))
        high = (good_s + pieces * cycle) / (ppt - off)
    return Row(
        "OEE",
        f"{float(key.oee):.6f}" + (f" ({float(low):.3f} to {float(high):.3f})" if allowed.late else ""),
        "none" if found.oee is None else f"{float(found.oee):.6f}",
        found.oee is not None and low <= found.oee <= high,
    )  # fmt: skip


def _near(seen: timedelta | None, wanted: int, slack: timedelta) -> bool:
    return seen is not None and abs(seen - timedelta(seconds=wanted)) <= slack


def _text(length: timedelta | None) -> str:
    return "no end" if length is None else f"{length.total_seconds():.2f} s"

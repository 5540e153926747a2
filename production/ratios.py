"""The ratios of an account of time and pieces: OEE and its like, and what was lost (pure).

After ISO 22400-2 and Nakajima's six big losses; the buckets of time are those of `production.oee`:

A = run / PPT;  P = (ideal cycle x total) / run;  Q = (ideal cycle x good) / (ideal cycle x total)
OEE = (ideal cycle x good) / PPT
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from production.oee import PPT, RUN, STOPS, Account, Bucket, Output, seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The ratios of an account: exact fractions, None where nobody can know them, and `why`.

    `lost` are the seconds in the order of the waterfall, from all time down to what was productive; they are
    exact, and `slow` is below zero where pieces took less than their ideal cycle. It is made of `slow_cycle`,
    which the slow cycles that were counted took too long, and `speed`, the rest.
    """

    availability: Decimal | None
    performance: Decimal | None
    quality: Decimal | None
    oee: Decimal | None
    nee: Decimal | None
    """Net equipment effectiveness (ISO 22400-2): set-up is no loss."""
    teep: Decimal | None
    """Total effective equipment performance: over all time."""
    confidence: Decimal | None
    """Measured share of the planned production time."""
    why: str | None
    warning: str | None
    lost: Mapping[str, Decimal | None]
    six: Mapping[str, Decimal | None]


def figures(
    account: Account, *, no_data_is_stop: bool = False, names: Mapping[int, str] | None = None
) -> Figures:
    """Return the figures of an account. `names` are those of products, for the sentence in `why`.

    Nothing planned: all None. Planned, never ran: A 0, P and Q None, OEE 0. Ran, made nothing: P 0, Q None,
    OEE 0. A piece without an ideal cycle: P and OEE None. P above 1 is shown with a warning, never clamped.
    """
    made = account.output
    unmeasured = seconds(account.of(Bucket.NO_DATA))
    measured = seconds(account.of(*PPT))
    ppt = measured + (unmeasured if no_data_is_stop else 0)
    run = seconds(account.of(*RUN))
    known = not made.without
    performance = made.total_s / run if run and known else None
    quality = _quality(made)
    oee = made.good_s / ppt if ppt and known else None
    everything = seconds(account.all)
    setup = seconds(account.of(Bucket.CHANGEOVER, Bucket.ADJUSTMENT))
    # ISO 22400-2: NEE = (APT + AUST) / PBT x effectiveness x quality ratio.
    nee = (
        (run + setup) / ppt * performance * quality
        if ppt and performance is not None and quality is not None
        else (Decimal(0) if ppt and known else None)
    )
    return Figures(
        availability=run / ppt if ppt else None,
        performance=performance,
        quality=quality,
        oee=oee,
        nee=nee,
        teep=made.good_s / everything if everything and known and ppt else None,
        confidence=measured / (measured + unmeasured) if measured + unmeasured else None,
        why=_why(made, ppt=ppt, run=run, names=names or {}),
        warning=_warning(performance, made),
        lost=_lost(account, known=known, no_data_is_stop=no_data_is_stop),
        six=_six(
            account, known=known, unmeasured=unmeasured if no_data_is_stop else Decimal(0)
        ),
    )


def _quality(made: Output) -> Decimal | None:
    if made.total_s and not made.without:
        return made.good_s / made.total_s
    # Of one product alone, the ideal cycle cancels out.
    if len(made.without) == 1 and not made.total_s and made.total:
        return Decimal(made.good) / made.total
    return None


def _why(made: Output, *, ppt: Decimal, run: Decimal, names: Mapping[int, str]) -> str | None:
    if not ppt:
        return "nothing was planned, or nothing was measured"
    if made.without:
        known = sorted(names.get(each, str(each)) for each in made.without if each is not None)
        parts = [f"no ideal cycle for {', '.join(known)}"] if known else []
        if None in made.without:
            parts.append("no product was set for some of the pieces")
        return "; ".join(parts)
    if not run:
        return "it never ran"
    return None if made.total else "it ran and made nothing"


def _warning(performance: Decimal | None, made: Output) -> str | None:
    if made.good < 0 or made.total < made.good:
        return "the counters contradict each other: more rejects than pieces"
    if performance is not None and performance > 1:
        return "performance is above 100 %: the ideal cycle is too long, or a counter jumped"
    return None


def _lost(account: Account, *, known: bool, no_data_is_stop: bool) -> dict[str, Decimal | None]:
    made, no_data = account.output, seconds(account.of(Bucket.NO_DATA))
    as_stop = no_data if no_data_is_stop else Decimal(0)
    running = seconds(account.of(Bucket.RUNNING))
    return {
        "all": seconds(account.all),
        "not_scheduled": seconds(account.of(Bucket.NOT_SCHEDULED)),
        "planned_stop": seconds(account.of(Bucket.PLANNED)),
        "no_data": no_data - as_stop,
        "ppt": seconds(account.of(*PPT)) + as_stop,
        "stop": seconds(account.of(*STOPS)) + as_stop,
        "changeover": seconds(account.of(Bucket.CHANGEOVER)),
        "run": seconds(account.of(*RUN)),
        "small_stop": seconds(account.of(Bucket.SMALL_STOP)),
        "slow": running - made.total_s if known else None,
        "slow_cycle": seconds(account.slow) if known else None,
        "speed": running - made.total_s - seconds(account.slow) if known else None,
        "net": made.total_s if known else None,
        "reject": made.total_s - made.good_s if known else None,
        "productive": made.good_s if known else None,
    }


def _six(account: Account, *, known: bool, unmeasured: Decimal) -> dict[str, Decimal | None]:
    made, running = account.output, seconds(account.of(Bucket.RUNNING))
    return {
        "failure": seconds(account.of(Bucket.FAILURE)) + unmeasured,
        "setup": seconds(account.of(Bucket.ADJUSTMENT, Bucket.CHANGEOVER)),
        "idling": seconds(account.of(Bucket.IDLING, Bucket.SMALL_STOP)),
        "speed": running - made.total_s if known else None,
        "defects": made.total_s - made.good_s - made.startup_s if known else None,
        "startup": made.startup_s if known else None,
    }

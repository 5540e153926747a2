"""The figures of an account by the names of ISO 22400-2, from the same buckets (pure).

PBT = PPT;  APT = run;  AUST = changeover and adjustment;  ADET = all other unplanned stops
AUPT = APT + AUST;  AUBT = AUPT + ADET;  AOET = from the start of an order to its end
PRI x PQ = ideal seconds of all pieces;  PQ = pieces;  GQ = good ones;  SQ = the others
"""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from production.oee import PPT, RUN, Account, Bucket, seconds
from production.ratios import Figures


@dataclass(frozen=True, slots=True, kw_only=True)
class Iso:
    """Times in seconds, and ratios; None where nobody can know one, or there is nothing to divide by."""

    pbt_s: Decimal
    apt_s: Decimal
    aust_s: Decimal
    adet_s: Decimal
    aupt_s: Decimal
    aubt_s: Decimal
    aoet_s: Decimal | None
    availability: Decimal | None
    """APT / PBT"""
    effectiveness: Decimal | None
    """PRI x PQ / APT"""
    quality_ratio: Decimal | None
    """GQ / PQ, by pieces; with one product the same as the quality factor of the OEE."""
    scrap_ratio: Decimal | None
    """SQ / PQ"""
    oee: Decimal | None
    nee: Decimal | None
    """(APT + AUST) / PBT x effectiveness x quality"""
    allocation_ratio: Decimal | None
    """AUBT / AOET, of an order only."""
    utilization_efficiency: Decimal | None
    """APT / AUBT"""
    technical_efficiency: Decimal | None
    """APT / (APT + ADET)"""
    setup_ratio: Decimal | None
    """AUST / AUPT"""


def iso_of(
    account: Account,
    said: Figures,
    *,
    no_data_is_stop: bool = False,
    order: timedelta | None = None,
) -> Iso:
    """Return the figures of an account; `said` are its own, `order` is how long its order took."""
    unmeasured = seconds(account.of(Bucket.NO_DATA)) if no_data_is_stop else Decimal(0)
    pbt = seconds(account.of(*PPT)) + unmeasured
    apt = seconds(account.of(*RUN))
    aust = seconds(account.of(Bucket.CHANGEOVER, Bucket.ADJUSTMENT))
    adet = pbt - apt - aust
    made = account.output
    return Iso(
        pbt_s=pbt,
        apt_s=apt,
        aust_s=aust,
        adet_s=adet,
        aupt_s=apt + aust,
        aubt_s=apt + aust + adet,
        aoet_s=None if order is None else seconds(order),
        availability=said.availability,
        effectiveness=said.performance,
        quality_ratio=_ratio(Decimal(made.good), Decimal(made.total)),
        scrap_ratio=_ratio(Decimal(made.reject), Decimal(made.total)),
        oee=said.oee,
        nee=said.nee,
        allocation_ratio=None if order is None else _ratio(apt + aust + adet, seconds(order)),
        utilization_efficiency=_ratio(apt, apt + aust + adet),
        technical_efficiency=_ratio(apt, apt + adet),
        setup_ratio=_ratio(aust, apt + aust),
    )


def _ratio(part: Decimal, whole: Decimal) -> Decimal | None:
    return part / whole if whole else None

"""The public form of OEE: what the gauge says is what the API says."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal, cast

from ms5.events import facts
from ms5.events.facts.figures import SixLosses
from production.models import Product
from production.oee import Account
from production.ratios import Figures, figures

LONGEST = 500


def oee_of(
    account: Account,
    *,
    scope: Literal["line", "equipment"],
    method: str,
    no_data_is_stop: bool,
    names: Mapping[int, str],
    window: facts.Window,
    shift: str | None,
    product: Product | None,
    why: str | None = None,
) -> facts.OeeUpdate:
    """Return the figures of an account. `why` is said instead of the account's own where that knows less."""
    said = figures(account, no_data_is_stop=no_data_is_stop, names=names)
    why = why or said.why
    made = account.output
    return facts.OeeUpdate(
        scope=scope,
        method=cast(Literal["constraint", "sum"], method),
        oee=number(said.oee),
        availability=number(said.availability),
        performance=number(said.performance),
        quality=number(said.quality),
        nee=number(said.nee),
        teep=number(said.teep),
        why=why[:LONGEST] if why else None,
        warning=said.warning,
        confidence=number(said.confidence),
        seconds=seconds_of(said),
        six_losses=six_losses_of(said),
        good=made.good,
        reject=made.reject,
        pieces_aside=max(0, made.aside_total),
        small_stops=account.small_stops,
        slow_cycles=account.slow_cycles,
        stops=account.stops,
        shift=shift,
        product_code=product.code if product else None,
        product=product.name if product else None,
        window=window,
    )


def seconds_of(said: Figures) -> facts.OeeSeconds:
    """Return the seconds of the waterfall."""
    return facts.OeeSeconds(**{name: number(value) for name, value in said.lost.items()})  # type: ignore[arg-type]  # None only where the field may be


def six_losses_of(said: Figures) -> SixLosses:
    """Return the six big losses in seconds."""
    return SixLosses(**{name: number(value) for name, value in said.six.items()})  # type: ignore[arg-type]  # None only where the field may be


def number(value: Decimal | None) -> float | None:
    """Return the float of a figure, for those who read JSON."""
    return None if value is None else float(value)

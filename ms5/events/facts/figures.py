"""The present figures of a line, and its OEE: gauges, of which the newest counts."""

from typing import Annotated, Literal

from msgspec import Meta

from ms5.events.facts.base import (
    Code,
    Data,
    EventType,
    Kind,
    Moment,
    Name,
    Number,
    Ratio,
    Seconds,
    Sentence,
    State,
    Window,
)


class EquipmentNow(Data, frozen=True, kw_only=True):
    """One equipment within `production_update`."""

    equipment_code: str
    name: str
    state: State
    since: Moment | None
    speed: Annotated[float | None, Meta(description="Pieces a minute.")]
    target_speed: float | None
    good: int
    reject: int
    operator: str | None = None
    planned_stop: Annotated[
        str | None, Meta(description="The reason of a planned stop; null when none is on.")
    ] = None
    product: str | None = None


class ProductionUpdate(Data, frozen=True, kw_only=True):
    """A line now: its equipment in flow order and the figures of its constraint over the window."""

    equipment: list[EquipmentNow]
    constraint: Annotated[
        str | None, Meta(description="Code of the equipment that sets the line's pace.")
    ]
    state: State
    speed: Annotated[float | None, Meta(description="Pieces a minute.")]
    target_speed: float | None
    good: int
    reject: int
    target: Annotated[
        float | None,
        Meta(
            description="Pieces that the measured planned time of the window allowed at the"
            " ideal cycle; null without one."
        ),
    ]
    efficiency: Annotated[
        float | None,
        Meta(description="(good - good_aside) / target, a fraction; null without a target."),
    ]
    downtime_s: Annotated[
        float,
        Meta(
            description="Measured seconds of planned production time in which the constraint"
            " did not run."
        ),
    ]
    measured_s: Annotated[
        float,
        Meta(
            description="Seconds of planned production time of the window that were measured."
        ),
    ]
    good_aside: Annotated[
        int,
        Meta(
            description="Those of `good` that efficiency leaves out: a counter showed them after"
            " a gap, or no product was set."
        ),
    ] = 0
    why: Annotated[str | None, Meta(description="Why target or efficiency is null.")]
    job: str | None
    product: str | None
    rate: Annotated[
        float | None,
        Meta(description="Good pieces a minute over the last ten minutes of measured time."),
    ]
    rate_before: Annotated[
        float | None, Meta(description="The same over the ten minutes before those.")
    ]
    window: Window


class OeeSeconds(Data, frozen=True, kw_only=True):
    """Where the window's time went, in seconds.

    all = not_scheduled + planned_stop + no_data + ppt; ppt = stop + changeover + run;
    run = small_stop + slow + net; net = reject + productive. Without an
    ideal cycle nobody knows slow, net, reject and productive.
    """

    all: Seconds
    not_scheduled: Seconds
    planned_stop: Annotated[
        Seconds, Meta(description="Breaks, no demand: planned not to produce.")
    ]
    no_data: Annotated[
        Seconds, Meta(description="Nobody measured; in no ratio, unless a setting says a stop.")
    ]
    ppt: Annotated[Seconds, Meta(description="Planned production time, as far as measured.")]
    stop: Annotated[Seconds, Meta(description="Unplanned stops.")]
    changeover: Seconds
    run: Seconds
    small_stop: Seconds
    slow: Annotated[
        float | None,
        Meta(
            description="Lost to slow cycles; below zero where pieces took less than their"
            " ideal cycle."
        ),
    ]
    slow_cycle: Annotated[
        Seconds | None,
        Meta(
            description="Of `slow`: what the slow cycles that were counted took beyond the ideal cycle."
        ),
    ] = None
    speed: Annotated[
        float | None,
        Meta(description="The rest of `slow`: it ran slower (below zero: faster) than ideal."),
    ] = None
    net: Seconds | None
    reject: Annotated[float | None, Meta(description="Spent on pieces that were rejected.")]
    productive: Annotated[float | None, Meta(description="Ideal cycle x good pieces.")]


class SixLosses(Data, frozen=True, kw_only=True):
    """The six big losses of TPM in seconds; null where no ideal cycle tells them."""

    failure: Seconds
    setup: Annotated[Seconds, Meta(description="Set-up, adjustment and changeover.")]
    idling: Annotated[Seconds, Meta(description="Idling and minor stops.")]
    speed: Annotated[
        float | None,
        Meta(description="Below zero where pieces took less than their ideal cycle."),
    ]
    defects: float | None
    startup: Annotated[float | None, Meta(description="Rejects of changeovers.")]


class OeeUpdate(Data, frozen=True, kw_only=True):
    """The OEE of a line, or of the equipment that the event names, over the window.

    Fractions are null where they cannot be known, and `why` says why.
    """

    scope: Literal["line", "equipment"]
    method: Annotated[
        Literal["constraint", "sum"],
        Meta(description="Of a line: its constraint's figures, or the sum over its equipment."),
    ]
    oee: Annotated[
        float | None,
        Meta(description="Below zero only where the counters contradict each other."),
    ]
    availability: Annotated[Ratio | None, Meta(description="run / ppt")]
    performance: Annotated[
        Ratio | None,
        Meta(description="(ideal cycle x pieces) / run; above 1 is shown as it is"),
    ]
    quality: Annotated[
        float | None, Meta(description="(ideal cycle x good) / (ideal cycle x pieces)")
    ]
    nee: Annotated[
        float | None,
        Meta(description="Net equipment effectiveness (ISO 22400-2): set-up is no loss."),
    ] = None
    teep: Annotated[float | None, Meta(description="The same as OEE, over all time.")] = None
    why: Annotated[Sentence | None, Meta(description="Why a fraction is null.")]
    warning: Annotated[
        Sentence | None,
        Meta(description="What must be wrong with figures that are shown, such as P above 1."),
    ]
    confidence: Annotated[
        Ratio | None,
        Meta(description="Measured share of the planned production time; null without any."),
    ]
    seconds: OeeSeconds
    six_losses: SixLosses | None = None
    small_stops: Annotated[
        Number, Meta(description="Micro-stops that began in the window, in planned time.")
    ] = 0
    slow_cycles: Annotated[
        Number,
        Meta(
            description="Pauses between pieces while it ran, longer than `slow_after` and no longer than"
            " `stop_after`; each is known to a reading period."
        ),
    ] = 0
    stops: Annotated[
        Number, Meta(description="Longer stops that began in the window, in planned time.")
    ] = 0
    good: Annotated[int, Meta(description="Good pieces, as far as they are in the ratios.")]
    reject: int
    pieces_aside: Annotated[
        Number,
        Meta(description="Pieces in no ratio: a counter showed them after a gap."),
    ]
    shift: Annotated[Name | None, Meta(description="The shift that the window belongs to.")]
    product_code: Annotated[Code | None, Meta(description="Null where there were several.")]
    product: Name | None
    window: Window


TYPES = (
    EventType(
        name="production_update",
        kind=Kind.GAUGE,
        data=ProductionUpdate,
        description="The figures of a line, every second.",
    ),
    EventType(
        name="oee_update",
        kind=Kind.GAUGE,
        data=OeeUpdate,
        description="Availability, performance, quality and OEE, with the seconds behind them.",
    ),
)

"""What a web process says of itself, as JSON: read by /metrics and by the page "Is it alive?"."""

from typing import TYPE_CHECKING, Any

from realtime.broadcast import dropped
from realtime.counts import counts
from realtime.rescue import rescue

if TYPE_CHECKING:
    from realtime.hub import Hub

TOLD_EVERY_S = 5.0
"""How often a process writes its figures for the others; whoever is asked answers for all."""

Figures = dict[str, Any]


def figures() -> Figures:
    """Return the figures of this process as of now. May be called from any thread."""
    from realtime.hub import running_hubs  # noqa: PLC0415 - the hub tells its figures through us

    hubs = running_hubs()
    return {**_of_sockets(hubs), **(_of_hub(hubs[0]) if hubs else {})}


def _of_sockets(hubs: "tuple[Hub, ...]") -> Figures:
    with counts.handing_over:
        # tuple() of a set is one step for other threads; going through the set itself would not be.
        open_now = [connection.outbox for hub in hubs for connection in tuple(hub.connections)]
        frames_out = counts.frames_out + sum(outbox.frames for outbox in open_now)
        bytes_out = counts.bytes_out + sum(outbox.sent_bytes for outbox in open_now)
        coalesced = counts.coalesced + sum(outbox.coalesced for outbox in open_now)
    return {
        "connections": len(open_now),
        "connects": dict(counts.connects),
        "closes": dict(counts.closes),
        "errors": dict(counts.errors),
        "resumes": dict(counts.resumes),
        "facts": dict(counts.facts),
        "replayed": counts.replayed,
        "frames_in": counts.frames_in,
        "bytes_in": counts.bytes_in,
        "frames_out": frames_out,
        "bytes_out": bytes_out,
        "coalesced": coalesced,
        "gaps": counts.gaps,
        "epochs": counts.epochs,
        "delivery": counts.delivery.told(),
        "loop_lag": counts.loop_lag.told(),
        "hints_dropped": dropped(),
        "rescued": rescue.rescued,
    }


def _of_hub(hub: "Hub") -> Figures:
    totals = hub.totals()
    membership, tail = hub.membership, hub.tail
    return {
        "groups": totals.groups,
        "cohorts": totals.cohorts,
        "events": totals.events,
        "deliveries": totals.deliveries,
        "hints_received": totals.hints_received,
        "pictures_read": totals.pictures_read,
        "replays_read": totals.replays_read,
        "layer_up": int(membership is not None and not membership.error),
        "tail_age_s": tail.age_s,
        "tail_looks": tail.looks,
        "tail_looked_s": tail.looked_s,
        "tail_batches": tail.batches,
        "tail_rows": tail.rows,
        "tail_errors": tail.errors,
        "canary_heard": hub.canary.heard,
        "canary_age_s": hub.canary.age_s,
        "loop_lag_worst_s": hub.lag.worst_s,
    }

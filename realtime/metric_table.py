"""Which figure of a web process is which metric: one table (pure)."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Row:
    """A figure by its key; with `label` it is a table by that label, a histogram holds a spread."""

    key: str
    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    label: str = ""


ROWS: tuple[Row, ...] = (
    Row(
        "tail_age_s",
        "ms5_tail_age_seconds",
        "gauge",
        "Time since the tail last read the heads.",
    ),
    Row("tail_looks", "ms5_tail_looks", "counter", "Looks of the tail at the heads."),
    Row("tail_looked_s", "ms5_tail_look_seconds", "counter", "Time those looks took."),
    Row("tail_batches", "ms5_tail_batches", "counter", "Batches the tail has handed over."),
    Row("tail_rows", "ms5_tail_rows", "counter", "Facts and gauges in those batches."),
    Row("tail_errors", "ms5_tail_errors", "counter", "Looks that failed."),
    Row("facts", "ms5_log_facts_read", "counter", "Facts the tail has read.", "type"),
    Row("gaps", "ms5_log_gaps", "counter", "Times the log lost continuity; must be 0."),
    Row("epochs", "ms5_log_epoch_changes", "counter", "New lives of the log."),
    Row("connections", "ms5_socket_connections", "gauge", "Open sockets."),
    Row("connects", "ms5_socket_connects", "counter", "Handshakes by result.", "result"),
    Row("closes", "ms5_socket_closes", "counter", "Ends of sockets by code.", "code"),
    Row("errors", "ms5_socket_errors", "counter", "Errors told to clients.", "code"),
    Row("resumes", "ms5_socket_resumes", "counter", "Streams resumed, or why not.", "reason"),
    Row("replayed", "ms5_socket_replayed_facts", "counter", "Facts sent by resumes."),
    Row("frames_in", "ms5_socket_frames_in", "counter", "Frames from clients."),
    Row("bytes_in", "ms5_socket_in_bytes", "counter", "Characters in those frames."),
    Row("frames_out", "ms5_socket_frames_out", "counter", "Frames to clients."),
    Row("bytes_out", "ms5_socket_out_bytes", "counter", "Characters in those frames."),
    Row(
        "coalesced", "ms5_socket_coalesced_gauges", "counter", "Gauges overtaken by newer ones."
    ),
    Row("groups", "ms5_hub_groups", "gauge", "Groups with a listener here."),
    Row("cohorts", "ms5_hub_cohorts", "gauge", "Sets of sockets that hear the same."),
    Row("events", "ms5_hub_events", "counter", "Events given to listeners."),
    Row("deliveries", "ms5_hub_deliveries", "counter", "Events times sockets that heard them."),
    Row("hints_received", "ms5_hub_hints_received", "counter", "Messages of the layer."),
    Row("hints_dropped", "ms5_hub_hints_dropped", "counter", "Hints that could not leave."),
    Row("pictures_read", "ms5_hub_snapshots_read", "counter", "Snapshots read."),
    Row("replays_read", "ms5_hub_replays_read", "counter", "Replays read."),
    Row("layer_up", "ms5_hub_layer_up", "gauge", "1 while the channel layer works."),
    Row(
        "rescued",
        "ms5_escalation_rescued",
        "counter",
        "Steps of calls that took effect in a web process, since nobody else swept.",
    ),
    Row(
        "canary_age_s", "ms5_canary_age_seconds", "gauge", "Time since the canary arrived here."
    ),
    Row(
        "loop_lag_worst_s", "ms5_loop_lag_worst_seconds", "gauge", "Worst lag within a minute."
    ),
    Row("loop_lag", "ms5_loop_lag_seconds", "histogram", "How late the event loop was."),
    Row(
        "delivery",
        "ms5_delivery_seconds",
        "histogram",
        "From the recording of a fact until it was given to the writers.",
    ),
)

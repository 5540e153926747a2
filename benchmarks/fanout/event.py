"""The event that every server of the benchmark delivers: of one exact length, with its own send time."""

import time

SENT = b"sent_ns="
SENT_DIGITS = 19
EVENT_BYTES = 400
# Positions have seven digits from the first to the last, so that every event is equally long.
FIRST_SEQ = 1_000_000
CHANNELS, FASTAPI, OURS = "Channels as usual", "FastAPI manager", "MS5"


def reason(padding: int) -> str:
    """Return the text that carries the moment of sending, monotonic nanoseconds, and fills the event."""
    return f"sent_ns={time.monotonic_ns():0{SENT_DIGITS}d} {'x' * padding}"


def plain(line: str, seq: int, padding: int) -> dict[str, object]:
    """Return an event of the same shape as those in the log, for servers that have no log."""
    return {
        "type": "equipment_state",
        "timestamp": "2026-11-23T09:58:11.210001Z",
        "line_id": line,
        "equipment_code": "E00",
        "event_id": "0199b3c6-9d10-7b7a-8e00-11aa22bb33cc",
        "stream": line,
        "seq": seq,
        "data": {
            "equipment_code": "E00",
            "state": "running",
            "since": "2026-11-23T09:58:11.210001Z",
            "previous": "stopped",
            "reason": reason(padding),
        },
    }

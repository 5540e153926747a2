"""`python -m benchmarks.fanout.publish NAME`: the process that makes the events of one server."""

import asyncio
import json
import os
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import count
from typing import Any

from benchmarks.fanout.event import CHANNELS, FASTAPI, FIRST_SEQ, plain, reason
from benchmarks.fanout.orders import obey
from benchmarks.stack import percentile


def into_the_log() -> None:
    """Append to the real log: the events that come together are one action, one commit."""
    import django  # noqa: PLC0415 - the other publishers have settings of their own, or none

    django.setup()
    from ms5.events.facts import EquipmentState  # noqa: PLC0415
    from ms5.events.log import append, recording  # noqa: PLC0415

    commits_ms: list[float] = []

    def publish(lines: Sequence[str], padding: int) -> None:
        now = datetime.now(UTC)
        # A time without microseconds would be written without a fraction, and be shorter.
        now = now.replace(microsecond=now.microsecond or 1)
        begin = time.monotonic()
        with recording():
            for line in lines:
                data = EquipmentState(
                    equipment_code="E00",
                    state="running",
                    since=now,
                    previous="stopped",
                    reason=reason(padding),
                )
                append(
                    "equipment_state",
                    data,
                    occurred_at=now,
                    line_id=line,
                    equipment_code=f"{line}.E00",
                )
        commits_ms.append((time.monotonic() - begin) * 1000)

    def ended() -> dict[str, Any]:
        value = percentile(commits_ms, 0.5)
        commits_ms.clear()
        return {"commit_p50_ms": value}

    obey(publish, ended)


def into_a_group() -> None:
    """Send to the group of the channel layer, in a loop that keeps its connection to Redis."""
    from channels.layers import get_channel_layer  # noqa: PLC0415

    from benchmarks.fanout.usual_channels import GROUP  # noqa: PLC0415

    layer = get_channel_layer()
    loop = asyncio.new_event_loop()
    numbers = count(FIRST_SEQ)

    async def send(lines: Sequence[str], padding: int) -> None:
        for line in lines:
            event = plain(line, next(numbers), padding)
            await layer.group_send(GROUP, {"type": "line.event", "event": event})

    obey(lambda lines, padding: loop.run_until_complete(send(lines, padding)))
    loop.close()


def into_a_socket() -> None:
    """Send to the process that keeps the connections, over a socket of our own."""
    from websockets.sync.client import connect  # noqa: PLC0415

    numbers = count(FIRST_SEQ)
    with connect(os.environ["PUBLISH_URL"], compression=None, ping_interval=None) as socket:

        def publish(lines: Sequence[str], padding: int) -> None:
            for line in lines:
                socket.send(json.dumps(plain(line, next(numbers), padding)))

        obey(publish)


if __name__ == "__main__":
    {CHANNELS: into_a_group, FASTAPI: into_a_socket}.get(sys.argv[1], into_the_log)()

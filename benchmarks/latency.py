"""From commit to client: a writer in one process, the server in another, a socket client here."""

import asyncio
import json
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import websockets

from benchmarks.stack import database, percentile, process, redis, run, wait_until
from ms5.demo import commands
from ms5.demo.ports import free_port

EVENTS = 600
PER_S = 60

_SEED = """
import django; django.setup()
from django.contrib.auth import get_user_model
from ms5.accounts.keys import issue
from production.models import Site, Area, Line
user = get_user_model().objects.create_user("bench", role="viewer", all_lines=True)
site = Site.objects.create(code="S", name="S")
area = Area.objects.create(site=site, code="A", name="A")
Line.objects.create(area=area, code="L1", name="Line 1")
print(issue(user, "bench")[1])
"""

_WRITER = f"""
import sys, time
import django; django.setup()
from ms5.events.log import append, recording
from tests.floor import T0, state_fact
sys.stdin.readline()
begin = time.monotonic()
for number in range({EVENTS}):
    time.sleep(max(0, begin + number / {PER_S} - time.monotonic()))
    with recording():
        append("equipment_state", state_fact(), occurred_at=T0, line_id="L1")
    print(time.clock_gettime_ns(time.CLOCK_MONOTONIC), flush=True)
time.sleep(0.5)
"""


@contextmanager
def server(environment: dict[str, str], port: int) -> Iterator[int]:
    with process((sys.executable, *commands.web("127.0.0.1", port)), environment) as child:

        def answers() -> bool:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/ws/health", timeout=1).close()
            except OSError:
                return False
            return True

        wait_until(answers, 30)
        yield child.pid


async def _listen(port: int, key: str, arrived: dict[int, int], ready: asyncio.Event) -> None:
    async with websockets.connect(
        f"ws://127.0.0.1:{port}/ws/production",
        additional_headers={"Authorization": f"Token {key}"},
        compression=None,
    ) as socket:
        subscribe = {"type": "subscribe", "subscription_type": "line", "target_id": "L1"}
        await socket.send(json.dumps(subscribe))
        async for text in socket:
            now = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
            message = json.loads(text)
            if message["type"] == "snapshot":
                ready.set()
            elif message["type"] == "equipment_state":
                arrived[message["seq"]] = now
                if len(arrived) == EVENTS:
                    return


async def _measure(port: int, key: str, environment: dict[str, str]) -> list[float]:
    arrived: dict[int, int] = {}
    ready = asyncio.Event()
    listening = asyncio.create_task(_listen(port, key, arrived, ready))
    await asyncio.wait_for(ready.wait(), 15)
    writer = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _WRITER, env=environment,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    await asyncio.sleep(2)
    said, _ = await writer.communicate(b"go\n")
    await asyncio.wait_for(listening, 10)
    committed = [int(line) for line in said.split()]
    return [(arrived[seq] - at) / 1e6 for seq, at in enumerate(committed, 1)]


def measure(engine: str, *, with_redis: bool) -> dict[str, object]:
    """Return the latencies in ms of one setting."""
    with ExitStack() as stack:
        environment = stack.enter_context(database(engine))
        if with_redis:
            environment["REDIS_URL"] = stack.enter_context(redis())[0]
        else:
            environment["REDIS_URL"] = f"redis://127.0.0.1:{free_port()}/0"
        key = run([sys.executable, "-c", _SEED], environment).strip()
        port = free_port()
        stack.enter_context(server(environment, port))
        values = asyncio.run(_measure(port, key, environment))
    return {
        "engine": engine,
        "redis": with_redis,
        "events": len(values),
        "p50_ms": percentile(values, 0.5),
        "p95_ms": percentile(values, 0.95),
        "p99_ms": percentile(values, 0.99),
        "max_ms": max(values),
    }


def report() -> list[dict[str, object]]:
    return [
        measure(engine, with_redis=with_redis)
        for engine in ("sqlite", "postgresql")
        for with_redis in (True, False)
    ]

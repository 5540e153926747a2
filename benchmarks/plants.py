"""So many simulated Logix controllers of 50 tags in one process, and dead ones; prints their ports."""

import itertools
import json
import random
import signal
import socket
import sys
import threading

from telemetry.simulator.enip import LogixServer
from telemetry.simulator.memory import Memory

TAGS = 50
MOVING = 10
"""Tags beyond the counters that move every second; the others stand still, as most tags do."""


def tag_names() -> list[tuple[str, str]]:
    """Return name and type of every tag of a controller."""
    others = [(f"Value_{number}", "REAL") for number in range(TAGS - 4)]
    return [
        ("Running", "BOOL"),
        ("Speed", "REAL"),
        ("Total", "DINT"),
        ("Reject", "DINT"),
        *others,
    ]


def _controller() -> LogixServer:
    server = LogixServer(Memory([(name, kind, 0) for name, kind in tag_names()]))
    server.set("Running", 1)
    server.set("Speed", 60.0)
    server.start()
    return server


def main(count: int, dead: int) -> None:
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    servers = [_controller() for _ in range(count)]
    # Their kernel takes connections, and nobody answers.
    holes = [socket.create_server(("127.0.0.1", 0)) for _ in range(dead)]
    ports = [server.port for server in servers], [hole.getsockname()[1] for hole in holes]
    print(json.dumps(ports), flush=True)
    chance = random.Random(5)
    for second in itertools.count():
        if ended.wait(1.0):
            break
        for number, server in enumerate(servers):
            server.set("Total", second)
            server.set("Reject", second // 50)
            server.set("Running", (second + number) % 60 != 0)
            for place in range(MOVING):
                server.set(f"Value_{place}", chance.uniform(0, 100))
    for server in servers:
        server.stop()
    for hole in holes:
        hole.close()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))

"""The publishing process as the load sees it: orders go in, counts come out."""

import json
import select
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO, Any

from benchmarks.stack import ROOT

_END_WITHIN_S = 60


class Publishing:
    """A process that obeys `benchmarks.fanout.orders`."""

    def __init__(self, pid: int, orders: IO[str], answers: IO[str], bare_bytes: int) -> None:
        self.pid = pid
        self._orders = orders
        self._answers = answers
        self._bare = bare_bytes
        self.asked = 0

    def more(self, count: int, lines: Sequence[str], event_bytes: int) -> None:
        """Have so many events published at once."""
        self.asked += count
        self._order(count=count, lines=lines, padding=event_bytes - self._bare)

    def pace(self, rate: float, seconds: float, lines: Sequence[str], event_bytes: int) -> None:
        """Have `rate` events a second published, each on its own, the lines in turn."""
        self.asked += round(rate * seconds)
        padding = event_bytes - self._bare
        self._order(rate=rate, seconds=seconds, lines=lines, padding=padding)

    def end(self) -> dict[str, Any]:
        """Wait until all of it is published; return the count, and what else the process measured.

        Raises TimeoutError: whoever takes the events takes no more of them.
        """
        self._order(end=True)
        self.asked = 0
        if not select.select([self._answers], [], [], _END_WITHIN_S)[0]:
            raise TimeoutError("the events could not all be published")
        return dict(json.loads(self._answers.readline()))

    def _order(self, **order: object) -> None:
        self._orders.write(json.dumps(order) + "\n")
        self._orders.flush()


@contextmanager
def publishing(
    name: str, environment: Mapping[str, str], bare_bytes: int, cpu: int
) -> Iterator[Publishing]:
    """Run the publisher of a server while the block lasts. `bare_bytes`: an event without padding."""
    command = [
        "taskset",
        "-c",
        str(cpu),
        sys.executable,
        "-m",
        "benchmarks.fanout.publish",
        name,
    ]
    with subprocess.Popen(
        command, env=dict(environment), cwd=ROOT, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as child:  # fmt: skip
        try:
            if not (child.stdin and child.stdout and child.stdout.readline() == "ready\n"):
                raise RuntimeError("the publishing process did not start")
            yield Publishing(child.pid, child.stdin, child.stdout, bare_bytes)
        finally:
            child.kill()

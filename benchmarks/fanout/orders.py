"""What a publishing process is told, a JSON line at a time, and how it carries that out."""

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle, islice
from typing import Any

Publish = Callable[[Sequence[str], int], None]
"""Publish one event per line named, together, each padded by so many bytes."""


def obey(publish: Publish, ended: Callable[[], dict[str, Any]] = dict) -> None:
    """Publish what standard input asks for until it closes.

    `{"count", "lines", "padding"}` publishes at once, `{"rate", "seconds", ...}` an event at a time on a
    beat, `{"end": true}` answers how many were published since the last end.
    """
    published = 0
    print("ready", flush=True)
    for text in sys.stdin:
        order = json.loads(text)
        if order.get("end"):
            print(json.dumps({"published": published, **ended()}), flush=True)
            published = 0
            continue
        lines, padding = cycle(order["lines"]), order["padding"]
        if "rate" in order:
            for _ in beats(order["rate"], order["seconds"]):
                publish([next(lines)], padding)
                published += 1
        else:
            publish(list(islice(lines, order["count"])), padding)
            published += order["count"]


def beats(rate: float, seconds: float) -> Iterator[int]:
    """Yield `rate` times a second for so long; one that is late is followed at once by the next."""
    # Whoever asked has time to begin to listen.
    begin = time.monotonic() + 0.3
    for number in range(round(rate * seconds)):
        time.sleep(max(0.0, begin + number / rate - time.monotonic()))
        yield number

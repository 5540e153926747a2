"""A client in a thread of its own, for tests that are not asynchronous."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.live.client import LiveClient


@contextmanager
def running(client: LiveClient, within_s: float = 20.0) -> Iterator[LiveClient]:
    """Run the client until the block ends; it begins when the client is live. What ends `run()` is raised."""
    failures: list[BaseException] = []
    loop = asyncio.new_event_loop()

    def work() -> None:
        try:
            loop.run_until_complete(client.run())
        except BaseException as failure:  # noqa: BLE001 - raised again in the thread of the test
            failures.append(failure)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        until(lambda: client.is_live or bool(failures), within_s)
        yield client
    finally:
        loop.call_soon_threadsafe(client.stop)
        thread.join(10)
        assert not thread.is_alive()
        loop.close()
        if failures:
            raise failures[0]


def until(holds: Callable[[], bool], within_s: float = 20.0) -> None:
    """Wait until the condition holds. Raises TimeoutError."""
    deadline = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.005)

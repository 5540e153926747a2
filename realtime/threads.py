"""Threads for the ORM beside the event loop, each with its own connections."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.db import close_old_connections, connections

P = ParamSpec("P")
T = TypeVar("T")


class DatabaseThreads:
    """A few threads that do nothing else; Django's own way shares one among all consumers."""

    def __init__(self, count: int, name: str) -> None:
        self.count = count
        self._pool = ThreadPoolExecutor(count, thread_name_prefix=name)
        self._closed = False

    async def run(self, job: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what the job returned in one of the threads. Raises what it raised."""

        def with_live_connections() -> T:
            close_old_connections()
            return job(*args, **kwargs)

        return await asyncio.get_running_loop().run_in_executor(
            self._pool, with_live_connections
        )

    async def close(self) -> None:
        """Close every thread's connections and end the threads; a second time there are none."""
        if self._closed:
            return
        self._closed = True
        # The barrier makes each of the jobs run in a thread of its own.
        barrier = threading.Barrier(self.count)

        def leave() -> None:
            barrier.wait(timeout=30)
            connections.close_all()

        loop = asyncio.get_running_loop()
        jobs = [loop.run_in_executor(self._pool, leave) for _ in range(self.count)]
        await asyncio.gather(*jobs, return_exceptions=True)
        self._pool.shutdown(wait=False)

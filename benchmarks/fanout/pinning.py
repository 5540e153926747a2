"""Which core runs what: servers on one, all of the load on another."""

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager

SERVER_CPU, LOAD_CPU = 0, 1


@contextmanager
def on_the_loads_core() -> Iterator[None]:
    """Keep this process off the servers' core, and let it and its children open files enough."""
    cores = os.sched_getaffinity(0)
    if not {SERVER_CPU, LOAD_CPU} <= cores:
        raise RuntimeError(
            "the fan-out benchmark needs a core for the server and one for the load"
        )
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    os.sched_setaffinity(0, {LOAD_CPU})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

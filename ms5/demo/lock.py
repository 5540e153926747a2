"""One demo at a time on one data directory."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class AlreadyRunning(RuntimeError):
    """Another demo runs on the same data directory."""


@contextmanager
def only_one(directory: Path) -> Iterator[None]:
    """Hold the directory for the block; the kernel lets go of it should we be killed."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (directory / "demo.lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise AlreadyRunning(
                f"A demo runs on {directory} already (pid {file.read().strip() or 'unknown'})."
                " Stop it, or choose another directory with MS5_DATA_DIR."
            ) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield

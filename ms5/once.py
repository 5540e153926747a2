"""An answer kept for a moment, and made by one caller while the others wait for it."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Once(Generic[T]):
    """However many threads ask, `make` runs one at a time and at most once in `keep_s` seconds."""

    def __init__(self, make: Callable[[], T], keep_s: float) -> None:
        self._make = make
        self._keep_s = keep_s
        self._lock = threading.Lock()
        self._kept: tuple[float, T] | None = None

    def get(self) -> T:
        """Return the answer, at most `keep_s` old. Raises what `make` raises, and keeps nothing then."""
        with self._lock:
            now = time.monotonic()
            if self._kept is None or now - self._kept[0] >= self._keep_s:
                self._kept = None
                # As old as its beginning: what changed while it was made may be missing in it.
                self._kept = (now, self._make())
            return self._kept[1]

    def forget(self) -> None:
        """Make the next one anew."""
        with self._lock:
            self._kept = None

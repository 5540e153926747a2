"""Which line each equipment stands on, remembered for a second: asking for codes must not load the database."""

import threading
import time
from collections.abc import Collection

from django.db import transaction

from production.models import Equipment

_KEPT_S = 1.0


class Places:
    """The whole table, read by whoever asks first and at most once a second, whatever is asked for how often.

    So what another process moved or added is known here a second later; what this one did, at once.
    """

    def __init__(self, kept_s: float = _KEPT_S) -> None:
        self._kept_s = kept_s
        self._lock = threading.Lock()
        self._lines: dict[str, str] = {}
        self._read_at: float | None = None
        self.reads = 0

    def line_of(self, code: str) -> str | None:
        """Return the code of the line; None for an equipment that does not exist. Reads the database."""
        return self.lines_of([code])[code]

    def lines_of(self, codes: Collection[str]) -> dict[str, str | None]:
        """Return the same of several. Reads the database."""
        with self._lock:
            if self._read_at is None or time.monotonic() - self._read_at >= self._kept_s:
                began = time.monotonic()
                self._lines = dict(Equipment.objects.values_list("code", "line__code"))
                self._read_at = began
                self.reads += 1
            return {code: self._lines.get(code) for code in codes}

    def forget(self) -> None:
        """Read again when next asked."""
        with self._lock:
            self._read_at = None


PLACES = Places()


def forget_places(**_: object) -> None:
    """Take the signal of a change of equipment; what commits counts."""
    transaction.on_commit(PLACES.forget, robust=True)

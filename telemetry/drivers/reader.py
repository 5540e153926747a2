"""What every driver does the same: one user at a time, and closed on any error."""

import contextlib
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from telemetry.drivers.base import (
    DriverBusy,
    Endpoint,
    LinkDown,
    Load,
    Quality,
    Reading,
    TagSpec,
    Value,
)

SETTLED_AFTER = 3
"""Readings of a value that comes in pieces before it is given up: two in a row must agree."""


class Answers:
    """The readings of one read while they come in, by the place of their spec."""

    def __init__(self, specs: Sequence[TagSpec]) -> None:
        self.specs = specs
        self.heard = False
        self._readings: dict[int, Reading] = {}

    def arrived(self) -> datetime:
        """The time of an answer that has just come; from now on something has been heard."""
        self.heard = True
        return datetime.now(UTC)

    def good(self, key: int, value: Value, at: datetime) -> None:
        self._readings[key] = Reading(self.specs[key].address, value, Quality.GOOD, at)

    def bad(
        self,
        key: int,
        error: str,
        at: datetime | None = None,
        *,
        has_other_type: bool = False,
    ) -> None:
        at = at or datetime.now(UTC)
        address = self.specs[key].address
        self._readings[key] = Reading(address, None, Quality.BAD, at, error, has_other_type)

    def forget(self) -> None:
        """What has come cannot be trusted after all."""
        self.heard = False
        self._readings.clear()

    def has(self, key: int) -> bool:
        """Whether there is a reading of this spec already."""
        return key in self._readings

    def all(self, missing: str) -> list[Reading]:
        """A reading for every spec; one that got no answer is bad for the reason given."""
        for key in range(len(self.specs)):
            if key not in self._readings:
                self.bad(key, missing)
        return [self._readings[key] for key in range(len(self.specs))]


class Reader(ABC):
    """A driver but for its protocol: see `telemetry.drivers.base.Driver`."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.peer = endpoint.peer
        self.load = Load()
        self.program = ""
        self._turn = threading.Lock()

    @property
    @abstractmethod
    def connected(self) -> bool: ...

    @abstractmethod
    def _connect(self) -> None:
        """Make the connection within the deadline, or raise LinkDown."""

    @abstractmethod
    def _disconnect(self) -> None:
        """Let the connection go at once; never raises, and does nothing when there is none."""

    @abstractmethod
    def _interrupt(self) -> None:
        """End the wait of the thread that has its turn; called from another one."""

    @abstractmethod
    def _ask(self, answers: Answers) -> None:
        """Read within the deadline and put what comes into the answers, or raise LinkDown."""

    def open(self) -> None:
        with self._my_turn():
            if not self.connected:
                with self._closed_on_error():
                    self._connect()

    def close(self) -> None:
        if self._turn.acquire(blocking=False):
            try:
                self._disconnect()
            finally:
                self._turn.release()
        else:
            self._interrupt()

    def read(self, specs: Sequence[TagSpec]) -> list[Reading]:
        with self._my_turn():
            if not self.connected:
                raise LinkDown(f"{self.peer} is not connected.")
            answers = Answers(specs)
            try:
                with self._closed_on_error():
                    self._ask(answers)
            except LinkDown as down:
                if not answers.heard:
                    raise
                return answers.all(missing=str(down))
            return answers.all(missing=f"{self.peer} did not answer for this address.")

    @contextlib.contextmanager
    def _my_turn(self) -> Iterator[None]:
        if not self._turn.acquire(blocking=False):
            raise DriverBusy(f"The connection to {self.peer} is in use by another thread.")
        try:
            yield
        finally:
            self._turn.release()

    @contextlib.contextmanager
    def _closed_on_error(self) -> Iterator[None]:
        """Whatever goes wrong, the connection is not used again: it may hold a late reply."""
        try:
            yield
        except BaseException:
            self._disconnect()
            raise

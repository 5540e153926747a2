"""How many there are at the door: in all, of each user, from each address, and how fast they come (pure)."""

from collections import Counter
from typing import TypeVar

from realtime.limits import Bucket, Limits

Key = TypeVar("Key")

# Addresses whose bucket is full again are forgotten when there are more than this.
_MOST_REMEMBERED = 1_000


class Full(Exception):
    """One more would be too many; the sentence says of what."""


class Crowd:
    """Counts of one process. Who entered leaves once, with the same user and address."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._handshakes: dict[str, Bucket] = {}
        self._users: Counter[int] = Counter()
        self._addresses: Counter[str] = Counter()
        self._waiting: Counter[str] = Counter()
        self.inside = 0
        self.waiting = 0

    def knock(self, address: str, now: float) -> bool:
        """Note a handshake; return whether this address may make one now, in monotonic seconds."""
        bucket = self._handshakes.get(address)
        if bucket is None:
            if len(self._handshakes) >= _MOST_REMEMBERED:
                self._forget(now)
            limits = self._limits
            bucket = Bucket(limits.handshakes_per_second, limits.handshake_burst, at=now)
            self._handshakes[address] = bucket
        return bucket.take(now) == 0

    def come(self) -> None:
        """Take one of the process's places. Raises Full, and none is taken."""
        if self.inside >= self._limits.connections:
            raise Full("this server has all the connections it can hold")
        self.inside += 1

    def go(self) -> None:
        """Give the place back."""
        self.inside -= 1

    def wait(self, address: str) -> None:
        """Take one of the places of those who have yet to show a ticket. Raises Full.

        One address has a fifth of them at most, so that nobody keeps all others out.
        """
        most = self._limits.tickets_waiting
        mine = self._waiting.get(address, 0)
        if self.waiting >= most or mine >= max(1, most // 5):
            raise Full("too many connections wait to show a ticket")
        self.waiting += 1
        self._waiting[address] += 1

    def wait_no_more(self, address: str) -> None:
        """Give that place back."""
        self.waiting -= 1
        _less(self._waiting, address)

    def sit(self, user_id: int, address: str | None) -> None:
        """Count a connection for its user and, if given, its address. Raises Full, and counts neither."""
        if self._users.get(user_id, 0) >= self._limits.connections_per_user:
            raise Full("this user has too many connections")
        if (
            address is not None
            and self._addresses.get(address, 0) >= self._limits.connections_per_address
        ):
            raise Full("there are too many connections from this address")
        self._users[user_id] += 1
        if address is not None:
            self._addresses[address] += 1

    def rise(self, user_id: int, address: str | None) -> None:
        """Count it no more."""
        _less(self._users, user_id)
        if address is not None:
            _less(self._addresses, address)

    def _forget(self, now: float) -> None:
        full = [address for address, bucket in self._handshakes.items() if bucket.is_full(now)]
        for address in full:
            del self._handshakes[address]


def _less(counts: "Counter[Key]", key: Key) -> None:
    counts[key] -= 1
    if counts[key] <= 0:
        del counts[key]

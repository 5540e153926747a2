"""Which streams are worth reading, and since when without a break (pure)."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class _Wish:
    count: int
    since: float


@dataclass(slots=True)
class Interest:
    """A count of wishes per stream, and of those for every stream.

    `wants()` is called from the tail's thread while the event loop changes the counts: each is one
    look into a dictionary, and a wish is registered before the snapshot that it belongs to is read.
    """

    _wishes: dict[str | None, _Wish] = field(default_factory=dict)

    def add(self, streams: frozenset[str] | None, now: float) -> None:
        """Begin to want the streams; None means every one there is or will be."""
        for name in _names(streams):
            wish = self._wishes.get(name)
            if wish is None:
                self._wishes[name] = _Wish(1, now)
            else:
                wish.count += 1

    def remove(self, streams: frozenset[str] | None) -> None:
        """Take one wish back."""
        for name in _names(streams):
            wish = self._wishes[name]
            wish.count -= 1
            if wish.count == 0:
                del self._wishes[name]

    def wants(self, stream: str) -> bool:
        return stream in self._wishes or None in self._wishes

    def since(self, stream: str) -> float:
        """Return since when the stream has been wanted. Raises KeyError when it is not."""
        times = [wish.since for name in (stream, None) if (wish := self._wishes.get(name))]
        if not times:
            raise KeyError(stream)
        return min(times)


def _names(streams: frozenset[str] | None) -> tuple[str | None, ...]:
    return (None,) if streams is None else tuple(streams)

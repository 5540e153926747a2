"""How long to wait before a process that ended is started again."""

from dataclasses import dataclass, field


@dataclass(slots=True, kw_only=True)
class Backoff:
    """A second at first, doubling while it keeps ending early, forgiven after half a minute of life."""

    first_s: float = 1.0
    most_s: float = 10.0
    forgiven_after_s: float = 30.0
    _next_s: float = field(init=False)

    def __post_init__(self) -> None:
        self._next_s = self.first_s

    def after(self, lived_s: float) -> float:
        """Seconds to wait now that it ended after `lived_s`."""
        if lived_s >= self.forgiven_after_s:
            self._next_s = self.first_s
        wait_s = self._next_s
        self._next_s = min(self.most_s, wait_s * 2)
        return wait_s

"""A script of the bagging line: what its machines do second by second, and what people do (pure).

Times are whole seconds from the script's beginning; `microseconds` where a reading may fall between them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

SECOND_US = 1_000_000


@dataclass(frozen=True, slots=True)
class Act:
    """What a machine does for so many seconds.

    `made` pieces, rejects among them, are spread evenly: the k-th is finished when k parts of the time
    are over.
    A `lost` machine works on, and its controller does not answer.
    """

    seconds: int
    state: str
    made: int = 0
    rejects: int = 0
    bits: tuple[int, ...] = ()
    product: int = 1
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Placed:
    """An act in its place, in [began, ended), and what was made before it."""

    act: Act
    began: int
    ended: int
    made_before: int
    rejects_before: int

    def made(self, at_us: int) -> int:
        """Return the pieces since the beginning of the script."""
        return self.made_before + self._share(self.act.made, at_us)

    def rejects(self, at_us: int) -> int:
        """Return the rejects since the beginning of the script."""
        return self.rejects_before + self._share(self.act.rejects, at_us)

    def _share(self, quantity: int, at_us: int) -> int:
        return quantity * (at_us - self.began * SECOND_US) // (self.act.seconds * SECOND_US)


@dataclass(frozen=True, slots=True)
class Track:
    """All acts of a machine, in order."""

    acts: tuple[Act, ...]

    @property
    def seconds(self) -> int:
        return sum(act.seconds for act in self.acts)

    def placed(self) -> Iterator[Placed]:
        """Yield the acts in their places."""
        ends = list(accumulate(act.seconds for act in self.acts))
        made = rejects = 0
        for act, ended in zip(self.acts, ends, strict=True):
            yield Placed(act, ended - act.seconds, ended, made, rejects)
            made += act.made
            rejects += act.rejects


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A job: who starts it begins its product; `ends` None: it completes at its target."""

    number: str
    product: int
    target: int
    starts: int
    ends: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """Somebody says why the stop that began at `of` was one, `at` some moment after."""

    of: int
    at: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """What happens, and the rules it is judged by."""

    name: str
    bagger: Track
    loader: Track
    pause: tuple[int, int]
    """The break of the shift."""
    stop_after: int
    """Seconds a micro-stop may last."""
    good_needed: int
    """Good pieces in a row that end the changeover."""
    cycle: dict[int, str]
    """Seconds a piece, by the number of its product."""
    orders: tuple[Order, ...]
    reasons: tuple[Said, ...] = ()
    bags_at_first: int = 0
    """What the bagger's counter shows at the beginning."""

    @property
    def seconds(self) -> int:
        return self.bagger.seconds

    def changed_over_at(self) -> int:
        """Return when the bagger names another product."""
        return next(each.began for each in self.bagger.placed() if each.act.product != 1)


def at(acts: Sequence[Placed], moment_us: int) -> Placed:
    """Return the act of a moment; after the end the last one, as it stood then."""
    return next((each for each in acts if moment_us < each.ended * SECOND_US), acts[-1])

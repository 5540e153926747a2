"""What a client has asked and not been answered yet; the server answers in the order it was asked (pure)."""

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.live.backoff import back_off
from tests.live.outputs import Message

Wish = dict[str, str]
WISHES_PER_MESSAGE = 50
MOST_TRIES = 5


@dataclass(slots=True)
class Request:
    """A `subscribe` whose `wishes` are still open, or a `resume`."""

    kind: str
    wishes: list[Wish]
    tries: int = 0
    resumed: bool = False
    """Whether `resumed` came: only the replay and `live` are still to come."""


@dataclass(frozen=True, slots=True)
class Later:
    """A request that is made again."""

    at_ms: float
    request: Request


@dataclass(slots=True)
class Requests:
    """Those under way by id, and those put off."""

    random: Callable[[], float]
    open: dict[int, Request] = field(default_factory=dict)
    later: list[Later] = field(default_factory=list)

    @property
    def done(self) -> bool:
        """Whether everything that was asked is answered."""
        return not self.open and not self.later

    @property
    def resuming(self) -> bool:
        """Whether a `resume` waits for its answer, its replay or its next try."""
        waiting = [*self.open.values(), *(later.request for later in self.later)]
        return any(request.kind == "resume" for request in waiting)

    def clear(self) -> None:
        """Forget all: the connection they were made on is gone."""
        self.open.clear()
        self.later.clear()

    def refused(self, error: Message) -> tuple[int, Request] | None:
        """Return the request that an error answers, with its id; one without id answers the oldest."""
        id_ = error.get("id")
        if id_ is None and self.open and "subscription_type" not in error:
            id_ = next(iter(self.open))
        request = self.open.get(id_) if id_ is not None else None
        return None if request is None or id_ is None else (id_, request)

    def put_off(self, request: Request, now: float, least_ms: float) -> bool:
        """Make the request again later; return False when it was made often enough."""
        if request.tries >= MOST_TRIES:
            return False
        wait = least_ms + back_off(request.tries, self.random)
        again = Request(request.kind, request.wishes, request.tries + 1)
        self.later.append(Later(now + wait, again))
        return True

    def due(self, now: float) -> list[Request]:
        """Return those whose time has come; they are put off no more."""
        due = [later.request for later in self.later if later.at_ms <= now]
        self.later = [later for later in self.later if later.at_ms > now]
        return due

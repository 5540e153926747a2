"""Turns of a line as observations of both its machines, with what their counters show."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta

from production.observation import CounterReading, FaultMessage, Observation
from telemetry.history.causes import Profile
from telemetry.history.course import NO_DATA, Turn

SHORTEST_FELT_S = 45
"""A shorter stop is not felt at the machine beside: loaves lie between the two."""
SECOND = timedelta(seconds=1)


class Teller:
    """Where the counters stand, and the parts of pieces that are not finished."""

    def __init__(self, profile: Profile, equipment: dict[str, int]) -> None:
        self._profile = profile
        self._equipment = equipment
        self._shown: dict[tuple[str, str], int] = defaultdict(int)
        self._parts: dict[tuple[str, str], float] = defaultdict(float)
        self._product = 0
        self._is_lost = False

    def first(self, turn: Turn) -> Iterator[Observation]:
        """Yield what is seen when the history begins."""
        for machine in (self._profile.constraint, self._profile.beside):
            yield self._seen(machine, turn, turn.began_at, turn.began_at)
        self._product = turn.product

    def tell(self, turn: Turn) -> Iterator[Observation]:
        """Yield what is seen at the end of a turn, and when a new product was named.

        Nothing is seen of a constraint that is lost; what its counter shows when it is back was made meanwhile.
        """
        profile = self._profile
        if self._is_lost:
            yield self._seen(profile.constraint, turn, turn.began_at, turn.began_at)
        self._is_lost = turn.state == NO_DATA
        if turn.product != self._product and turn.seconds > 1:
            yield self._seen(profile.constraint, turn, turn.began_at + SECOND, turn.began_at)
        self._product = turn.product
        made = self._count(profile.constraint, "total", turn.rate / 60 * turn.seconds)
        beside = self._count(profile.beside, "total", made * profile.beside_per_piece)
        of = made if profile.rejects_at == profile.constraint else beside
        self._count(profile.rejects_at, "reject", of * turn.reject_share)
        if not self._is_lost:
            yield self._seen(profile.constraint, turn, turn.ended_at, turn.began_at)
        yield self._seen(profile.beside, turn, turn.ended_at, turn.began_at)

    def _count(self, machine: str, kind: str, pieces: float) -> int:
        whole, self._parts[machine, kind] = divmod(self._parts[machine, kind] + pieces, 1)
        self._shown[machine, kind] += int(whole)
        return int(whole)

    def _seen(self, machine: str, turn: Turn, at: datetime, held_from: datetime) -> Observation:
        is_constraint = machine == self._profile.constraint
        kinds = ("total", "reject") if machine == self._profile.rejects_at else ("total",)
        state = turn.state if is_constraint else self._beside(turn)
        return Observation(
            equipment_id=self._equipment[machine],
            source_at=at,
            received_at=at,
            held_from=held_from,
            quality="good",
            state=state,
            speed=round(turn.rate, 2) if is_constraint else None,
            counters=tuple(
                CounterReading(kind=kind, value=self._shown[machine, kind]) for kind in kinds
            ),
            product_number=turn.product
            if is_constraint and self._profile.names_product
            else None,
            faults=self._faults(turn) if is_constraint else None,
        )

    def _beside(self, turn: Turn) -> str:
        if turn.state in {"running", NO_DATA} or turn.seconds < SHORTEST_FELT_S:
            return "running"
        if self._profile.names_product:  # the loader stands behind the bagger
            return "blocked" if turn.state == "blocked" else "starved"
        return "starved" if turn.state == "starved" else "stopped"

    def _faults(self, turn: Turn) -> tuple[FaultMessage, ...]:
        if turn.bit is None:
            return ()
        row = self._profile.bits[turn.bit]
        return (
            FaultMessage(
                code=f"{self._profile.message_tag}[{row.bit}]",
                text=row.description,
                severity=row.severity,
                source=row.source,
                reason_code=row.reason,
            ),
        )

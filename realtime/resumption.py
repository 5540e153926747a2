"""What was read for a returning client, and what it comes to for each of its streams (pure)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from realtime.protocol import ResumeReason, Resumption
from realtime.resume import Asked, missing
from realtime.targets import Target

if TYPE_CHECKING:
    from realtime.replays import Replay
    from realtime.routed import Fact
    from realtime.snapshot import Picture


@dataclass(slots=True)
class Returning:
    """`replays` holds what was read for the streams of which the client has a place in this life of the log.

    `most` and `most_bytes` bound what is replayed on all streams together.
    """

    asked: Asked
    covered: Mapping[Target, frozenset[str]]
    groups: frozenset[str]
    """What the targets hear."""
    most: int
    most_bytes: int
    too_far: set[str] = field(default_factory=set)
    """Streams whose replay would go above the one limit or the other."""
    replays: dict[str, "Replay"] = field(default_factory=dict)
    pictures: dict[str, "Picture"] = field(default_factory=dict)

    @property
    def is_full(self) -> bool:
        """Whether nothing more can be replayed."""
        return self.most <= 0 or self.most_bytes <= 0

    def add(self, replay: "Replay") -> None:
        """Take a replay, as far as there is room for it."""
        heard = self._heard(replay)
        weight = sum(len(fact.text) for fact in heard)
        if len(heard) > self.most or weight > self.most_bytes:
            self.too_far.add(replay.stream)
            return
        self.most -= len(heard)
        self.most_bytes -= weight
        self.replays[replay.stream] = replay

    def verdicts(self, epoch: str, sees: Callable[[str], bool]) -> dict[str, Resumption]:
        """Return what becomes of each stream that the client named or subscribes to now."""
        found: dict[str, Resumption] = {}
        for stream in sorted(self.asked.positions.keys() | self.pictures.keys()):
            place = self.asked.positions.get(stream)
            replay = self.replays.get(stream)
            if stream not in self.pictures or not sees(stream):
                reason: ResumeReason | None = ResumeReason.FORBIDDEN
            elif place is None:
                reason = ResumeReason.NO_POSITION
            elif stream in self.too_far:
                reason = ResumeReason.TOO_FAR
            elif replay is None or self.asked.epoch != epoch:
                reason = ResumeReason.EPOCH
            else:
                reason = replay.reason
            if reason is None and replay is not None:
                found[stream] = Resumption(
                    recovered=True, count=len(self._heard(replay)), reason=None, missing=None
                )
            elif reason is not None:
                to = self.pictures[stream].position if stream in self.pictures else 0
                found[stream] = Resumption(
                    recovered=False,
                    count=0,
                    reason=reason,
                    missing=missing(reason, place, to),
                )
        return found

    def barrier(self, verdicts: Mapping[str, Resumption]) -> dict[str, int]:
        """Return per stream up to where the answer reaches: that of the replay, or of the snapshot."""
        return {
            stream: (
                self.replays[stream].position
                if verdict.recovered
                else self.pictures[stream].position
            )
            for stream, verdict in verdicts.items()
            if verdict.reason is not ResumeReason.FORBIDDEN
        }

    def facts(self, verdicts: Mapping[str, Resumption]) -> "list[Fact]":
        """Return the facts to replay, those of a stream in order."""
        return [
            fact
            for stream, verdict in verdicts.items()
            if verdict.recovered
            for fact in self._heard(self.replays[stream])
        ]

    def _heard(self, replay: "Replay") -> "list[Fact]":
        return [fact for fact in replay.facts if not self.groups.isdisjoint(fact.groups)]

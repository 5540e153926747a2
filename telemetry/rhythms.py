"""When the tags of a controller are read: those of one period and phase together (pure)."""

from collections import defaultdict
from dataclasses import dataclass

from telemetry.wiring import WiredPlc, WiredTag

SLACK_S = 0.25
"""Beat is never exact: what is due this soon is read now."""


@dataclass(slots=True)
class PollClass:
    """The tags of a PLC that are read together, and when they are next: once at once, then in their phase."""

    tags: tuple[WiredTag, ...]
    period_s: float
    phase_s: float
    due: float
    is_in_phase: bool = False

    def advance(self, now: float) -> None:
        """Be due again a period later; out of phase, a period and the phase."""
        if self.is_in_phase:
            self.due = max(self.due + self.period_s, now + self.period_s - SLACK_S)
        else:
            self.due, self.is_in_phase = (
                now + self.period_s + self.phase_s % self.period_s,
                True,
            )


def poll_classes(plc: WiredPlc, now: float) -> list[PollClass]:
    """The tags of a PLC by period and phase; each class is due at once."""
    by_class: dict[tuple[float, float], list[WiredTag]] = defaultdict(list)
    for tag in plc.tags:
        by_class[tag.period_s, tag.phase_s].append(tag)
    return [
        PollClass(tuple(tags), period_s, phase_s, now)
        for (period_s, phase_s), tags in by_class.items()
    ]

"""Deliberately broken variants, which the run must find."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Mutant:
    """`found` names the counts of a verdict of which at least one must be above zero."""

    name: str
    what: str
    found: tuple[str, ...]
    break_it: Callable[[], None]


def _sent_before_it_left() -> None:
    """Written down as sent, and sent half a second later: a kill in between loses it."""
    import time

    from andon import sending

    def carry(self: Any, letter: Any) -> None:
        sending.record(letter, None)
        time.sleep(0.5)
        sending._failure(letter, self._deadline_s)
        with self._idle:
            self._under_way[letter.way.channel] -= 1
            self._at_work -= 1
            self._idle.notify_all()
        sending.connections.close_all()

    sending.Sender._carry = carry  # type: ignore[method-assign]


def _no_lock() -> None:
    """Nobody holds the call while it climbs: two sweepers climb it at once, and beside an answer."""
    from andon.models.calls import AndonCallQuerySet

    AndonCallQuerySet.select_for_update = lambda self, **_: self  # type: ignore[method-assign]


def _told_twice() -> None:
    """The step takes effect in one transaction and is crossed off in the next, as an outbox should not."""
    from andon.actions import firing, schedule
    from ms5.events.log import recording

    original = schedule.take

    def fire(call_id: int, now: Any, note: str = "") -> int:
        with recording():
            call = firing.AndonCall.objects.whole().get(pk=call_id)
            rows = {schedule.key_of(row): row for row in schedule.pending_of(call.escalation)}
            ladder = schedule.ladder_of(call)
            steps = [schedule.step_of(row) for row in rows.values()]
            outcome = firing.advance(ladder, schedule.present_of(call.escalation), steps, now)
            taken = original(call, outcome, rows, now, note)
        with recording():
            teller = firing.Teller(call, ladder, now)
            for fired, row in zip(outcome.fired, taken, strict=True):
                schedule.stand(call.escalation, fired.present)
                firing._effect(call, fired, row, teller, now)
        return len(outcome.fired)

    from andon import sweep

    sweep.fire = fire  # type: ignore[assignment]


MUTANTS = (
    Mutant(
        "sent before it left",
        "a delivery is written down as sent before it is",
        ("lost",),
        _sent_before_it_left,
    ),
    Mutant(
        "no lock",
        "a call climbs without its lock",
        ("doubled", "disordered", "after an answer", "invented", "missing"),
        _no_lock,
    ),
    Mutant(
        "two transactions",
        "a step is crossed off in one transaction and takes effect in the next",
        ("doubled", "missing", "untold", "missed", "after an answer"),
        _told_twice,
    ),
)


def break_it(name: str) -> None:
    """Break what the mutant of this name breaks."""
    next(each for each in MUTANTS if each.name == name).break_it()

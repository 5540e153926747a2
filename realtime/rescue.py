"""Calls climb as long as one web process lives: it does the work of the sweep when nobody else does."""

import logging
import random
import threading
from datetime import datetime, timedelta

from django.db import DatabaseError, InterfaceError, close_old_connections, connections
from django.db.models import Min

from andon import clock
from andon.choices import StepState
from andon.deliveries import due
from andon.health import OVERDUE
from andon.models import EscalationStep
from andon.sending import send_due
from andon.sweep import sweep

log = logging.getLogger(__name__)

LOOK_S = 10.0
_JITTER_S = 1.0
# Sweeps in one look: each takes fifty calls, and the next look goes on.
_MOST_SWEEPS = 20


class Rescue:
    """One thread with its own connection, beside the one that answers requests.

    It looks every ten seconds, and sooner when it has seen what will be half a minute late before that. A step
    that nobody else lets take effect does so within 40 s of its time.
    """

    def __init__(self) -> None:
        self.rescued = 0
        """Steps that took effect here because nobody else was there."""
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._failing = False

    def start(self) -> None:
        """Begin to look; once begun, this changes nothing."""
        if self._thread is None:
            self._ended.clear()
            self._thread = threading.Thread(target=self._run, name="rescue", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End the thread, after the look it is at."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join(timeout=LOOK_S)
            self._thread = None

    def look(self) -> int:
        """Do what is more than half a minute late; return how many steps took effect.

        Raises what the database raises, and an ExceptionGroup of calls that could not climb.
        """
        late = clock.now() - OVERDUE
        done = 0
        if _pending(late):
            for _ in range(_MOST_SWEEPS):
                swept = sweep()
                done += swept
                self.rescued += swept
                if not swept:
                    break
            log.warning("nobody else sweeps: steps took effect here", extra={"steps": done})
        if done or due(late).exists():
            send_due()
        return done

    def _run(self) -> None:
        pause_s = random.uniform(_JITTER_S, LOOK_S)  # noqa: S311 - jitter
        while not self._ended.wait(pause_s):
            pause_s = LOOK_S - random.uniform(0, _JITTER_S)  # noqa: S311
            try:
                close_old_connections()
                self.look()
                pause_s = min(pause_s, self._until_the_next())
                self._failing = False
            except (DatabaseError, InterfaceError) as failure:
                if not self._failing:
                    log.warning(
                        "no look at overdue steps", extra={"error": str(failure).strip()}
                    )
                self._failing = True
            except Exception:  # the thread must outlive a call that cannot climb
                log.exception("a look at overdue steps failed")
            finally:
                connections.close_all()

    def _until_the_next(self) -> float:
        """Return the seconds until the next known step is late, LOOK_S for one that is late already."""
        pending = EscalationStep.objects.filter(state=StepState.PENDING)
        first: datetime | None = pending.aggregate(first=Min("due_at"))["first"]
        if first is None:
            return LOOK_S
        left = first + OVERDUE - clock.now()
        if left < timedelta():
            return LOOK_S
        return left.total_seconds() + random.uniform(0.1, _JITTER_S)  # noqa: S311


def _pending(by: datetime) -> bool:
    return EscalationStep.objects.filter(state=StepState.PENDING, due_at__lt=by).exists()


rescue = Rescue()
"""That of this process; it begins and ends with the server."""

"""Deliveries on their way out: begun side by side, and written down as each ends."""

import logging
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from django.db import connections

from andon.choices import Channel
from andon.deliveries import Letter, claim, record
from andon.notify import ways
from andon.notify.message import NotSent, Refused
from andon.notify.patience import DEADLINE_S

log = logging.getLogger(__name__)

SIDE_BY_SIDE = {Channel.EMAIL.value: 8, Channel.WEBHOOK.value: 8, Channel.APPRISE.value: 4}
"""How many of a channel a process sends at once: one that hangs takes none of another's."""


class Sender:
    """The threads of a process. They send side by side; to claim and to write down they take turns, so that
    what waits for SQLite's one writer is never a crowd.
    """

    def __init__(self, deadline_s: float = DEADLINE_S) -> None:
        self._deadline_s = deadline_s
        self._lock = threading.Lock()
        self._idle = threading.Condition(self._lock)
        self._database = threading.Lock()
        self._under_way: Counter[str] = Counter()
        self._at_work = 0
        self._pools = {
            channel: ThreadPoolExecutor(count, thread_name_prefix=f"send-{channel}")
            for channel, count in SIDE_BY_SIDE.items()
        }

    def send_due(self) -> int:
        """Claim what is due, as far as there is room, and begin to send it; return how many were claimed.

        Nobody waits for an answer here. Raises what the database raises.
        """
        with self._lock:
            room = {
                channel: count - self._under_way[channel]
                for channel, count in SIDE_BY_SIDE.items()
            }
        with self._database:
            letters = claim(room)
        for letter in letters:
            with self._lock:
                self._under_way[letter.way.channel] += 1
                self._at_work += 1
            self._pools[letter.way.channel].submit(self._carry, letter)
        return sum(len(letter.ids) for letter in letters)

    def wait(self, within_s: float) -> bool:
        """Wait until nothing is under way; False when it takes longer."""
        with self._idle:
            return self._idle.wait_for(lambda: not self._at_work, within_s)

    def _carry(self, letter: Letter) -> None:
        """Send a letter, write down how it went, and take the next if there is one."""
        try:
            failure = _failure(letter, self._deadline_s)
            with self._database:
                record(letter, failure)
        except Exception:  # the lease ends by itself, and then it is sent again
            log.exception(
                "a delivery could not be written down", extra={"key": letter.message.key}
            )
        finally:
            with self._lock:
                self._under_way[letter.way.channel] -= 1
            try:
                self.send_due()
            except Exception as failure:  # noqa: BLE001 - the next tick claims it
                log.info("no more is claimed", extra={"error": str(failure).strip()})
            connections.close_all()
            with self._idle:
                self._at_work -= 1
                self._idle.notify_all()


def _failure(letter: Letter, deadline_s: float) -> NotSent | Refused | None:
    if letter.refusal:
        return Refused(letter.refusal)
    try:
        ways.send(letter.message, letter.way, str(letter.ids[0]), deadline_s)
    except (NotSent, Refused) as failure:
        return failure
    except Exception as mistake:  # ours or a library's: tried again, and said
        log.exception("a way out made a mistake", extra={"key": letter.message.key})
        return NotSent(f"{type(mistake).__name__}: {mistake}")
    return None


_sender: Sender | None = None
_making = threading.Lock()


def send_due() -> int:
    """Begin to send what is due, in threads of this process; return how many deliveries that are."""
    global _sender  # noqa: PLW0603 - one per process, made when the first is sent
    with _making:
        if _sender is None:
            _sender = Sender()
    return _sender.send_due()

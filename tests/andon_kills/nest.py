"""Sweepers and senders that can be killed: a process with all of MS5 loaded that forks one when told to.

    python -m tests.andon_kills.nest [MUTANT]

reads `sweeper task`, `sweeper bare` or `sender` from its standard input and answers with the pid. A fork costs
milliseconds, a start seconds. It never touches the database itself.
"""

import logging
import os
import random
import sys
import time

import django

from ms5.children.death import dies_with_parent

log = logging.getLogger(__name__)

PERIOD_S = 1.0


def main(arguments: list[str]) -> int:
    """Serve until the standard input ends; the kernel ends the children with us."""
    django.setup()
    from tests.andon_kills.mutants import break_it

    if arguments:
        break_it(arguments[0])
    for asked in sys.stdin:
        _bury()
        dies = dies_with_parent()
        pid = os.fork()
        if pid == 0:
            if dies is not None:
                dies()
            _live(*asked.split())
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()
    return 0


def _bury() -> None:
    """Let the kernel forget the children that were killed."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def _live(kind: str, mode: str = "") -> None:
    """Do one thing every second, as beat has it done, for ever. A failure is told and goes by."""
    from andon.sending import send_due
    from andon.sweep import sweep
    from andon.tasks import andon

    random.seed(os.getpid())
    work = send_due if kind == "sender" else andon if mode == "task" else sweep
    time.sleep(random.uniform(0, PERIOD_S))
    while True:
        began = time.monotonic()
        try:
            work()
        except Exception:
            log.exception("a tick failed")
        time.sleep(max(0.0, PERIOD_S - (time.monotonic() - began)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

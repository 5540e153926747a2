"""`python -m ms5.demo`: all of MS5 in one terminal."""

import os
import sys
from pathlib import Path

import environ

from ms5.demo.lines import Terminal
from ms5.demo.lock import AlreadyRunning, only_one
from ms5.demo.ports import PortInUse
from ms5.demo.redis import NoRedis
from ms5.demo.run import Demo, claim_port, redis_for
from ms5.demo.supervisor import StepFailed, StopAsked, Supervisor
from ms5.demo.wishes import BadWish, wishes

BASE = Path(__file__).resolve().parent.parent.parent


def main() -> int:
    """0 after Ctrl-C; 1 with a sentence on what is in the way."""
    if (BASE / ".env").is_file():
        environ.Env.read_env(BASE / ".env")
    terminal = Terminal(colour=sys.stdout.isatty() and "NO_COLOR" not in os.environ)
    try:
        asked = wishes(os.environ, BASE)
        with only_one(asked.data_dir):
            claim_port(asked)
            redis = redis_for(asked)
            with Supervisor(terminal) as supervisor:
                Demo(asked, BASE, supervisor, terminal).run(redis)
    except StopAsked:
        return 0
    except (AlreadyRunning, BadWish, NoRedis, PortInUse, StepFailed, OSError) as error:
        sys.stderr.write(f"demo: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

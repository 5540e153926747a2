"""A demo of three small programs, for tests that signal or kill it from outside.

    python -m tests.run.few_processes SECONDS_TO_STOP_IN

prints `ready PID PID PID` on its own line once all of them run.
"""

import sys

from ms5.demo.child import Program
from ms5.demo.lines import Terminal
from ms5.demo.supervisor import StopAsked, Supervisor

STEADY = "import time\nwhile True: time.sleep(0.1)"
STUBBORN = (
    "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    "print('deaf to SIGTERM', flush=True)\nwhile True: time.sleep(0.1)"
)
# Its own child is in the same process group, and ignores the end of its parent.
PARENT = (
    "import subprocess, sys, time\n"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
    "print('grandchild', child.pid, flush=True)\nwhile True: time.sleep(0.1)"
)


def program(name: str, text: str, *, last: bool = False) -> Program:
    return Program(name=name, command=(sys.executable, "-c", text), last=last)


def main() -> int:
    terminal = Terminal(colour=False)
    try:
        with Supervisor(terminal, stop_within_s=float(sys.argv[1])) as supervisor:
            supervisor.keep(program("redis", STEADY, last=True))
            supervisor.keep(program("stubborn", STUBBORN))
            supervisor.keep(program("parent", PARENT))
            terminal.say(f"ready {' '.join(map(str, supervisor.pids().values()))}")
            supervisor.run_until(lambda: False, within_s=60)
    except StopAsked:
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())

"""The simulated bakery as a process of its own: python -m telemetry.simulator."""

import argparse
import contextlib
import ctypes
import logging
import os
import signal
import sys
import threading

from telemetry.scripted.days import SCRIPTS
from telemetry.simulator.plant import BakeryPorts, serve_bakery

PR_SET_PDEATHSIG = 1


def main() -> int:
    """Serve until SIGTERM or SIGINT; 1 when a port is taken."""
    # It prints a traceback and a dump for each request to a device that is not there.
    logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
    parent = os.getppid()
    parser = argparse.ArgumentParser(prog="telemetry.simulator", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--logix-port", type=int, default=24818, help="bagger; loader is next")
    parser.add_argument(
        "--modbus-port", type=int, default=25020, help="checkweigher; then packer"
    )
    parser.add_argument("--control-port", type=int, help="a door for commands; 0 is any port")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--speedup", type=float, default=1.0, help="bakery seconds per second")
    parser.add_argument("--script", choices=SCRIPTS, help="play it when the door is told to")
    parser.add_argument("--die-with-parent", action="store_true", help="Linux only")
    given = parser.parse_args()

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if given.die_with_parent and not _dies_with(parent):
        return 0
    ports = BakeryPorts(
        bagger=given.logix_port,
        loader=given.logix_port and given.logix_port + 1,
        checkweigher=given.modbus_port,
        casepacker=given.modbus_port and given.modbus_port + 1,
        control=given.control_port,
    )
    try:
        serve_bakery(
            ports,
            stop,
            host=given.host,
            seed=given.seed,
            speedup=given.speedup,
            script=SCRIPTS.get(given.script),
            announce=_say,
        )
    except OSError as error:
        sys.stderr.write(f"The simulated bakery cannot start: {error}\n")
        return 1
    return 0


def _dies_with(parent: int) -> bool:
    """Ask the kernel for SIGTERM when the parent ends; False when it has ended already."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    return os.getppid() == parent


def _say(line: str) -> None:
    # Who started it may have stopped listening; the bakery goes on.
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())

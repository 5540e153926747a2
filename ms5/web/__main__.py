"""`python -m ms5.web --host 127.0.0.1 --port 8000`: one web process, or several behind the port."""

import argparse
import os
import resource
import sys
from collections.abc import Sequence
from contextlib import suppress

from ms5.web.listener import Listening, bind
from ms5.web.pool import Pool

# What a process may hold open: its sockets, and some files.
_OPEN_FILES = 65_536


def main(arguments: Sequence[str] | None = None) -> int:
    """0 once it was asked to stop; 1 with a sentence on what is in the way."""
    asked = _parser().parse_args(arguments)
    if asked.processes > 1 and asked.port == 0:
        sys.stderr.write(
            "web: several processes share a port: name one, since 0 is another for each\n"
        )
        return 1
    try:
        listening = bind(asked.host, asked.port)
    except OSError as error:
        where = f"port {asked.port} of {asked.host or 'every address'}"
        sys.stderr.write(f"web: cannot listen on {where}: {error.strerror or error}\n")
        return 1
    if asked.processes == 1:
        return _serve(listening, asked.alive_fd)
    for one in listening.sockets:
        one.close()  # it was free; from now on each process binds it for itself
    if "SO_REUSEPORT" in listening.lacking:
        sys.stderr.write("web: several processes cannot share a port on this system\n")
        return 1
    return Pool(asked.host, asked.port, asked.processes).run()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ms5.web", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--processes", type=_count, default=1)
    # A pipe to the pool: a byte each second while the loop turns.
    parser.add_argument("--alive-fd", type=int, help=argparse.SUPPRESS)
    return parser


def _count(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 64:
        raise ValueError
    return number


def _serve(listening: Listening, alive_fd: int | None) -> int:
    # Here, so that the pool, which serves nothing, need not load them.
    import ms5.asgi  # noqa: PLC0415
    from ms5.web.server import WebServer, configuration, log  # noqa: PLC0415

    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    wanted = _OPEN_FILES if most == resource.RLIM_INFINITY else min(most, _OPEN_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
    if listening.lacking:
        log.warning("this system lacks socket options", extra={"lacking": listening.lacking})

    async def alive() -> None:
        if alive_fd is not None:
            with suppress(BlockingIOError, BrokenPipeError):  # the pool is stopped, or gone
                os.write(alive_fd, b".")

    server = WebServer(configuration(ms5.asgi.application, alive=alive))
    try:
        server.run(sockets=listening.sockets)
    except KeyboardInterrupt:  # uvicorn raises the signal again once it has stopped
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())

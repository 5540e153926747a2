"""TCP ports of this machine: whether one is free, and a free one to give away."""

import errno
import random
import socket

# Below 32768, where Linux begins to hand out ports to outgoing connections: one that is free now
# is still free when the process it was chosen for comes to listen.
_FIRST, _LAST = 20_000, 32_767


class PortInUse(RuntimeError):
    """Another process listens where one of ours must."""


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server may listen on host and port now. OSError: the host is not of this machine."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As servers do: without it a port is busy for a minute after its last connection closed.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno in {errno.EADDRINUSE, errno.EACCES}:
                return False
            raise
    return True


def free_port(host: str = "127.0.0.1", *, tries: int = 500) -> int:
    """A port below 32768 on which nothing listens."""
    for _ in range(tries):
        port = random.randint(_FIRST, _LAST)  # noqa: S311 - spreads concurrent runs, hides nothing
        if is_free(port, host):
            return port
    raise PortInUse(f"No free port found on {host} between {_FIRST} and {_LAST}")


def free_or_other(preferred: int, host: str = "127.0.0.1") -> int:
    """The preferred port when it is free, else another."""
    return preferred if is_free(preferred, host) else free_port(host)

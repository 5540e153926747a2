"""What a connection costs in memory: the server with none, and with thousands that have subscribed."""

from benchmarks.fanout.joining import joined
from benchmarks.fanout.servers import Server
from realtime.protocol import PROTOCOL

Row = dict[str, object]


class Occupancy:
    """The server's resident memory, noted as crowds come. Buffers of the kernel are not in it."""

    def __init__(self) -> None:
        self._empty_kb = 0
        self.rows: list[Row] = []

    def begin(self, server: Server) -> None:
        """Note what the server takes without clients, once it has loaded all it needs for one."""
        joined(server, 1, PROTOCOL).close()
        self._empty_kb = server.rss_kb()

    def note(self, server: Server, of: str, sockets: int) -> None:
        """Note what it takes with those who are connected, signed in and subscribed now."""
        now_kb = server.rss_kb()
        self.rows.append(
            {
                "connections": of,
                "sockets": sockets,
                "empty_mb": self._empty_kb / 1024,
                "with_them_mb": now_kb / 1024,
                "kb_each": (now_kb - self._empty_kb) / sockets,
            }
        )

    def left(self, server: Server) -> None:
        """Note what it takes when all have gone again, after everything."""
        self.rows.append(
            {
                "connections": "none any more, after all bursts",
                "sockets": 0,
                "empty_mb": self._empty_kb / 1024,
                "with_them_mb": server.rss_kb() / 1024,
                "kb_each": "",
            }
        )

    def most_kb(self) -> float:
        """Return the dearest connection that was noted."""
        return max(float(str(row["kb_each"])) for row in self.rows if row["sockets"])

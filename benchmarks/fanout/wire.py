"""The client's end of a WebSocket by hand: handshake, frames out, messages in (blocking)."""

import base64
import json
import os
import socket
import struct
import time
from collections import deque
from collections.abc import Mapping
from typing import Any

TEXT, CLOSE, PING, PONG = 0x81, 0x88, 0x89, 0x8A


class Refused(ConnectionError):
    """The server did not let a client in, or closed on it."""


def masked(payload: bytes, first: int = TEXT) -> bytes:
    """Return a client's frame. The mask is zero: nothing between us and the server could be misled."""
    size = len(payload)
    if size < 126:
        return bytes((first, 0x80 | size, 0, 0, 0, 0)) + payload
    return struct.pack("!BBHI", first, 0x80 | 126, size, 0) + payload


class Peer:
    """One client. `begin()` and `opened()` are apart, so that many can knock at once."""

    def __init__(self, port: int, *, receive_buffer: int | None = None) -> None:
        self.socket = socket.socket()
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(30)
        self.socket.connect(("127.0.0.1", port))
        self.unread = b""
        self._messages: deque[dict[str, Any]] = deque()

    def begin(self, path: str, headers: Mapping[str, str], protocol: str | None) -> None:
        """Send the request to upgrade."""
        key = base64.b64encode(os.urandom(16)).decode()
        lines = {
            "Host": "127.0.0.1",
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": key,
            **headers,
            **({"Sec-WebSocket-Protocol": protocol} if protocol else {}),
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        self.socket.sendall(f"GET {path} HTTP/1.1\r\n{head}\r\n".encode())

    def opened(self) -> None:
        """Read the answer. Raises Refused for any but 101."""
        while b"\r\n\r\n" not in self.unread:
            self._read()
        head, _, self.unread = self.unread.partition(b"\r\n\r\n")
        if b" 101 " not in head[:16]:
            raise Refused(head.decode("latin-1"))

    def say(self, message: Mapping[str, Any]) -> None:
        """Send one message."""
        self.socket.sendall(masked(json.dumps(message).encode()))

    def next(self) -> dict[str, Any]:
        """Return the next message, those of a batch one by one. Raises Refused when closed."""
        while not self._messages:
            first, payload = self._frame()
            if first == TEXT:
                found = json.loads(payload)
                self._messages.extend(found if isinstance(found, list) else [found])
            elif first == PING:
                self.socket.sendall(masked(payload, PONG))
            elif first == CLOSE:
                code = int.from_bytes(payload[:2], "big")
                raise Refused(f"closed with {code} {payload[2:].decode()}")
        return self._messages.popleft()

    def read_until(self, type_: str, times: int = 1) -> list[dict[str, Any]]:
        """Return the messages up to the given one of a type. Raises Refused, for an error message too."""
        seen = []
        while times:
            message = self.next()
            seen.append(message)
            if message["type"] == "error":
                raise Refused(json.dumps(message))
            times -= message["type"] == type_
        return seen

    def close(self) -> None:
        """Leave without a word, as a client does whose network has gone."""
        self.socket.close()

    def _frame(self) -> tuple[int, bytes]:
        while (frame := frame_at(self.unread, 0, len(self.unread))) is None:
            self._read()
        first, begin, end = frame
        payload, self.unread = self.unread[begin:end], self.unread[end:]
        return first, payload

    def _read(self) -> None:
        got = self.socket.recv(1 << 18)
        if not got:
            raise Refused("the server hung up")
        self.unread += got


def frame_at(buffer: bytes | bytearray, at: int, end: int) -> tuple[int, int, int] | None:
    """Return first byte, begin and end of the payload; None while the frame is not all there."""
    if end - at < 2:
        return None
    size, begin = buffer[at + 1], at + 2
    if size == 126:
        size, begin = int.from_bytes(buffer[begin : begin + 2], "big"), begin + 2
    elif size == 127:
        size, begin = int.from_bytes(buffer[begin : begin + 8], "big"), begin + 8
    if begin + size > end:
        return None
    return buffer[at], begin, begin + size


def wait_for_port(port: int, within_s: float = 30) -> None:
    """Return once somebody listens. Raises TimeoutError."""
    deadline = time.monotonic() + within_s
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise TimeoutError(f"nobody listens on {port}") from None
            time.sleep(0.1)
        else:
            return

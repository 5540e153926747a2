"""A WebSocket client without manners: each byte of the handshake and of every frame is the test's own."""

import base64
import json
import os
import socket
import struct
import time
from collections import deque
from collections.abc import Iterator
from enum import IntEnum
from typing import Any, Self

Message = dict[str, Any]
_KEY = base64.b64encode(bytes(16)).decode()


class Opcode(IntEnum):
    """The opcodes of RFC 6455; 3 to 7 and 11 to 15 are reserved."""

    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


class Ended(ConnectionError):
    """The server ended the connection; `code` is that of its close frame, or None if it sent none."""

    def __init__(self, code: int | None) -> None:
        super().__init__(f"ended with {code}")
        self.code = code


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    rsv: int = 0,
    mask: bytes | None = b"\0\0\0\0",
    announced: int | None = None,
) -> bytes:
    """Return a frame; `rsv` are the three reserved bits, `announced` the length it claims to have.

    The mask of zeros is as valid as any other and leaves the payload legible.
    """
    length = len(payload) if announced is None else announced
    first, masked = fin << 7 | rsv << 4 | opcode, 0x80 * (mask is not None)
    if length < 126:
        head = struct.pack("!BB", first, masked | length)
    elif length < 2**16:
        head = struct.pack("!BBH", first, masked | 126, length)
    else:
        head = struct.pack("!BBQ", first, masked | 127, length)
    if mask is None:
        return head + payload
    if any(mask):
        payload = bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))
    return head + mask + payload


def text(payload: str | bytes) -> bytes:
    """Return a text frame as a decent client sends it."""
    return frame(Opcode.TEXT, payload.encode() if isinstance(payload, str) else payload)


def close(code: int | None, reason: bytes = b"") -> bytes:
    """Return a close frame; without a code its payload is empty."""
    return frame(Opcode.CLOSE, b"" if code is None else struct.pack("!H", code) + reason)


def handshake(port: int, key: str | None, *, protocol: str = "ms5.v1") -> bytes:
    """Return the request that opens the socket with an API token, or with no credential."""
    lines = [
        "GET /ws/production HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {_KEY}",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Protocol: {protocol}",
    ]
    if key is not None:
        lines.append(f"Authorization: Token {key}")
    return "\r\n".join([*lines, "", ""]).encode()


class Rude:
    """One TCP connection. Every wait is bounded by `within_s`."""

    def __init__(self, port: int, *, receive_buffer: int | None = None) -> None:
        self.socket = socket.socket()
        if receive_buffer is not None:  # before the connect: it decides about the window
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(10)
        self.socket.connect(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.port = port
        self.received = bytearray()
        """All bytes the server has sent after the handshake, as they came."""
        self._read = 0
        self._untold: deque[Message] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def open(self, key: str | None, *, protocol: str = "ms5.v1") -> Self:
        """Shake hands; the server must agree."""
        self.send(handshake(self.port, key, protocol=protocol))
        head = self.answer()
        assert head.startswith(b"HTTP/1.1 101 "), head
        return self

    def answer(self, within_s: float = 10) -> bytes:
        """Return the head of an HTTP answer; what follows it is read as frames. Raises Ended."""
        deadline = time.monotonic() + within_s
        while (end := self.received.find(b"\r\n\r\n")) < 0:
            self._more(deadline)
        head = bytes(self.received[: end + 4])
        del self.received[: end + 4]
        return head

    def send(self, data: bytes) -> None:
        self.socket.settimeout(10)
        self.socket.sendall(data)

    def say(self, type_: str, **fields: Any) -> None:
        """Send a well-formed message."""
        self.send(text(json.dumps({"type": type_} | fields)))

    def reset(self) -> None:
        """End the connection as a machine does that has lost its power: with a TCP reset, and no close."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def next_frame(self, within_s: float = 10) -> tuple[int, bytes]:
        """Return the opcode and payload of the next frame. Raises Ended at a close frame and at the end."""
        deadline = time.monotonic() + within_s
        head = self._take(2, deadline)
        length = head[1] & 0x7F
        if length == 126:
            (length,) = struct.unpack("!H", self._take(2, deadline))
        elif length == 127:
            (length,) = struct.unpack("!Q", self._take(8, deadline))
        opcode, payload = head[0] & 0x0F, self._take(length, deadline)
        if opcode == Opcode.CLOSE:
            raise Ended(struct.unpack("!H", payload[:2])[0] if payload else 1005)
        return opcode, payload

    def messages(self, within_s: float = 10) -> Iterator[Message]:
        """Yield the messages of the text frames, one by one, arrays taken apart."""
        while True:
            while self._untold:
                yield self._untold.popleft()
            opcode, payload = self.next_frame(within_s)
            if opcode == Opcode.TEXT:
                found = json.loads(payload)
                self._untold.extend(found if isinstance(found, list) else [found])

    def expect(self, type_: str, within_s: float = 10, **fields: Any) -> Message:
        """Return the next message of this type with these fields; others are passed over."""
        for message in self.messages(within_s):
            if message["type"] == type_ and fields.items() <= message.items():
                return message
        raise AssertionError  # messages() ends by raising only

    def ended_with(self, within_s: float = 10) -> int | None:
        """Return the code of the server's close; None if the connection ended without one."""
        deadline = time.monotonic() + within_s
        while True:
            try:
                self.next_frame(deadline - time.monotonic())
            except Ended as ended:
                return ended.code

    def _take(self, count: int, deadline: float) -> bytes:
        while len(self.received) - self._read < count:
            self._more(deadline)
        self._read += count
        return bytes(self.received[self._read - count : self._read])

    def _more(self, deadline: float) -> None:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the server did not answer in time")
        self.socket.settimeout(left)
        try:
            data = self.socket.recv(262_144)
        except ConnectionError as gone:
            raise Ended(None) from gone
        if not data:
            raise Ended(None)
        self.received += data


def resident_bytes() -> int:
    """Return how much memory this process holds now."""
    with open("/proc/self/statm", encoding="ascii") as statm:  # noqa: PTH123 - a file of the kernel
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

"""A TCP peer that answers whatever a test wants, and peers that do not answer at all."""

import contextlib
import os
import select
import socket
import struct
import threading
import time
import tty


def until(true, within_s=5.0):
    """Wait until it is so; the test fails when it never is."""
    deadline = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline, "it never came to it"
        time.sleep(0.002)


class ScriptedPeer:
    """Answers each chunk it receives with what `script` returns for it; None ends the stream.

    Several pieces instead of one are sent with a pause before each.
    """

    def __init__(self, script, pause_s=0.0):
        self.script = script
        self.pause_s = pause_s
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(5)
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exc):
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.connections += 1
                client.settimeout(2)
                with client, contextlib.suppress(OSError):
                    while request := client.recv(4096):
                        answer = self.script(request)
                        if answer is None:
                            break
                        for piece in [answer] if isinstance(answer, bytes) else answer:
                            time.sleep(self.pause_s)
                            client.sendall(piece)


@contextlib.contextmanager
def black_hole():
    """A port that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@contextlib.contextmanager
def ignored_connections():
    """A port whose queue is full, so that the kernel ignores who knocks."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(3):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def answer_to(request, payload):
    """A proper Modbus TCP frame around these bytes of function code and payload."""
    return request[:4] + struct.pack(">H", len(payload) + 1) + request[6:7] + payload


def registers_for(request, *registers):
    raw = struct.pack(f">{len(registers)}H", *registers)
    return answer_to(request, bytes([request[7], len(raw)]) + raw)


@contextlib.contextmanager
def serial_line(server):
    """The name of a serial device behind which a simulated RTU server of TCP listens."""
    ours, theirs = os.openpty()
    tty.setraw(theirs)
    stop = threading.Event()
    relay = threading.Thread(target=_relay, args=(ours, server, stop))
    relay.start()
    try:
        yield os.ttyname(theirs)
    finally:
        stop.set()
        relay.join()
        os.close(theirs)
        os.close(ours)


def _relay(line, server, stop):
    """Carry bytes between the line and the server; connect anew after the server hung up."""
    sock = None
    while not stop.is_set():
        if sock is None:
            with contextlib.suppress(OSError):
                sock = socket.create_connection(("127.0.0.1", server.port), timeout=1)
        ready, _, _ = select.select([line, *([sock] if sock else [])], [], [], 0.02)
        with contextlib.suppress(OSError):
            if line in ready:
                came = os.read(line, 4096)
                if sock:
                    sock.sendall(came)
            if sock in ready:
                came = sock.recv(4096)
                if came:
                    os.write(line, came)
                    continue
                sock.close()
                sock = None
    if sock:
        sock.close()

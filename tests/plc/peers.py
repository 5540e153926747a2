"""A TCP peer that answers whatever a test wants, and peers that do not answer at all."""

import contextlib
import socket
import struct
import threading
import time


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

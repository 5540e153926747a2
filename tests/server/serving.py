"""The web server of `ms5.web` in a thread, with a small application in place of MS5."""

import socket
import threading
import time
from contextlib import contextmanager

from ms5.web.bounded import BoundedHttp
from ms5.web.listener import bind
from ms5.web.server import WebServer, configuration


class Impatient(BoundedHttp):
    """The same rules with less time, so that a test need not wait for them."""

    head_within_s = 0.5
    body_within_s = 1.0


async def application(scope, receive, send):
    """HTTP says how long the body was; a socket answers each text, `flood` without end."""
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return
    elif scope["type"] == "http":
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message["body"]
            more = message["more_body"]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": str(len(body)).encode()})
    else:
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            if message["text"] == "deaf":
                await receive()
            while message["text"] == "flood":
                await send({"type": "websocket.send", "text": "x" * 400})
            await send({"type": "websocket.send", "text": message["text"]})


class Serving:
    """Where it is, how many connections it holds, and how to reach it on a plain socket."""

    def __init__(self, server, port):
        self.port = port
        self._server = server

    @property
    def connections(self):
        return len(self._server.server_state.connections)

    def dial(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def wait_for(self, connections, within_s=15.0):
        deadline = time.monotonic() + within_s
        while self.connections != connections:
            assert time.monotonic() < deadline, self.connections
            time.sleep(0.01)


@contextmanager
def serving(http=BoundedHttp, **listening):
    """Serve until the block ends."""
    config = configuration(application)
    config.http = http
    listener = bind("127.0.0.1", 0, **listening)
    port = listener.sockets[0].getsockname()[1]
    server = WebServer(config)
    thread = threading.Thread(target=server.run, args=(listener.sockets,), daemon=True)
    thread.start()
    deadline = time.monotonic() + 10
    while not server.started:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    try:
        yield Serving(server, port)
    finally:
        server.should_exit = True
        thread.join(15)
        assert not thread.is_alive()

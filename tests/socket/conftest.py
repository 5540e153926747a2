"""A real uvicorn in a thread, on a free port, with the real application and database."""

import socket
import threading
import time
from contextlib import contextmanager

import pytest
import uvicorn
from django.core.asgi import get_asgi_application

from ms5.accounts.keys import issue
from ms5.accounts.roles import Role
from realtime.limits import Limits
from realtime.routing import application_for
from tests import factories
from tests.client import Client

LIMITS = Limits(heartbeat_s=0.3)


class Server:
    """Where it is, and clients for it."""

    def __init__(self, uvicorn_server, port, hubs):
        self._uvicorn = uvicorn_server
        self.port = port
        self.url = f"ws://127.0.0.1:{port}/ws/production"
        self._hubs = hubs

    @property
    def hub(self):
        """The hub, which the first connection has started."""
        (hub,) = self._hubs()
        return hub

    def stop(self):
        """Begin to shut down, as on SIGTERM."""
        self._uvicorn.should_exit = True

    def client(self, user, **fields):
        """Return a client of a program that has a token of the user."""
        _, key = issue(user, "of a test")
        return Client(self.url, headers={"Authorization": f"Token {key}"}, **fields)


@contextmanager
def serving(limits=LIMITS, send_buffer=None):
    """Serve the application until the block ends; then every thread of it has ended."""
    from realtime.hub import running_hubs

    config = uvicorn.Config(
        application_for(get_asgi_application(), limits),
        lifespan="on",
        log_level="warning",
        access_log=False,
        ws="websockets-sansio",
        ws_max_size=65_536,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=3,
    )
    server = uvicorn.Server(config)
    listener = socket.socket()
    if send_buffer is not None:  # accepted sockets inherit it
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
    listener.bind(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    deadline = time.monotonic() + 10
    while not server.started:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    try:
        yield Server(server, listener.getsockname()[1], running_hubs)
    finally:
        server.should_exit = True
        thread.join(15)
        listener.close()
        assert not thread.is_alive()


@pytest.fixture
def server(db):
    """The server with a heartbeat every 300 ms."""
    with serving() as running:
        yield running


@pytest.fixture
def floor(db):
    """Two lines with a machine each, and one user for both, one for the first line only."""
    return Floor()


class Floor:
    """The rows the socket tests speak of."""

    def __init__(self):
        self.own = factories.line(code="L-OWN")
        self.foreign = factories.line(code="L-FOREIGN")
        self.machine = factories.equipment(line=self.own, code="M.OWN")
        self.foreign_machine = factories.equipment(line=self.foreign, code="M.FOREIGN")
        self.engineer = factories.user(Role.ENGINEER, username="engineer")
        self.viewer = factories.user(Role.VIEWER, username="viewer", all_lines=False)
        self.viewer.line_access.create(line=self.own)

"""A real uvicorn in a thread, on a free port, with the real application and database."""

import threading
import time
from contextlib import contextmanager

import pytest
import uvicorn
from django.core.asgi import get_asgi_application

from ms5.accounts.keys import issue
from ms5.accounts.roles import Role
from ms5.web.listener import SEND_BUFFER_BYTES, bind
from ms5.web.server import configuration
from realtime.limits import Limits
from realtime.routing import application_for
from tests import factories
from tests.client import Client

# Tests that are not about a limit come by the dozen, all from one address.
LIMITS = Limits(
    heartbeat_s=0.3,
    connections_per_user=1_000,
    connections_per_address=1_000,
    handshakes_per_second=1_000,
    handshake_burst=1_000,
)


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
def serving(limits=LIMITS, send_buffer=SEND_BUFFER_BYTES, configured=configuration):
    """Serve the application until the block ends; then every thread of it has ended.

    `configured` makes uvicorn's configuration of the application.
    """
    from realtime.hub import running_hubs

    application = application_for(get_asgi_application(), limits)
    # Not the product's WebServer: it would set the collector of the test run's own process, once a test.
    server = uvicorn.Server(configured(application))
    (listener,) = bind("127.0.0.1", 0, send_buffer=send_buffer).sockets
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

"""Controllers in the admin: a test of a connection against real servers, and what it must not tell."""

import socket
import socketserver
import threading

import pytest

from ms5.accounts.models import AuditEntry
from telemetry.connection import MOST_AT_ONCE, answers
from telemetry.models import Plc
from tests.web import plant
from tests.web.forms import url


class _Silent(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.recv(1)


@pytest.fixture
def listening():
    """The port of a server that takes connections; a Modbus TCP link is no more than that."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Silent) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@pytest.fixture
def closed():
    """A port that nobody listens on."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


def controller(code, port, **fields):
    fields = {"protocol": "modbus_tcp", "host": "127.0.0.1", "timeout_s": 0.5} | fields
    return Plc.objects.create(code=code, name=code, port=port, **fields)


def ask(client, *plcs):
    chosen = {"action": "test_connection", "_selected_action": [plc.pk for plc in plcs]}
    page = client.post(url(Plc, "changelist"), chosen, follow=True)
    return [str(message) for message in page.context["messages"]]


def test_a_test_tells_ok_or_failed_and_no_more_and_is_written_down(root, listening, closed):
    there = controller("there", listening)
    refusing = controller("refusing", closed)
    unknown = controller("unknown", listening, host="no-such-host.invalid")
    assert ask(root, refusing, there, unknown) == [
        "refusing: failed.",
        "there: ok, it answered.",
        "unknown: failed.",
    ]
    deeds = AuditEntry.objects.filter(action="plc.test").order_by("pk")
    assert [deed.subject_name for deed in deeds] == ["refusing", "there", "unknown"]


def test_a_logix_controller_that_accepts_and_says_nothing_fails(root, listening):
    silent = controller("silent", listening, protocol="logix", timeout_s=0.2)
    assert ask(root, silent) == ["silent: failed."]


def test_only_who_may_edit_a_controller_tests_it(own, foreign, as_user, listening):
    from telemetry.models import Tag

    viewer = as_user(plant.person("maintenance", "maintenance", own.line, is_staff=True))
    ask(viewer, own.plc)
    engineer = as_user(plant.person("engineer", "engineer", own.line, is_staff=True))
    ask(engineer, foreign.plc)
    Tag.objects.create(
        plc=own.plc,
        name="theirs",
        address="holding:9",
        data_type="uint16",
        equipment=foreign.equipment,
    )
    ask(engineer, own.plc)
    assert AuditEntry.objects.count() == 0


def test_more_than_twenty_at_once_are_refused(root, closed):
    plcs = [controller(f"P{number}", closed) for number in range(MOST_AT_ONCE + 1)]
    assert ask(root, *plcs) == ["Choose at most 20 controllers at once."]
    assert AuditEntry.objects.filter(action="plc.test").count() == 0
    with pytest.raises(ValueError, match="at most 20"):
        answers(plcs)


def test_no_controllers_answer_nothing(db):
    assert answers([]) == {}

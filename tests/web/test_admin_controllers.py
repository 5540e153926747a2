"""Controllers in the admin: a test of a connection against real servers, and what it must not tell."""

import socket
import socketserver
import threading

import pytest
from django.utils import timezone

from ms5.accounts.models import AuditEntry
from telemetry.connection import MOST_AT_ONCE, answers
from telemetry.models import Plc, PlcLink, Sample, Tag, TagLatest
from tests.web import plant
from tests.web.forms import errors, form_of, url


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


def test_a_path_that_is_none_is_a_sentence_in_the_form(root):
    row = controller("plc7", 44818, protocol="logix")
    page = url(Plc, "change", row.pk)
    given = form_of(root.get(page))
    answer = root.post(page, given | {"path": "1/2/3"})
    (said,) = errors(answer)[0]["path"]
    assert said["message"].startswith(
        "'1/2/3' is no CIP path: write a slot such as 2, or pairs"
    )
    assert root.post(page, given | {"path": "1/2"}).status_code == 302


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


def read_tag(on, name="Speed"):
    """A tag that was read once."""
    found = Tag.objects.create(plc=on, name=name, address="holding:1", data_type="uint16")
    now = timezone.now()
    for model in (Sample, TagLatest):
        model.objects.create(tag=found, value=1, quality="good", source_at=now, received_at=now)
    return found


def test_a_controller_is_deleted_with_all_that_was_read_of_it(root):
    row = controller("gone", 502)
    read = read_tag(row)
    PlcLink.objects.create(plc=row, status="lost")
    page = root.get(url(Plc, "delete", row.pk))
    assert dict(page.context["model_count"]) == {"tags": 1, "samples": 1}
    assert "Tag: gone Speed" in page.content.decode()
    assert root.post(url(Plc, "delete", row.pk), {"post": "yes"}).status_code == 302
    assert not Plc.objects.filter(pk=row.pk).exists()
    assert not Sample.objects.filter(tag_id=read.pk).exists()
    assert AuditEntry.objects.get(action="plc.delete").before["code"] == "gone"


def test_tags_are_deleted_with_their_readings_and_their_controller_stays(root):
    row = controller("stays", 502)
    pair = [read_tag(row, name) for name in ("Speed", "Good")]
    chosen = {
        "action": "delete_selected",
        "_selected_action": [each.pk for each in pair],
        "post": "yes",
    }
    assert root.post(url(Tag, "changelist"), chosen).status_code == 302
    assert not Tag.objects.filter(plc=row).exists()
    assert Plc.objects.filter(pk=row.pk).exists()


def test_too_many_readings_do_not_go_at_once(root, monkeypatch):
    monkeypatch.setattr("telemetry.admin.deleting.MOST", 0)
    row = controller("busy", 502)
    read_tag(row)
    page = root.get(url(Plc, "delete", row.pk))
    assert "Disable it instead" in page.content.decode()
    root.post(url(Plc, "delete", row.pk), {"post": "yes"})
    assert Plc.objects.filter(pk=row.pk).exists()


def test_who_may_not_delete_a_controller_deletes_no_readings_either(engineer, own, foreign):
    theirs = read_tag(foreign.plc, "Theirs")
    assert engineer.post(url(Tag, "delete", theirs.pk), {"post": "yes"}).status_code in {
        302,
        403,
    }
    chosen = {"action": "delete_selected", "_selected_action": [theirs.pk], "post": "yes"}
    engineer.post(url(Tag, "changelist"), chosen)
    assert Tag.objects.filter(pk=theirs.pk).exists()

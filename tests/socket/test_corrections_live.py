"""Two browsers see what a correction makes of the OEE as soon as the supervisor has the answer."""

import json
import time
import urllib.request
from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client as Browser
from django.utils import timezone

from ms5.accounts.roles import Role
from production.actions import observe, set_context
from production.models import Count, Downtime, Reason
from tests import factories
from tests.factories import good_count, ideal_cycle, observation, product

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "snapshot"])
WITHIN_S = 1.0


@pytest.fixture
def machine(floor):
    """A constraint that, in the half hour until now, stood for ten minutes and made a piece a second."""
    own = factories.equipment(
        line=floor.own, code="M.PACE", is_constraint=True, no_data_after_s=3600, stop_after_s=90
    )
    loaf = product()
    ideal_cycle(loaf, own, "1", effective_from=timezone.now() - timedelta(days=2))
    began = timezone.now() - timedelta(minutes=30)
    seconds = (began - factories.T0).total_seconds()
    set_context(own, actor=None, at=began, product=loaf)
    for since, pieces, state in (
        (0, 0, "running"),
        (600, 600, "stopped"),
        (1200, 600, "running"),
        (1799, 1199, "running"),
    ):
        observe([observation(own, seconds + since, state, counters=(good_count(pieces),))])
    Reason.objects.create(code="BREAK", name="Break", loss="planned")
    return own


class Supervisor:
    """Signed in, posts to the API of the running server, as the page of a browser does."""

    def __init__(self, server):
        person = factories.user(Role.SHIFT_MANAGER, username="supervisor")
        browser = Browser()
        browser.force_login(person)
        session, csrf = browser.cookies[settings.SESSION_COOKIE_NAME].value, "c" * 32
        self._headers = {
            "Cookie": f"{settings.SESSION_COOKIE_NAME}={session};"
            f" {settings.CSRF_COOKIE_NAME}={csrf}",
            "X-CSRFToken": csrf,
            "Content-Type": "application/json",
        }
        self._root = f"http://127.0.0.1:{server.port}/api/v1/corrections/"

    def post(self, path="", **body):
        """Return the answer and the moment at which it was there."""
        request = urllib.request.Request(  # noqa: S310 - of the test's own server
            self._root + path,
            json.dumps(body).encode(),
            self._headers,
        )
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            assert answer.status == 201
            return json.load(answer), time.monotonic()


def told_of(client, correction, answered):
    """Return the OEE of the line that comes with the fact of the correction, both in time."""
    fact = oee = None
    while fact is None or oee is None:
        left = answered + WITHIN_S - time.monotonic()
        assert left > 0, f"seen in {WITHIN_S} s: {client.types()}"
        frame = client.receive(left)
        if frame["type"] == "correction" and frame["data"]["id"] == correction["id"]:
            fact = frame
        if frame["type"] == "oee_update" and frame["equipment_code"] is None:
            oee = frame
    assert fact["data"]["oee_after"] == pytest.approx(correction["oee_after"])
    return oee["data"]


def figures(data):
    """Return what must be as it was after the undoing; the planned time goes on with the clock."""
    return round(data["oee"], 2), data["good"]


@pytest.fixture
def body(machine):
    downtime = Downtime.objects.get(equipment=machine)
    return {
        "reason": {
            "subject": "downtime",
            "subject_id": downtime.pk,
            "what": "reason",
            "reason_code": "BREAK",
            "reason": "it was the break",
        },
        "count": {
            "subject": "count",
            "subject_id": Count.objects.filter(quantity=600).latest("at").pk,
            "what": "count",
            "quantity": 300,
            "reason": "the eye was dirty",
        },
    }


@pytest.mark.parametrize("kind", ["reason", "count"])
def test_two_browsers_see_the_corrected_oee_and_after_the_undoing_the_old_one(
    server, floor, machine, body, kind
):
    supervisor = Supervisor(server)
    with server.client(floor.viewer) as one, server.client(floor.engineer) as two:
        browsers = (one, two)
        for browser in browsers:
            browser.subscribe("line", "L-OWN")
        warm, answered = supervisor.post(**body[kind])
        corrected = [told_of(browser, warm, answered) for browser in browsers]
        back, answered = supervisor.post(f"{warm['id']}/undo/", reason="it was not")
        old = [told_of(browser, back, answered) for browser in browsers]
        again, answered = supervisor.post(f"{back['id']}/undo/", reason="it was after all")
        anew = [told_of(browser, again, answered) for browser in browsers]
    assert corrected[0] == corrected[1]
    assert old[0] == old[1]
    whole, part = {"reason": ((1.0, 1199), (0.67, 1199)), "count": ((0.5, 899), (0.67, 1199))}[
        kind
    ]
    assert [figures(each[0]) for each in (corrected, old, anew)] == [whole, part, whole]

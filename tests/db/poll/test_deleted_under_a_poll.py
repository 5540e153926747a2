"""A controller that is deleted while its readings come in."""

import threading
import time

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from telemetry.models import Plc, PlcLink, Sample, Tag
from tests.controllers import polling
from tests.web import plant
from tests.web.forms import url

pytestmark = pytest.mark.django_db(transaction=True)
SAMPLES = 100_000


@pytest.fixture
def root():
    person = plant.person("root", "admin", all_lines=True, is_staff=True, is_superuser=True)
    browser = Client()
    browser.force_login(person)
    return browser


def test_it_goes_though_readings_are_written_meanwhile(wired, server, root):
    tag, now = Tag.objects.get(name="Speed"), timezone.now()
    kept = {"tag": tag, "value": 1.0, "quality": "good", "source_at": now, "received_at": now}
    Sample.objects.bulk_create([Sample(**kept) for _ in range(SAMPLES)], batch_size=5000)
    enough, answered = threading.Event(), []

    def run():
        with polling() as poll:
            while not enough.is_set():
                server.set("Speed", 100.0 + len(answered))
                answered.append(poll.tick())
                poll.links.clock.now += 1
                time.sleep(0.005)
        connection.close()

    worker = threading.Thread(target=run)
    worker.start()
    try:
        while not PlcLink.objects.filter(status="connected").exists():
            time.sleep(0.01)
        gone = root.post(url(Plc, "delete", wired.pk), {"post": "yes"})
    finally:
        enough.set()
        worker.join()
    assert (gone.status_code, Plc.objects.count(), Sample.objects.count()) == (302, 0, 0)

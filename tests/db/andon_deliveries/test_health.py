"""What is wrong with calls and notifications is seen: in health, by name."""

from datetime import timedelta

import pytest
from django.utils import timezone

from andon import clock
from andon.deliveries import claim, record
from andon.health import wrong
from andon.metrics import andon_metrics
from andon.models import Contact, Delivery
from andon.notify.message import NotSent, Refused
from ms5.processes.models import Heartbeat
from tests import factories
from tests.db.andon_deliveries.rows import delivery, endpoint, fired_step, later

pytestmark = pytest.mark.django_db
ROOM = {"email": 8, "webhook": 8, "apprise": 4}


@pytest.fixture(autouse=True)
def swept():
    return Heartbeat.objects.create(
        name="andon", period_s=1, instance="t:1", ok_at=timezone.now()
    )


def seen():
    return wrong(clock.now())


def test_when_all_is_well_nothing_is_wrong():
    assert seen() == {}


def test_a_step_that_is_late_is_seen():
    step = fired_step()
    step.state, step.fired_at = "pending", None
    step.due_at = later(-29)
    step.save()
    assert seen() == {}
    step.due_at = later(-42)
    step.save()
    assert seen()["steps"].startswith("1 overdue, the oldest for 4")


def test_a_sweep_that_does_not_run_is_seen(swept):
    swept.ok_at = later(-60)
    swept.save()
    assert "web processes do its work" in seen()["sweep"]
    swept.delete()
    assert seen()["sweep"].startswith("has never run")


def test_what_nobody_sends_is_seen():
    delivery(next_try_at=later(-90))
    assert seen()["sending"].startswith("1 wait for somebody to send them, the oldest for 9")


def test_a_channel_that_fails_and_an_address_that_is_not_reached_are_seen():
    to = endpoint("https://erp.example.com/", name="ERP")
    contact = Contact.objects.create(
        user=factories.user(), kind="email", address="anna@plant.example"
    )
    delivery(channel="webhook", endpoint=to)
    delivery(contact=contact)
    for seconds in (0, 20):
        for letter in claim(ROOM, later(seconds)):
            record(letter, NotSent("Connection refused"), later(seconds))
    assert seen() == {
        "webhook": "1 could not be sent so far: Connection refused",
        "email": "1 could not be sent so far: Connection refused",
        "endpoint ERP": "Connection refused",
        "contacts": "1 are not reached",
    }
    for letter in claim(ROOM, later(100)):
        record(letter, None, later(100))
    assert seen() == {}


def test_one_that_died_is_seen_for_a_day():
    row = delivery()
    record(claim(ROOM)[0], Refused("550 no such person"))
    assert seen() == {"dead": "1 were given up within a day, the last one: 550 no such person"}
    Delivery.objects.filter(pk=row.pk).update(dead_at=timezone.now() - timedelta(hours=25))
    assert seen() == {}


def test_the_metrics_tell_the_same():
    step = fired_step(priority="critical")
    delivery(step)
    delivery(step, channel="webhook", endpoint=endpoint("https://erp.example.com/"))
    record(claim({**ROOM, "webhook": 0})[0], Refused("550"))
    told = {
        (sample.name, *sample.labels.values()): sample.value
        for metric in andon_metrics(clock.now())
        for sample in metric.samples
    }
    assert told["ms5_andon_open_calls", "critical"] == 1
    assert told["ms5_escalation_fired_last_hour", "level"] == 1
    assert told["ms5_escalation_overdue_steps",] == 0
    assert told["ms5_notification_waiting", "webhook", "pending"] == 1
    assert told["ms5_notification_last_hour", "email", "dead"] == 1
    assert told["ms5_notification_last_hour", "email", "sent"] == 0

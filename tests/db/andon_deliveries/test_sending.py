"""Deliveries leave: each once, to a real mail server and a real receiver; what cannot leave is seen."""

import json

import pytest

from andon.models import Delivery
from andon.notify.signing import is_signed
from andon.sending import Sender
from tests.andon_channels.servers import LOOPBACK, free_port, http_receiver, smtp_server
from tests.db.andon_deliveries.rows import delivery, endpoint, fired_step, later

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def mailbox(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST = LOOPBACK
    settings.WEBHOOK_ALLOWED = ["127.0.0.0/8"]
    settings.PUBLIC_URL = "https://ms5.example.com"
    with smtp_server() as one:
        settings.EMAIL_PORT = one.port
        yield one


@pytest.fixture
def receiver():
    with http_receiver() as one:
        yield one


def run(*senders):
    """Send all that is due now, until nothing is."""
    while sum(sender.send_due() for sender in senders):
        for sender in senders:
            assert sender.wait(60)
    for sender in senders:
        assert sender.wait(60)


def states():
    return dict(Delivery.objects.values_list("key", "state"))


def test_each_notification_arrives_once_whoever_sends(mailbox, receiver):
    to = endpoint(receiver.url(), secret="secret-of-erp")
    step = fired_step(priority="critical")
    rows = [delivery(step, address=f"p{number}@plant.example") for number in range(12)]
    rows += [delivery(step, channel="webhook", endpoint=to) for _ in range(12)]
    run(Sender(), Sender(), Sender())
    assert set(states().values()) == {"sent"}
    assert sorted(mail["X-Envelope-To"] for mail in mailbox.mails) == sorted(
        row.address for row in rows[:12]
    )
    by_key = {taken.headers["Idempotency-Key"]: taken for taken in receiver.taken}
    assert len(receiver.taken) == len(by_key) == 12
    for row in rows[12:]:
        taken = by_key[row.key]
        assert taken.headers["MS5-Delivery"] == str(row.pk)
        stamp, told = taken.headers["MS5-Timestamp"], taken.headers["MS5-Signature"]
        assert is_signed("secret-of-erp", stamp, taken.body, told)
        said = json.loads(taken.body)
        assert said["call_id"] == step.escalation.call_id
        assert said["url"] == "https://ms5.example.com/andon/"


def test_ten_at_once_to_one_person_arrive_in_five_mails(mailbox):
    rows = [delivery(fired_step(text=f"Fault {number}")) for number in range(10)]
    run(Sender())
    assert set(states().values()) == {"sent"}
    assert len(mailbox.mails) == 5
    told = "".join(mail.get_content() for mail in mailbox.mails)
    assert [told.count(f"Fault {number}") for number in range(10)] == 10 * [1]
    assert len({row.pk for row in rows}) == 10


def test_a_mail_server_that_comes_back_gets_it_once(mailbox, settings, monkeypatch):
    row = delivery()
    settings.EMAIL_PORT, there = free_port(), settings.EMAIL_PORT
    run(Sender())
    row.refresh_from_db()
    assert (row.state, row.attempts) == ("pending", 1)
    assert "refused" in row.error
    settings.EMAIL_PORT = there
    Delivery.objects.update(next_try_at=later(-1))
    run(Sender())
    row.refresh_from_db()
    assert (row.state, row.attempts, row.error) == ("sent", 2, "")
    assert len(mailbox.mails) == 1


def test_one_that_is_refused_for_good_is_dead(mailbox, receiver):
    receiver.status = 410
    mailbox.refusals["gone@plant.example"] = "550 no such person"
    hook = delivery(channel="webhook", endpoint=endpoint(receiver.url()))
    mail = delivery(address="gone@plant.example")
    run(Sender())
    for row, error in ((hook, "410"), (mail, "550 no such person")):
        row.refresh_from_db()
        assert row.state == "dead"
        assert error in row.error


def test_without_a_mail_server_every_mail_is_dead_and_says_why(settings):
    settings.EMAIL_HOST = ""
    row = delivery()
    run(Sender())
    row.refresh_from_db()
    assert (row.state, row.error) == ("dead", "no mail server is set: EMAIL_HOST")


def test_a_channel_that_hangs_delays_no_other(mailbox, receiver):
    """The receiver answers nobody; mails go on meanwhile, and so do webhooks to another."""
    receiver.hang = True
    hanging = endpoint(receiver.url())
    for _ in range(6):
        delivery(channel="webhook", endpoint=hanging)
    sender = Sender(deadline_s=55)
    assert sender.send_due() == 2
    with http_receiver() as well:
        other = delivery(channel="webhook", endpoint=endpoint(well.url()))
        mail = delivery()
        assert sender.send_due() == 2
        deadline = later(50)
        while {states()[other.key], states()[mail.key]} != {"sent"}:
            assert later(0) < deadline
        assert [taken.headers["Idempotency-Key"] for taken in well.taken] == [other.key]
    assert len(receiver.taken) == 2
    receiver.over.set()  # it hangs up
    assert sender.wait(60)
    assert list(states().values()).count("pending") == 6


def test_a_chat_is_told_in_words(mailbox, receiver):
    receiver.status = 200
    delivery(channel="apprise", address=f"json://{LOOPBACK}:{receiver.port}/")
    run(Sender(deadline_s=55))
    assert set(states().values()) == {"sent"}
    (taken,) = receiver.taken
    said = json.loads(taken.body)
    assert said["title"].startswith("HIGH: Oven will not light")
    assert "Board: https://ms5.example.com/andon/" in said["message"]

"""E-mail against a real mail server."""

import pytest

from andon.notify import email
from andon.notify.message import Message, NotSent, Refused
from tests.andon_channels.servers import LOOPBACK, free_port, smtp_server

MESSAGE = Message("17:4:email", "Critical: oven\nin line A", "What: the oven.\nGrüße")


@pytest.fixture
def mailbox(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST = LOOPBACK
    with smtp_server() as one:
        settings.EMAIL_PORT = one.port
        yield one


def send(address="anna@plant.example"):
    email.send(MESSAGE, address=address, sender="MS5 <ms5@plant.example>", deadline_s=20)


def test_it_arrives_with_a_message_id_that_stays_the_same(mailbox):
    send()
    send()
    first, second = mailbox.mails
    assert first["X-Envelope-To"] == "anna@plant.example"
    assert first["Subject"] == "Critical: oven in line A"
    assert first["From"] == "MS5 <ms5@plant.example>"
    assert first.get_content().split() == MESSAGE.text.split()
    assert first["X-MS5-Key"] == "17:4:email"
    assert first["Message-ID"] == second["Message-ID"] == "<ms5.17.4.email@plant.example>"


def test_an_address_the_server_will_not_have_is_refused(mailbox):
    mailbox.refusals["anna@plant.example"] = "550 no such person"
    with pytest.raises(Refused, match="550 no such person"):
        send()


def test_an_address_the_server_will_have_later_is_tried_again(mailbox):
    mailbox.refusals["anna@plant.example"] = "450 greylisted, come again"
    with pytest.raises(NotSent, match="450 greylisted"):
        send()


def test_a_server_that_is_away_is_tried_again(mailbox, settings):
    settings.EMAIL_PORT = free_port()
    with pytest.raises(NotSent, match="refused"):
        send()


@pytest.mark.parametrize("address", ["a\nBcc: all@plant.example", "anna@plant.example\r\nX: y"])
def test_an_address_cannot_smuggle_a_header_in(mailbox, address):
    with pytest.raises(Refused):
        send(address)
    assert mailbox.mails == []

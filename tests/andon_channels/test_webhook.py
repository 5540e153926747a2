"""A signed webhook against a real receiver."""

import json
import socket
import threading
import time
from pathlib import Path

import pytest

from andon.notify import exchange, webhook
from andon.notify.allowed import allowed_of
from andon.notify.message import Message, NotSent, Refused
from andon.notify.signing import is_signed, signature
from tests.andon_channels.servers import LOOPBACK, free_port, http_receiver

HERE = allowed_of(["127.0.0.0/8"])
SECRET = "s3cret-of-this-endpoint"
MESSAGE = Message("17:erp:webhook", "Level 2", "text", {"call_id": 5, "text": "Süd"})


@pytest.fixture
def receiver():
    with http_receiver() as one:
        yield one


def send(url, *, allowed=HERE, deadline_s=20.0):
    webhook.send(
        MESSAGE,
        url=url,
        secret=SECRET,
        delivery_id="17",
        allowed=allowed,
        deadline_s=deadline_s,
    )


def test_it_arrives_once_signed_and_with_its_keys(receiver):
    send(receiver.url("/hook?plant=a"))
    (taken,) = receiver.taken
    assert taken.path == "/hook?plant=a"
    assert json.loads(taken.body) == {"call_id": 5, "text": "Süd"}
    assert taken.headers["Host"] == f"{LOOPBACK}:{receiver.port}"
    assert taken.headers["Idempotency-Key"] == "17:erp:webhook"
    assert taken.headers["MS5-Delivery"] == "17"
    stamp, told = taken.headers["MS5-Timestamp"], taken.headers["MS5-Signature"]
    assert abs(time.time() - int(stamp)) < 60
    assert is_signed(SECRET, stamp, taken.body, told)
    assert not is_signed(SECRET, str(int(stamp) + 1), taken.body, told)
    assert not is_signed("another", stamp, taken.body, told)
    assert not is_signed(SECRET, stamp, taken.body + b" ", told)


def test_the_documented_receiver_knows_a_true_one_from_a_false_one(receiver):
    """The snippet of docs/webhooks.md is run as it stands there."""
    send(receiver.url())
    (taken,) = receiver.taken
    page = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text()
    snippet = page.split("```python\n")[1].split("```")[0]
    names: dict[str, object] = {}
    exec(snippet, names)  # noqa: S102 - our own page
    is_ours = names["is_ours"]
    assert is_ours(SECRET, taken.headers, taken.body)
    assert not is_ours(SECRET, taken.headers, taken.body + b" ")
    assert not is_ours("another", taken.headers, taken.body)
    old = str(int(taken.headers["MS5-Timestamp"]) - 3600)
    signed = signature(SECRET, old, taken.body)
    assert not is_ours(SECRET, {"MS5-Timestamp": old, "MS5-Signature": signed}, taken.body)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 422])
def test_what_the_receiver_will_never_take_is_refused(receiver, status):
    receiver.status = status
    with pytest.raises(Refused, match=str(status)):
        send(receiver.url())


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_again(receiver, status):
    receiver.status = status
    with pytest.raises(NotSent, match=str(status)):
        send(receiver.url())


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(receiver, status):
    with http_receiver() as inward:
        receiver.status, receiver.location = status, inward.url("/secret")
        with pytest.raises(Refused, match="redirects are not followed"):
            send(receiver.url())
        assert inward.taken == []


def test_an_address_that_is_not_allowed_hears_nothing(receiver):
    for entries in ([], ["127.0.0.1.example"], ["10.0.0.0/8"], ["localhost"]):
        with pytest.raises(Refused, match="not among the allowed"):
            send(receiver.url(), allowed=allowed_of(entries))
        with pytest.raises(Refused, match="not among the allowed"):
            send(receiver.url().replace(LOOPBACK, "localhost"), allowed=allowed_of(entries))
    assert receiver.taken == []


def test_a_name_that_changes_its_mind_changes_nothing(receiver, monkeypatch):
    """DNS rebinding: what is connected to is the address that was checked, whatever is answered next."""
    answers = iter(["127.0.0.1", "127.9.9.9"])
    real = socket.getaddrinfo

    def fickle(host, *arguments, **named):
        return real(next(answers) if host == "erp.plant.example" else host, *arguments, **named)

    monkeypatch.setattr(exchange.socket, "getaddrinfo", fickle)
    send(f"http://erp.plant.example:{receiver.port}/", allowed=allowed_of(["127.0.0.1"]))
    with pytest.raises(Refused, match=r"127\.9\.9\.9"):
        send(f"http://erp.plant.example:{receiver.port}/", allowed=allowed_of(["127.0.0.1"]))
    (taken,) = receiver.taken
    assert taken.headers["Host"] == f"erp.plant.example:{receiver.port}"


def test_a_name_alone_is_called_by_https(monkeypatch):
    real = socket.getaddrinfo
    monkeypatch.setattr(
        exchange.socket,
        "getaddrinfo",
        lambda _host, *arguments, **named: real("93.184.216.34", *arguments, **named),
    )
    with pytest.raises(Refused, match="not among the allowed"):
        send("http://hooks.example.com/", allowed=allowed_of(["hooks.example.com"]))


@pytest.mark.parametrize(
    "url",
    [
        *(
            "ftp://a.example/",
            "file:///etc/passwd",
            "https:///x",
            "https://u:p@a.example/",
            "x",
        ),
        *("https://a.example:99999/", "https://a.example/a b", "https://a.example/ü"),
    ],
)
def test_a_url_that_is_none_is_refused(url):
    with pytest.raises(Refused):
        send(url)


def test_a_receiver_that_hangs_is_left_at_the_deadline(receiver):
    receiver.hang = True
    with pytest.raises(NotSent, match=r"no answer within 0\.5 s"):
        send(receiver.url(), deadline_s=0.5)


def test_a_receiver_that_drips_is_left_at_the_deadline(receiver):
    receiver.status, receiver.body, receiver.drip = 200, b"x" * 5000, True
    with pytest.raises(NotSent, match=r"no answer within 0\.7 s"):
        send(receiver.url(), deadline_s=0.7)


def test_an_answer_is_read_up_to_its_limit(receiver):
    receiver.status, receiver.body = 200, b"x" * (4 * exchange.MOST_ANSWER_BYTES)
    answer = exchange.post(receiver.url(), b"{}", {}, allowed=HERE, deadline_s=20)
    assert (answer.status, len(answer.body)) == (200, exchange.MOST_ANSWER_BYTES)


def test_a_receiver_that_is_not_there_is_tried_again():
    with pytest.raises(NotSent, match="refused"):
        send(f"http://{LOOPBACK}:{free_port()}/")


def test_a_tls_handshake_that_never_ends_is_left_at_the_deadline():
    with socket.create_server((LOOPBACK, 0)) as silent:
        accepted = []
        thread = threading.Thread(target=lambda: accepted.append(silent.accept()), daemon=True)
        thread.start()
        with pytest.raises(NotSent, match="no answer within"):
            send(f"https://{LOOPBACK}:{silent.getsockname()[1]}/", deadline_s=0.5)
        thread.join(10)
        for connection, _ in accepted:
            connection.close()

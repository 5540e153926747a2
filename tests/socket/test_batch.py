"""`ms5.v1+batch`: the same messages, as many in a frame as are due."""

import json
from contextlib import ExitStack

import pytest
from websockets.sync.client import connect

from ms5.accounts.keys import issue
from tests.socket.test_delivery import say, tell

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "snapshot"])


class Frames:
    """What the socket brings, frame by frame."""

    def __init__(self, server, user, *offered):
        _, key = issue(user, "of a test")
        self.stack = ExitStack()
        self.opening = connect(
            server.url,
            additional_headers={"Authorization": f"Token {key}"},
            subprotocols=list(offered) or None,
            compression=None,
            proxy=None,
        )
        self.seen = []

    def __enter__(self):
        self.socket = self.stack.enter_context(self.opening)
        return self

    def __exit__(self, *_):
        self.stack.close()

    def send(self, **message):
        self.socket.send(json.dumps(message))

    def until(self, type_, count=1):
        """Read frames until so many messages of the type have come; return the frames."""
        frames, left = [], count
        while left > 0:
            frames.append(json.loads(self.socket.recv(timeout=5)))
            left -= sum(message["type"] == type_ for message in messages(frames[-1:]))
        self.seen += frames
        return frames


def messages(frames):
    return [
        message
        for frame in frames
        for message in (frame if isinstance(frame, list) else [frame])
    ]


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (("ms5.v1", "ms5.v1+batch"), "ms5.v1+batch"),
        (("ms5.v9", "ms5.v1"), "ms5.v1"),
        (("ms5.v1+batch",), "ms5.v1+batch"),
        ((), None),
    ],
)
def test_the_best_protocol_that_is_offered_is_chosen(server, floor, offered, chosen):
    with Frames(server, floor.viewer, *offered) as client:
        assert client.socket.subprotocol == chosen
        (first,) = client.until("connection_established")
        assert messages([first])[0]["protocol"] == (chosen or "ms5.v1")


def test_a_burst_comes_in_few_frames_in_order_and_complete(server, floor):
    with Frames(server, floor.viewer, "ms5.v1+batch") as client:
        client.send(type="subscribe", subscription_type="line", target_id="L-OWN")
        client.until("snapshot")
        say(0, times=500)
        frames = client.until("equipment_state", 500)
        facts = [m for m in messages(frames) if m["type"] == "equipment_state"]
        assert [fact["seq"] for fact in facts] == list(range(1, 501))
        assert len(frames) <= 20
        assert all(len(frame) <= 256 for frame in frames if isinstance(frame, list))
        assert all(len(json.dumps(frame)) <= 80_000 for frame in frames)


def test_a_single_event_is_no_array(server, floor):
    with Frames(server, floor.viewer, "ms5.v1+batch") as client:
        client.send(type="subscribe", subscription_type="line", target_id="L-OWN")
        client.until("snapshot")
        say(0)
        frames = client.until("equipment_state")
        assert frames[-1]["type"] == "equipment_state"


def test_without_batch_every_message_has_its_frame(server, floor):
    with Frames(server, floor.viewer, "ms5.v1") as client:
        client.send(type="subscribe", subscription_type="line", target_id="L-OWN")
        client.until("snapshot")
        say(0, times=50)
        tell(1)
        frames = client.until("production_update")
        assert not any(isinstance(frame, list) for frame in client.seen)
        assert len([frame for frame in frames if frame["type"] == "equipment_state"]) == 50


def test_like_dashboards_are_one_cohort_and_get_the_same(server, floor):
    clients = [Frames(server, floor.viewer, "ms5.v1+batch") for _ in range(5)]
    try:
        for client in clients:
            client.__enter__()
            client.send(type="subscribe", subscription_type="line", target_id="L-OWN")
            client.until("snapshot")
        assert server.hub.totals().cohorts == 1
        say(0, times=100)
        for client in clients:
            facts = [
                message["seq"]
                for message in messages(client.until("equipment_state", 100))
                if message["type"] == "equipment_state"
            ]
            assert facts == list(range(1, 101))
        clients[0].send(type="subscribe", subscription_type="oee", target_id="L-OWN")
        clients[0].until("snapshot")
        assert server.hub.totals().cohorts == 2
        clients[0].send(type="unsubscribe", subscription_type="oee", target_id="L-OWN")
        clients[0].until("unsubscription_confirmed")
        assert server.hub.totals().cohorts == 1
    finally:
        for client in clients:
            client.__exit__()

"""Whatever the connection does to it, a client of the rules ends up with what the log holds."""

import json
from collections import deque

from hypothesis import example, given
from hypothesis import strategies as st

from tests.live import Rules, Status
from tests.live.outputs import Apply, Connect, Drop, Rewind, Send

LINE = "L1"
WISH = {"subscription_type": "line", "target_id": LINE}
HELLO = {
    "type": "connection_established",
    "epoch": "e-1",
    "limits": {"resume_events": 2_000, "frame_bytes": 16_384},
}


class Server:
    """A log of one line, and one connection: what waits on it, in order."""

    def __init__(self):
        self.log = []
        self.waiting = deque()
        self.heard = False
        self.sent = 0

    def connected(self):
        self.waiting = deque([HELLO])
        self.heard = False
        self.sent = 0

    def take(self, message):
        match message:
            case {"type": "subscribe", "id": id_}:
                self._say("snapshot", id=id_, **WISH, positions={LINE: len(self.log)})
            case {"type": "resume", "id": id_, "positions": {"L1": place}}:
                assert place["event_id"] in {None, f"id-{place['seq']}"}
                missed = self.log[place["seq"] :]
                outcome = {"recovered": True, "count": len(missed), "reason": None}
                self._say("resumed", id=id_, epoch="e-1", streams={LINE: outcome})
                for fact in missed:
                    self._fact(fact)
                self._say("live", id=id_)
        self.heard = True

    def append(self):
        seq = len(self.log) + 1
        self.log.append(
            {"type": "job_started", "stream": LINE, "seq": seq, "event_id": f"id-{seq}"}
        )
        if self.heard:
            self._fact(self.log[-1])

    def beat(self):
        positions = {LINE: len(self.log)} if self.heard else {}
        self._say("heartbeat", positions=positions, facts_sent=self.sent)

    def _fact(self, fact):
        self.sent += 1
        self.waiting.append(fact)

    def _say(self, type_, **fields):
        self.waiting.append({"type": type_, **fields})


class World:
    """A client, its server, and the wire between them."""

    def __init__(self):
        self.now = 0.0
        self.server = Server()
        self.rules = Rules([WISH], lambda: 0.5)
        self.facts = []
        self.begun_at = None
        self.swallowed = False
        self._perform(self.rules.start(0))

    def deliver(self, number):
        for _ in range(number):
            if self.rules.open and self.server.waiting:
                self._hear(self.server.waiting.popleft())

    def swallow(self):
        """Lose the next fact that waits, without a word."""
        facts = [message for message in self.server.waiting if "seq" in message]
        if facts:
            self.server.waiting.remove(facts[0])
            self.swallowed = True

    def cut(self):
        """End the connection. TCP loses nothing in the middle; where a mistake of the server did, only a
        heartbeat can tell, so that one comes first.
        """
        if self.swallowed:
            self.server.beat()
            self.deliver(1_000)
            self.swallowed = False
        if self.rules.open:
            self._perform(self.rules.closed(self.now, 1006))

    def come_back(self):
        if not self.rules.open:
            self.now = self.rules.deadline
            self._perform(self.rules.tick(self.now))

    def _hear(self, message):
        if message["type"] == "snapshot" and self.begun_at is None:
            self.begun_at = message["positions"][LINE]
        self.now += 1
        self._perform(self.rules.heard(self.now, json.dumps(message)))

    def _perform(self, outputs):
        for output in outputs:
            match output:
                case Connect():
                    self.server.connected()
                    self._perform(self.rules.opened(self.now))
                case Send(message):
                    self.server.take(message)
                case Apply({"seq": seq}):
                    self.facts.append(seq)
                case Rewind(positions):
                    self.facts = [seq for seq in self.facts if seq <= positions.get(LINE, 0)]
                case Drop():
                    self.server.waiting.clear()


DEEDS = st.one_of(
    st.just(("append",)),
    st.tuples(st.just("deliver"), st.integers(1, 6)),
    st.just(("beat",)),
    st.just(("swallow",)),
    st.just(("cut",)),
    st.just(("come_back",)),
)


@given(st.lists(DEEDS, max_size=60))
@example([("deliver", 2), ("append",), ("append",), ("swallow",), ("deliver", 1), ("beat",)])
@example([("append",), ("append",), ("swallow",), ("deliver", 3), ("cut",)])
@example([("deliver", 2), ("append",), ("cut",), ("append",), ("come_back",), ("swallow",)])
def test_it_holds_every_fact_once_and_in_order_after_losses_and_cuts(deeds):
    world = World()
    for name, *arguments in deeds:
        getattr(world if hasattr(world, name) else world.server, name)(*arguments)
    for _ in range(3):  # a loss is noticed, then made good, then seen to be good
        world.come_back()
        world.deliver(1_000)
        world.server.beat()
        world.deliver(1)
    assert world.rules.status is Status.LIVE
    assert world.facts == list(range(world.begun_at + 1, len(world.server.log) + 1))
    assert world.rules.gaps == []

"""The barrier and the cohorts: what stands before a snapshot, what after it, and what is never given."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.access import Access
from realtime.feed import Feed
from realtime.hub import Hub
from realtime.outbox import Outbox
from realtime.protocol import CloseCode
from realtime.routed import Fact, Gauge

OLD, NEW = "line.L", "equipment.E"


def fact(seq, *groups, stream="L"):
    return Fact(stream, seq, None if stream == "plant" else stream, groups, f"{stream}{seq}")


def gauge(ver, *groups, key="k", stream="L"):
    return Gauge(stream, key, ver, stream, groups, f"{key}{ver}")


def access(*lines):
    return Access(user_id=1, name="u", lines=frozenset(lines), sees_operations=False)


class World:
    """A hub that was not started: events are given to it by hand, and clients read when told to."""

    def __init__(self):
        self.hub = Hub()

    def tell(self, *facts, gauges=()):
        for one in facts:
            self.hub._deliver([one] if one.groups else [], [], one.stream, one.seq)
        for one in gauges:
            self.hub._deliver([], [one], one.stream, self.hub.positions.get(one.stream, 0))

    def client(self, *lines, most=1000, batch=False):
        return Client(self.hub, lines or ("L",), most, batch)


class Client:
    """A feed and its outbox; `read()` takes what is due, as the writer does."""

    def __init__(self, hub, lines, most, batch):
        self.closed = []
        self.outbox = Outbox(None, most=most, most_bytes=10**6, batch=batch)
        self.feed = Feed(
            hub,
            access(*lines),
            self.outbox,
            lambda *end: self.closed.append(end),
            most=most,
            most_bytes=10**6,
        )

    def subscribe(self, group, barrier, *, while_held=lambda: None, snapshot=None):
        self.feed.hold()
        self.feed.hold_too(group)
        while_held()
        after = self.feed.let_go(barrier)
        self.feed.begin(group, barrier)
        if snapshot is not None:
            self.feed.put(snapshot)
        self.feed.give(after)
        self.feed.settle()

    def read(self, most=10**6):
        texts = []
        while len(texts) < most and (frame := self.outbox._next()) is not None:
            texts += frame.text.strip("[]").split(",")
        return texts


def in_loop(scenario):
    async def run():
        world = World()
        try:
            scenario(world)
        finally:
            await world.hub.threads.close()
            await world.hub.readers.close()

    asyncio.run(run())


@pytest.mark.parametrize("batch", [False, True])
@given(
    groups=st.lists(st.sampled_from([(), (OLD,), (NEW,), (OLD, NEW)]), min_size=1, max_size=30),
    cuts=st.tuples(st.integers(0, 30), st.integers(0, 30), st.integers(0, 30)).map(sorted),
    reads=st.lists(st.integers(0, 4), max_size=30),
)
def test_a_snapshot_stands_between_what_it_holds_and_what_follows(batch, groups, cuts, reads):
    held_from, barrier, held_to = (min(cut, len(groups)) for cut in cuts)
    facts = [fact(seq, *of) for seq, of in enumerate(groups, 1)]

    def scenario(world):
        client, got = world.client(batch=batch), []
        turns = iter(reads)

        def tell(*some):
            for one in some:
                world.tell(one)
                got.extend(client.read(next(turns, 0)))

        client.subscribe(OLD, {"L": 0})
        tell(*facts[:held_from])
        assert client.feed.positions() == {"L": held_from}
        client.subscribe(
            NEW,
            {"L": barrier},
            while_held=lambda: tell(*facts[held_from:held_to]),
            snapshot="snapshot",
        )
        tell(*facts[held_to:])
        older = [one.text for one in facts[:barrier] if OLD in one.groups]
        newer = [one.text for one in facts[barrier:] if one.groups]
        assert client.feed.facts_sent == len(older) + len(newer)
        assert client.feed.positions() == {"L": len(groups)}
        assert got + client.read() == [*older, "snapshot", *newer]

    in_loop(scenario)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("tell"), st.sampled_from(["A", "B"]), st.integers(0, 3)),
        st.tuples(st.just("gauge"), st.sampled_from(["A", "B"]), st.integers(0, 2)),
        st.tuples(st.just("subscribe"), st.integers(0, 3), st.integers(0, 3)),
        st.tuples(st.just("unsubscribe"), st.integers(0, 3), st.integers(0, 3)),
        st.tuples(st.just("read"), st.integers(0, 3), st.integers(0, 5)),
        st.tuples(st.just("say"), st.integers(0, 3), st.just(0)),
    ),
    max_size=60,
)
GROUPS = [("line.all", ("A", "B")), ("line.A", ("A",)), ("line.B", ("B",)), ("event.x", ("A",))]


@given(STEPS)
def test_every_client_gets_each_of_its_facts_once_and_in_order(steps):
    """Against a queue for each client; cohorts, their cursors and frames change nothing of it."""

    def scenario(world):  # noqa: PLR0912 - a branch for each kind of step
        clients = [world.client("A", "B", batch=number % 2 == 0) for number in range(4)]
        wants = [set() for _ in clients]
        owed = [[] for _ in clients]
        newest = [{} for _ in clients]
        got = [[] for _ in clients]
        heads, versions = {"A": 0, "B": 0}, {}
        for what, who, number in steps:
            match what:
                case "tell":
                    heads[who] += 1
                    groups = ("line.all", f"line.{who}", *(("event.x",) if number else ()))
                    world.tell(fact(heads[who], *groups, stream=who))
                    for client, targets in enumerate(wants):
                        if _hears(targets, groups, who):
                            owed[client].append(f"{who}{heads[who]}")
                case "gauge":
                    key = f"{who}{number}"
                    versions[key] = versions.get(key, 0) + 1
                    groups = ("line.all", f"line.{who}")
                    one = gauge(versions[key], *groups, key=f"g{key}-", stream=who)
                    world.tell(gauges=[one])
                    for client, targets in enumerate(wants):
                        if _hears(targets, groups, who):
                            newest[client][key] = one.text
                case "subscribe":
                    target = GROUPS[number]
                    if target not in wants[who]:
                        wants[who].add(target)
                        barrier = {stream: heads[stream] for stream in target[1]}
                        clients[who].subscribe(target[0], barrier)
                case "unsubscribe":
                    target = GROUPS[number]
                    if target in wants[who]:
                        wants[who].discard(target)
                        left = {stream for _, streams in wants[who] for stream in streams}
                        clients[who].feed.stop(target[0], frozenset(target[1]) - left)
                case "read":
                    got[who] += clients[who].read(number)
                case "say":
                    clients[who].feed.put("said")
                    owed[who].append("said")
        for number, client in enumerate(clients):
            got[number] += client.read()
            texts = [text for text in got[number] if not text.startswith("g")]
            assert texts == owed[number]
            told = [text for text in owed[number] if text != "said"]
            assert client.feed.facts_sent == len(told)
            gauges = {text[1:].rpartition("-")[0] for text in got[number] if text[0] == "g"}
            assert gauges == newest[number].keys()
            for key, value in newest[number].items():
                values = [text for text in got[number] if text.startswith(f"g{key}-")]
                assert values[-1:] == [value]
                # Never an older one after a newer, and none twice.
                numbers = [int(text.rpartition("-")[2]) for text in values]
                assert numbers == sorted(set(numbers))
            client.feed.close()
        assert world.hub._groups == {}
        assert world.hub._cohorts == {}

    in_loop(scenario)


def _hears(targets, groups, stream):
    streams = {name for _, names in targets for name in names}
    return stream in streams and any(group in groups for group, _ in targets)


def test_those_who_hear_the_same_are_one_cohort_and_share_their_frames():
    def scenario(world):
        clients = [world.client(batch=True) for _ in range(3)]
        for client in clients:
            client.subscribe(OLD, {"L": 0})
        assert len(world.hub._cohorts) == 1
        for seq in range(1, 6):
            world.tell(fact(seq, OLD))
        frames = [client.outbox._next() for client in clients]
        assert frames[0].text == "[L1,L2,L3,L4,L5]"
        assert frames[1] is frames[0]
        assert frames[2] is frames[0]
        clients[0].subscribe(NEW, {"L": 5})
        assert len(world.hub._cohorts) == 2
        world.tell(fact(6, OLD))
        (cohort,) = {client.outbox.cursor.cohort for client in clients[1:]}
        assert cohort._frames == {}

    in_loop(scenario)


def test_one_message_is_no_array():
    def scenario(world):
        client = world.client(batch=True)
        client.subscribe(OLD, {"L": 0})
        world.tell(fact(1, OLD))
        assert client.outbox._next().text == "L1"

    in_loop(scenario)


def test_a_line_that_is_not_seen_any_more_is_silent_at_once():
    def scenario(world):
        client = world.client("L", "M")
        client.subscribe("line.all", {"L": 0, "M": 0, "plant": 0})
        world.tell(fact(1, "line.all"), fact(1, "line.all", stream="M"))
        world.tell(gauges=[gauge(1, "line.all"), gauge(1, "line.all", stream="M", key="m")])
        client.feed.see(access("M"))
        world.tell(fact(2, "line.all"), fact(2, "line.all", stream="M"))
        assert client.read() == ["M1", "m1", "M2"]

    in_loop(scenario)


def test_what_is_held_when_a_line_is_lost_is_not_given():
    def scenario(world):
        client = world.client("L")
        client.subscribe(OLD, {"L": 0})

        def lose():
            world.tell(fact(1, OLD))
            client.feed.see(access())

        client.subscribe(NEW, {}, while_held=lose)
        assert client.read() == []

    in_loop(scenario)


@pytest.mark.parametrize("batch", [False, True])
def test_a_gauge_that_waits_is_overtaken_and_counted(batch):
    def scenario(world):
        client = world.client(batch=batch)
        client.subscribe(OLD, {"L": 0})
        world.tell(gauges=[gauge(ver, OLD, key=key) for ver in range(1, 6) for key in "ab"])
        assert client.read() == ["a5", "b5"]
        assert client.outbox.coalesced == 8

    in_loop(scenario)


def test_a_gauge_goes_out_in_its_newest_value_at_its_turn():
    def scenario(world):
        client = world.client()
        client.subscribe(OLD, {"L": 0})
        world.tell(gauges=[gauge(1, OLD, key="a"), gauge(1, OLD, key="b")])
        assert client.read(1) == ["a1"]
        world.tell(gauges=[gauge(2, OLD, key="b"), gauge(2, OLD, key="a")])
        assert client.read() == ["b2", "a2"]

    in_loop(scenario)


def test_who_reads_too_slowly_is_cut_and_the_others_stay():
    def scenario(world):
        slow, quick = world.client(most=50), world.client(most=50)
        slow.subscribe(OLD, {"L": 0})
        quick.subscribe(OLD, {"L": 0})
        (cohort,) = world.hub._cohorts.values()
        for seq in range(1, 151):
            world.tell(fact(seq, OLD))
            quick.read()
        assert [code for code, _ in slow.closed] == [CloseCode.TOO_SLOW]
        assert quick.closed == []
        assert len(cohort.facts) <= 100
        assert slow.read() == []

    in_loop(scenario)


def test_who_does_not_read_its_answers_is_cut():
    def scenario(world):
        client = world.client(most=50)
        for _ in range(51):
            client.feed.put("answer")
        assert [code for code, _ in client.closed] == [CloseCode.TOO_SLOW]

    in_loop(scenario)


def test_a_replay_may_be_longer_than_what_a_client_may_leave_unread():
    def scenario(world):
        client = world.client(most=50)
        client.feed.owe([f"L{seq}" for seq in range(1, 501)])
        assert client.outbox.owes
        client.feed.put("live")
        assert client.closed == []
        assert len(client.read()) == 501
        assert client.feed.facts_sent == 500

    in_loop(scenario)


def test_a_snapshot_that_takes_too_long_ends_the_connection():
    def scenario(world):
        client = world.client(most=50)
        client.subscribe(OLD, {"L": 0})
        client.feed.hold()
        world.tell(*(fact(seq, OLD) for seq in range(1, 52)))
        assert [code for code, _ in client.closed] == [CloseCode.TRY_LATER]

    in_loop(scenario)


def test_what_is_said_comes_after_what_was_heard_before_it():
    def scenario(world):
        client = world.client()
        client.subscribe(OLD, {"L": 0})
        world.tell(fact(1, OLD))
        client.feed.put("said")
        world.tell(fact(2, OLD))
        assert client.read() == ["L1", "said", "L2"]

    in_loop(scenario)


@pytest.mark.parametrize("batch", [False, True])
def test_gauges_come_in_the_order_of_their_last_change(batch):
    def scenario(world):
        client = world.client(batch=batch)
        client.subscribe(OLD, {"L": 0})
        changes = [(1, "a"), (1, "b"), (2, "a")]
        world.tell(gauges=[gauge(ver, OLD, key=key) for ver, key in changes])
        assert client.read() == ["b1", "a2"]

    in_loop(scenario)


def test_a_stream_that_nothing_covers_any_more_has_no_position():
    def scenario(world):
        client = world.client("L", "M")
        client.subscribe("line.L", {"L": 0})
        client.subscribe("event.x", {"L": 0, "M": 0})
        client.feed.stop("event.x", frozenset({"M"}))
        assert client.feed.streams == {"L"}
        assert client.feed.positions() == {"L": 0}

    in_loop(scenario)

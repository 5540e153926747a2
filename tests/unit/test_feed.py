"""The barrier: what stands before a snapshot, what after it, and what is never given."""

from hypothesis import given
from hypothesis import strategies as st

from realtime.access import Access
from realtime.feed import Feed
from realtime.outbox import Outbox
from realtime.protocol import CloseCode
from realtime.routed import Fact, Gauge

OLD, NEW = "line.L", "equipment.E"


class Client:
    """A feed whose outbox nobody empties, so that it can be read."""

    def __init__(self, *, lines=("L",), most=1000):
        self.reached = {}
        self.closed = []
        self.outbox = Outbox(None, most=most, most_bytes=10**6)
        access = Access(user_id=1, name="u", lines=frozenset(lines), sees_operations=False)
        self.feed = Feed(
            access, self.reached, self.outbox, lambda *end: self.closed.append(end), most=most
        )

    def given(self):
        return list(self.outbox._messages)

    def gauges(self):
        return dict(self.outbox._gauges)

    def arrive(self, *facts):
        """Give facts as the hub does: to the feed where it is a member, then the position moves."""
        for one in facts:
            if one.groups:
                self.feed.hear_fact(one)
            self.reached[one.stream] = max(one.seq, self.reached.get(one.stream, 0))


def fact(seq, *groups, stream="L"):
    return Fact(stream, seq, None if stream == "plant" else stream, groups, f"{stream}{seq}")


def gauge(ver, *groups, key="k", stream="L"):
    return Gauge(stream, key, ver, stream, groups, f"{key}{ver}")


@given(
    groups=st.lists(st.sampled_from([(), (OLD,), (NEW,), (OLD, NEW)]), min_size=1, max_size=30),
    cuts=st.tuples(st.integers(0, 30), st.integers(0, 30), st.integers(0, 30)).map(sorted),
)
def test_a_snapshot_stands_between_what_it_holds_and_what_follows(groups, cuts):
    held_from, barrier, held_to = (min(cut, len(groups)) for cut in cuts)
    facts = [fact(seq, *of) for seq, of in enumerate(groups, 1)]
    client = Client()
    client.feed.begin(OLD, {"L": 0})
    client.arrive(*(one for one in facts[:held_from] if OLD in one.groups))
    client.reached["L"] = held_from
    assert client.feed.hold() == {"L": held_from}
    client.arrive(*facts[held_from:held_to])
    assert client.feed.positions() == {"L": held_from}
    after = client.feed.let_go({"L": barrier})
    client.feed.begin(NEW, {"L": barrier})
    client.feed.put("snapshot")
    client.feed.give(after)
    client.arrive(*facts[held_to:])
    older = [one.text for one in facts[:barrier] if OLD in one.groups]
    newer = [one.text for one in facts[barrier:] if one.groups]
    assert client.given() == [*older, "snapshot", *newer]
    assert client.feed.facts_sent == len(older) + len(newer)
    assert client.feed.positions() == {"L": len(groups)}


@given(st.integers(0, 20), st.integers(0, 20))
def test_a_first_snapshot_that_is_ahead_of_the_tail_makes_the_tail_repeat_nothing(head, more):
    client = Client()
    assert client.feed.hold() == {}
    assert client.feed.let_go({"L": head}) == []
    client.feed.begin(NEW, {"L": head})
    client.arrive(*(fact(seq, NEW) for seq in range(1, head + more + 1)))
    assert client.given() == [f"L{seq}" for seq in range(head + 1, head + more + 1)]
    assert client.feed.positions() == {"L": head + more}


def test_a_snapshot_that_fails_leaves_the_older_subscriptions_with_all_they_are_owed():
    client = Client()
    client.feed.begin(OLD, {"L": 0})
    client.feed.hold()
    client.arrive(fact(1, OLD), fact(2, NEW), fact(3, OLD, NEW))
    assert client.feed.let_go({}) == []
    assert client.given() == ["L1", "L3"]


def test_streams_that_the_new_target_does_not_cover_go_on_as_they_came():
    client = Client(lines=("L", "M"))
    client.feed.begin(OLD, {"L": 0, "M": 0})
    client.feed.hold()
    client.arrive(fact(1, OLD, stream="M"), fact(1, OLD), fact(2, OLD, stream="M"))
    after = client.feed.let_go({"L": 0})
    client.feed.begin(NEW, {"L": 0})
    client.feed.put("snapshot")
    client.feed.give(after)
    assert client.given() == ["M1", "M2", "snapshot", "L1"]


def test_of_a_stream_without_a_snapshot_nothing_is_given():
    client = Client(lines=("L", "M"))
    client.feed.begin(OLD, {"L": 0})
    client.arrive(fact(1, OLD, stream="M"))
    client.feed.hear_gauge(gauge(1, OLD, stream="M"))
    assert (client.given(), client.gauges()) == ([], {})


def test_a_line_that_is_not_seen_is_never_given_and_one_without_a_line_is():
    client = Client()
    client.feed.begin(OLD, {"L": 0, "M": 0, "plant": 0})
    client.arrive(fact(1, OLD, stream="M"), fact(1, OLD, stream="plant"), fact(1, OLD))
    assert client.given() == ["plant1", "L1"]


def test_a_stream_that_was_forgotten_falls_silent():
    client = Client()
    client.feed.begin(OLD, {"L": 0})
    client.arrive(fact(1, OLD))
    client.feed.forget(frozenset({"L"}))
    client.arrive(fact(2, OLD))
    client.feed.hear_gauge(gauge(1, OLD))
    assert (client.given(), client.gauges(), client.feed.positions()) == (["L1"], {}, {})


@given(st.lists(st.integers(1, 20), max_size=20))
def test_a_gauge_never_goes_back(versions):
    client = Client()
    client.feed.begin(OLD, {"L": 0})
    shown = []
    for ver in versions:
        client.feed.hear_gauge(gauge(ver, OLD))
        shown.append(client.gauges()["L", "k"])
    assert shown == [f"k{max(versions[: n + 1])}" for n in range(len(versions))]


def test_a_gauge_that_came_during_the_snapshot_follows_it():
    client = Client()
    client.feed.hold()
    client.feed.hear_gauge(gauge(7, NEW))
    after = client.feed.let_go({"L": 3})
    client.feed.begin(NEW, {"L": 3})
    client.feed.show(gauge(6, NEW))
    client.feed.give(after)
    assert client.gauges() == {("L", "k"): "k7"}


def test_a_client_that_leaves_too_much_unread_is_cut_off_once_and_memory_stays_bounded():
    client = Client(most=3)
    client.feed.begin(OLD, {"L": 0})
    client.arrive(*(fact(seq, OLD) for seq in range(1, 11)))
    assert client.given() == ["L1", "L2", "L3"]
    assert {code for code, _ in client.closed} == {CloseCode.TOO_SLOW}


def test_a_snapshot_that_takes_too_long_ends_the_connection_and_holds_no_more():
    client = Client(most=3)
    client.feed.begin(OLD, {"L": 0})
    client.feed.hold()
    client.arrive(*(fact(seq, OLD) for seq in range(1, 11)))
    assert {code for code, _ in client.closed} == {CloseCode.TRY_LATER}
    client.feed.let_go({})
    assert client.given() == ["L1", "L2", "L3"]

"""Hints and early gauges through a real Redis; its end and return; and life without it."""

import asyncio
import subprocess
import time
from contextlib import contextmanager

import pytest
from channels.layers import channel_layers, get_channel_layer

from ms5.children.death import dies_with_parent
from ms5.demo.redis import answers, own_redis
from ms5.events.log import Appended, Written
from realtime import broadcast
from tests import other_process
from tests.live.thread import until
from tests.socket.conftest import serving
from tests.socket.test_delivery import say, tell

pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["default", "snapshot"]),
    # The Redis client leaves the collector to close a connection whose peer was killed under it.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


class OwnRedis:
    """A Redis that a test may kill, pause and start again on the same port."""

    def __init__(self, directory):
        self._redis = own_redis(directory)
        self.url = self._redis.url
        self._process = None

    def start(self):
        self._process = subprocess.Popen(
            self._redis.command,
            stdout=subprocess.DEVNULL,
            preexec_fn=dies_with_parent(),  # noqa: PLW1509 - one prctl call
        )
        deadline = time.monotonic() + 10
        while not answers(self.url):
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def kill(self):
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def signal(self, number):
        self._process.send_signal(number)


@pytest.fixture
def redis(tmp_path, settings, monkeypatch):
    """A Redis of this test's own; the process' sender is made anew for it."""
    redis = OwnRedis(tmp_path)
    settings.REDIS_URL = redis.url
    config = {**settings.CHANNEL_LAYERS["default"]["CONFIG"], "hosts": [redis.url]}
    settings.CHANNEL_LAYERS = {
        "default": {**settings.CHANNEL_LAYERS["default"], "CONFIG": config}
    }
    channel_layers.backends.clear()
    monkeypatch.setattr(broadcast, "_sender", None)
    yield redis
    redis.kill()
    channel_layers.backends.clear()


@contextmanager
def hints_only(server):
    """Let the tail look every 30 s only, so that what arrives sooner was hinted at."""
    server.hub.tail.poll_s = 30
    server.hub.tail.wake()
    yield
    server.hub.tail.poll_s = 0.1
    server.hub.tail.wake()


def joined(server, *groups, within_s=10):
    """Wait until the process has joined exactly these groups."""
    deadline = time.monotonic() + within_s
    while server.hub.membership.joined != set(groups):
        assert time.monotonic() < deadline, server.hub.membership.joined
        time.sleep(0.02)


def test_a_hint_wakes_the_tail_and_a_gauge_comes_by_itself(redis, floor):
    redis.start()
    with serving() as server, server.client(floor.viewer) as client:
        client.subscribe("line", "L-OWN")
        joined(server, "line.L-OWN")
        with hints_only(server):
            for number in range(1, 21):
                say(number)
                assert client.expect("equipment_state", within_s=3)["seq"] == number
            tell(5)
            assert client.expect("production_update", within_s=3)["data"]["good"] == 5
        assert client.quiet(0.5) == []


def test_one_event_through_many_groups_is_still_sent_once(redis, floor):
    redis.start()
    with serving() as server, server.client(floor.viewer) as client:
        for type_, target in (
            ("line", "L-OWN"),
            ("line", "all"),
            ("production", "L-OWN"),
            ("production", "all"),
            ("event", "production_update"),
        ):
            client.subscribe(type_, target)
        joined(
            server,
            "line.L-OWN",
            "line.all",
            "production.L-OWN",
            "production.all",
            "event.production_update",
        )
        for good in range(1, 6):
            tell(good)
            say(good)
        client.expect("equipment_state", seq=5)
        client.quiet(0.5)
        assert [fact["seq"] for fact in client.facts()] == [1, 2, 3, 4, 5]
        versions = [frame["ver"] for frame in client.seen if "ver" in frame]
        assert versions == sorted(set(versions))
        assert versions[-1] == 5


def test_the_process_joins_with_the_first_subscriber_and_leaves_with_the_last(redis, floor):
    redis.start()
    with serving() as server, server.client(floor.viewer) as one:
        with server.client(floor.viewer) as other:
            one.subscribe("line", "L-OWN")
            other.subscribe("line", "L-OWN")
            other.subscribe("oee", "all")
            joined(server, "line.L-OWN", "oee.all")
        joined(server, "line.L-OWN")
        one.send("unsubscribe", subscription_type="line", target_id="L-OWN")
        joined(server)


def test_facts_arrive_while_redis_is_away_and_hints_again_after_it_returned(redis, floor):
    redis.start()
    with serving() as server, server.client(floor.viewer) as client:
        client.subscribe("line", "L-OWN")
        joined(server, "line.L-OWN")
        redis.kill()
        # A subscription made while it is away is confirmed at once, and served by the tail.
        began = time.monotonic()
        client.subscribe("equipment", "M.OWN")
        assert time.monotonic() - began < 2
        for number in range(1, 31):
            say(number)
            assert client.expect("equipment_state")["seq"] == number
            tell(number)
        client.expect("production_update")
        redis.start()
        joined(server, "line.L-OWN", "equipment.M.OWN", within_s=15)
        deadline = time.monotonic() + 15
        while server.hub.membership.error:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        with hints_only(server):
            time.sleep(1.5)  # the sender pauses for a second after a failure
            for number in range(31, 36):
                say(number)
                assert client.expect("equipment_state", within_s=5)["seq"] == number
        client.pong()
        assert [fact["seq"] for fact in client.facts()] == list(range(1, 36))


def test_a_redis_that_comes_later_is_joined(redis, floor):
    with serving() as server, server.client(floor.viewer) as client:
        client.subscribe("line", "L-OWN")
        say(1)
        client.expect("equipment_state")
        assert server.hub.membership.joined == set()
        redis.start()
        joined(server, "line.L-OWN", within_s=15)
        with hints_only(server):
            time.sleep(1.5)
            say(2)
            assert client.expect("equipment_state", within_s=5)["seq"] == 2


def test_a_paused_redis_delays_nothing(redis, floor):
    from signal import SIGCONT, SIGSTOP

    redis.start()
    with serving() as server, server.client(floor.viewer) as client:
        client.subscribe("line", "L-OWN")
        joined(server, "line.L-OWN")
        redis.signal(SIGSTOP)
        try:
            began = time.monotonic()
            for number in range(1, 11):
                say(number)
                assert client.expect("equipment_state")["seq"] == number
            client.subscribe("oee", "L-OWN")
            assert time.monotonic() - began < 4
            assert broadcast.dropped() > 0
        finally:
            redis.signal(SIGCONT)
        joined(server, "line.L-OWN", "oee.L-OWN", within_s=15)


def test_a_deaf_membership_is_opened_again(redis, floor):
    """A connection that takes messages and brings none raises nothing; only the probe finds it out."""
    redis.start()
    with serving() as server, server.client(floor.viewer) as client:
        client.subscribe("line", "L-OWN")
        joined(server, "line.L-OWN")
        layer = server.hub.membership._layer
        inner = next(iter(layer._layers.values()))
        for shard in inner._shards:
            # As after a half-open connection: the server has forgotten what the client believes.
            shard._pubsub.channels.clear()
            server.hub._loop.call_soon_threadsafe(
                server.hub._loop.create_task, shard._pubsub.unsubscribe()
            )
        heard = server.hub.membership._heard_at
        deadline = time.monotonic() + 20
        while server.hub.membership._heard_at < heard + 5:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        joined(server, "line.L-OWN", within_s=15)
        with hints_only(server):
            say(1)
            assert client.expect("equipment_state", within_s=5)["seq"] == 1


# A process of its own, as Celery's parent is: a fork of this one, full of threads, may inherit a held lock.
FORKS = """
import os, sys, time
from django.db import connections
from tests.socket.test_delivery import say
from ms5.events.log import Appended, Written
from realtime import broadcast

say(1)
parent = broadcast._sender
connections.close_all()
print("said", flush=True)
sys.stdin.readline()
child = os.fork()
if child == 0:
    try:
        say(2)
        time.sleep(1)
        os._exit(0 if broadcast._sender is not parent else 1)
    finally:
        os._exit(2)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_hints_leave_through_a_new_thread_after_a_fork(redis, floor):
    """Celery forks after the first commit; the child's commits must be hinted at as well."""
    redis.start()
    with serving() as server, server.client(floor.viewer) as client:
        client.subscribe("line", "L-OWN")
        joined(server, "line.L-OWN")
        program = f"from django.conf import settings\n{_own_redis(redis)}{FORKS}"
        with other_process.start(program) as process:
            client.expect("equipment_state", within_s=30)
            with hints_only(server):
                process.stdin.write("fork\n")
                process.stdin.flush()
                fact = client.expect("equipment_state", within_s=10)
            code, _, errors = other_process.finish(process)
        assert fact["seq"] == 2
        assert code == 0, errors


def test_messages_sent_in_one_go_arrive_in_order_and_each_in_its_group(redis):
    redis.start()
    layer = get_channel_layer()

    async def talk():
        mine, other = await layer.new_channel(), await layer.new_channel()
        await layer.group_add("line_A", mine)
        await layer.group_add("line_B", other)
        await layer.group_send_all(
            ("line_A" if n % 3 else "line_B", {"type": "hint", "head": n}) for n in range(300)
        )
        heard = [(await layer.receive(mine))["head"] for _ in range(200)]
        assert heard == [n for n in range(300) if n % 3]
        assert [(await layer.receive(other))["head"] for _ in range(100)] == [*range(0, 300, 3)]
        await layer.flush()

    asyncio.run(talk())


def test_more_than_go_at_once_all_leave(redis, monkeypatch):
    # How long a Redis that is slow may hold up the hints is not what this is about.
    monkeypatch.setattr(broadcast, "_SEND_S", 30.0)
    redis.start()
    sender = broadcast.Sender(get_channel_layer())
    count = 2 * broadcast._TOGETHER + 50
    sender.put([appended(f"L{n}") for n in range(count)])
    until(lambda: sender.sent + sender.dropped >= count)
    assert (sender.sent, sender.dropped) == (count, 0)


def test_what_could_not_leave_is_counted(redis):
    sender = broadcast.Sender(get_channel_layer())
    sender.put([appended(f"L{n}") for n in range(7)])
    until(lambda: sender.sent + sender.dropped >= 7)
    assert (sender.sent, sender.dropped) == (0, 7)


def appended(stream):
    """What a commit wrote to a stream: one fact."""
    fact = Written("equipment_state", stream, "M", 1, "{}")
    return Appended(stream, 1, (fact,), ())


def _own_redis(redis):
    """Return the line by which another process uses this test's Redis: its settings name none."""
    return f"settings.CHANNEL_LAYERS['default']['CONFIG']['hosts'] = [{redis.url!r}]\n"

"""What every test stands on: no network beyond this machine, and a real Redis on request."""

import ipaddress
import subprocess
import sys
import time

import pytest

from ms5.demo.death import dies_with_parent
from ms5.demo.redis import answers, own_redis


class BeyondLoopback(RuntimeError):
    """A test tried to reach another machine."""


def _stays_here(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host in {"", "localhost"}
    return address.is_loopback or address.is_unspecified


def _refuse_the_network(event: str, arguments: tuple[object, ...]) -> None:
    if event not in {"socket.connect", "socket.sendto"}:
        return
    address = arguments[1]
    if isinstance(address, tuple) and not _stays_here(str(address[0])):
        raise BeyondLoopback(f"{event} to {address}")


# An audit hook cannot be forgotten by a test, nor taken off.
sys.addaudithook(_refuse_the_network)


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory):
    """The URL of a real Redis of this test run, with a password, empty at the start."""
    redis = own_redis(tmp_path_factory.mktemp("redis"))
    server = subprocess.Popen(
        redis.command,
        stdout=subprocess.DEVNULL,
        preexec_fn=dies_with_parent(),  # noqa: PLW1509 - one prctl call
    )
    try:
        deadline = time.monotonic() + 10
        while not answers(redis.url):
            assert time.monotonic() < deadline, "the Redis of this test run did not start"
            time.sleep(0.02)
        yield redis.url
    finally:
        server.terminate()
        server.wait(10)


@pytest.fixture
def on_redis(redis_url, settings):
    """The channel layer on that Redis; layers made before and in the test are forgotten."""
    from channels.layers import channel_layers

    layer = settings.CHANNEL_LAYERS["default"]
    config = {**layer["CONFIG"], "hosts": [redis_url]}
    settings.CHANNEL_LAYERS = {"default": {**layer, "CONFIG": config}}
    channel_layers.backends.clear()
    yield redis_url
    channel_layers.backends.clear()

"""What every test stands on: no network beyond this machine, and a real Redis on request."""

import ipaddress
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ms5.children.death import dies_with_parent
from ms5.demo.redis import answers, own_redis
from tests import empty_database

CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


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


def pytest_collection_modifyitems(items):
    """Run what drives a browser last: Playwright keeps an event loop running in this thread from then on."""
    items.sort(key=lambda item: "chromium" in getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session")
def django_db_keepdb():
    """Whether the tests' database is there already: on SQLite a copy of an empty one is."""
    from django.conf import settings

    database = settings.DATABASES["default"]
    if not database["ENGINE"].endswith("sqlite3"):
        return False
    empty_database.copy_to(Path(database["TEST"]["NAME"]))
    return True


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


@pytest.fixture(scope="session")
def chromium():
    """A headless Chromium of this machine; CI must have one."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("CI must have Debian's chromium: the pages are not tested without it")
        pytest.skip("no chromium on this machine; `apt-get install chromium` tests the pages")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=CHROMIUM_ARGUMENTS, headless=True
        )
        yield browser
        browser.close()

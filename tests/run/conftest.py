"""A whole demo for the tests of a module."""

import pytest

from tests import empty_database
from tests.running_demo import RunningDemo, remember_other_ports

KEPT = {"redis", "plcs", "web", "poll", "worker", "beat"}


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The demo, counting, with a password of its own choice."""
    directory = tmp_path_factory.mktemp("demo")
    remember_other_ports(directory)
    empty_database.copy_to(directory / "ms5.sqlite3")
    demo = RunningDemo(directory, password="")
    try:
        assert set(demo.pids()) == KEPT
        demo.watch(lambda: demo.counted() > 0 and demo.health() == "ok", within_s=120)
        yield demo
    finally:
        demo.stop()

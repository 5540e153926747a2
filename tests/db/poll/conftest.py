"""A simulated controller, a poll of its shard, and a machine that it feeds."""

import pytest

from tests import factories
from tests.controllers import (
    logix,
    machine_tags,
    plc,
    polling,
)


@pytest.fixture
def server():
    with logix() as running:
        yield running


@pytest.fixture
def poll():
    with polling() as worker:
        yield worker


@pytest.fixture
def bagger():
    return factories.equipment(code="BAG1", line=factories.line(code="L-1"))


@pytest.fixture
def wired(server, bagger):
    """A running machine whose PLC has never been polled."""
    row = plc(server)
    machine_tags(row, bagger)
    return row

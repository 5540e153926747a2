"""A typed client that keeps what it was told whole: rules without any input or output, and a thin socket."""

from tests.live.board import Board
from tests.live.client import LiveClient
from tests.live.points import Point
from tests.live.rules import Gap, Rules, Status
from tests.live.thread import running, until

__all__ = ["Board", "Gap", "LiveClient", "Point", "Rules", "Status", "running", "until"]

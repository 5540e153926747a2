"""The demo with two web processes behind its port."""

import os
import signal
import sys

import pytest

from tests import empty_database
from tests.run.conftest import KEPT
from tests.run.test_supervisor import runs, wait_until
from tests.running_demo import RunningDemo, remember_other_ports

pytestmark = [
    pytest.mark.timeout(180),
    pytest.mark.skipif(sys.platform != "linux", reason="other kernels do not deal out"),
]


def test_while_one_of_two_is_away_the_other_answers(tmp_path):
    remember_other_ports(tmp_path)
    empty_database.copy_to(tmp_path / "ms5.sqlite3")
    demo = RunningDemo(tmp_path, MS5_WEB_PROCESSES="2")
    try:
        before = demo.pids()
        assert set(before) == KEPT | {"web2"}
        os.kill(before["web"], signal.SIGKILL)
        wait_until(lambda: not runs(before["web"]))
        answers = []
        while demo.pids()["web"] == before["web"]:
            answers.append(demo.health())
        assert set(answers) <= {"ok", "degraded", "gone"}
        # A request that the kernel had dealt to the killed one is lost with it; no other is.
        assert answers.count("gone") <= 1
        assert set(answers) - {"gone"}
        after = demo.pids()
        assert after["web2"] == before["web2"]
    finally:
        demo.stop()
    assert demo.process.returncode == 0
    assert "Stopped: all 7 processes have ended." in demo.lines[-1]
    assert [pid for pid in after.values() if runs(pid)] == []

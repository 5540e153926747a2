"""The supervisor with real processes: what crashes returns, what is asked to stop stops."""

import io
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ms5.demo.child import Program
from ms5.demo.lines import Terminal
from ms5.demo.supervisor import StepFailed, StopAsked, Supervisor
from tests.run.few_processes import STEADY, program

ROOT = Path(__file__).parent.parent.parent


def runs(pid):
    """Whether the process exists and is no zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in {"Z", "X"}


def wait_until(true, within_s=10.0):
    deadline = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline, "it did not become true in time"
        time.sleep(0.02)


@pytest.fixture
def screen():
    return io.StringIO()


@pytest.fixture
def supervisor(screen):
    with Supervisor(Terminal(screen, colour=False)) as supervisor:
        yield supervisor


@pytest.fixture
def outside(request):
    """The three programs under a supervisor of their own; its process, its pids, its lines."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.run.few_processes", getattr(request, "param", "1")],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    lines = []
    try:
        wanted = {"ready", "deaf", "grandchild"}
        while wanted and (line := process.stdout.readline()):
            lines.append(line)
            wanted -= set(line.split()[1:2])
        assert not wanted, lines
        ready = re.search(r"ready (\d+) (\d+) (\d+)", "".join(lines))
        grandchild = re.search(r"grandchild (\d+)", "".join(lines))
        pids = [int(pid) for pid in (*ready.groups(), grandchild.group(1))]
        assert all(runs(pid) for pid in pids)
        yield process, pids
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_a_program_that_is_killed_runs_again_under_a_new_pid(supervisor, screen):
    supervisor.keep(program("steady", STEADY))
    first = supervisor.pids()["steady"]
    os.kill(first, signal.SIGKILL)
    assert supervisor.run_until(lambda: supervisor.pids().get("steady", first) != first, 5)
    second = supervisor.pids()["steady"]
    assert runs(second)
    assert not runs(first)
    assert f"steady (pid {first}) was killed by SIGKILL; starting it again in 1 s" in (
        screen.getvalue()
    )
    assert f"steady runs again as pid {second}" in screen.getvalue()


def test_the_others_are_left_alone_when_one_crashes(supervisor):
    supervisor.keep(program("steady", STEADY))
    supervisor.keep(program("crashing", "raise SystemExit(3)"))
    steady, crashing = supervisor.pids()["steady"], supervisor.pids()["crashing"]
    assert supervisor.run_until(
        lambda: supervisor.pids().get("crashing", crashing) != crashing, 5
    )
    assert supervisor.pids()["steady"] == steady
    assert runs(steady)


def test_the_last_words_of_a_crash_are_shown_under_its_name(supervisor, screen):
    supervisor.keep(program("web", "import sys; print('begun'); sys.exit('out of flour')"))
    assert supervisor.run_until(lambda: "web" not in supervisor.pids(), 5)
    shown = screen.getvalue()
    assert "web          begun\n" in shown
    assert "web          out of flour\n" in shown
    assert "ended with code 1" in shown


def test_a_step_that_ends_well_is_waited_for(supervisor, screen):
    supervisor.finish(supervisor.step(program("migrate", "print('no migrations to apply')")))
    assert screen.getvalue() == "migrate      no migrations to apply\n"


def test_a_step_that_ends_badly_stops_the_start(supervisor):
    bad = supervisor.step(program("migrate", "raise SystemExit(2)"))
    good = supervisor.step(program("static", ""))
    with pytest.raises(StepFailed, match="migrate ended with code 2"):
        supervisor.finish(good, bad)


def test_a_program_that_is_not_there_is_an_error_at_the_first_start(supervisor):
    with pytest.raises(FileNotFoundError):
        supervisor.keep(Program(name="web", command=("/nonexistent/python",)))


def test_a_program_that_closes_its_output_costs_nothing(supervisor):
    supervisor.keep(program("quiet", f"import os\nos.close(1)\nos.close(2)\n{STEADY}"))
    before = time.process_time()
    assert not supervisor.run_until(lambda: False, 1.5)
    assert time.process_time() - before < 0.5
    assert runs(supervisor.pids()["quiet"])


def test_leaving_ends_every_process_whatever_the_reason(screen):
    pids = []

    def fails():
        with Supervisor(Terminal(screen, colour=False)) as supervisor:
            supervisor.keep(program("steady", STEADY))
            step = supervisor.step(program("static", STEADY))
            pids.extend([supervisor.pids()["steady"], step.pid])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert len(pids) == 2
    assert [pid for pid in pids if runs(pid)] == []
    assert "Stopped: all 2 processes have ended." in screen.getvalue()


def test_nobody_reading_the_terminal_is_a_reason_to_stop():
    reader, writer = os.pipe()
    os.close(reader)
    chatty = program("chatty", "print('hello', flush=True)\n" + STEADY)
    with (
        os.fdopen(writer, "w") as gone,
        Supervisor(Terminal(gone, colour=False)) as supervisor,
    ):
        supervisor.keep(chatty)
        pid = supervisor.pids()["chatty"]
        with pytest.raises(StopAsked):
            supervisor.run_until(lambda: False, 5)
    assert not runs(pid)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_all_the_deaf_and_the_grandchildren_too(outside, number):
    process, pids = outside
    process.send_signal(number)
    said, _ = process.communicate(timeout=10)
    assert process.returncode == 0
    assert [pid for pid in pids if runs(pid)] == []
    assert "stubborn does not end; killing it" in said
    assert "Stopped: all 3 processes have ended." in said


@pytest.mark.parametrize("outside", ["60"], indirect=True)
def test_a_second_ctrl_c_kills_at_once(outside):
    process, pids = outside
    process.send_signal(signal.SIGINT)
    wait_until(lambda: not runs(pids[2]))  # the first was heard: this one is not deaf
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=10)
    assert [pid for pid in pids if runs(pid)] == []


@pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux tells children of their parent's end"
)
def test_no_child_outlives_a_supervisor_that_is_killed(outside):
    process, pids = outside
    process.kill()
    process.wait()
    wait_until(lambda: not any(runs(pid) for pid in pids[:3]))
    os.kill(pids[3], signal.SIGKILL)  # a child's own child is that child's to end

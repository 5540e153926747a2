"""A real server, a small plant in a process of its own, and a real headless Chromium."""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from ms5.children.death import dies_with_parent
from ms5.demo import commands
from ms5.demo.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
SHOTS = ROOT / "build" / "screenshots"
PASSWORD = "a password of the tests"


class Server:
    """The web process, with a database of its own; it may be killed and started again on its port."""

    def __init__(self, directory):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = directory / "web.log"
        self.environment = {
            **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
            "PYTHONPATH": str(ROOT),
            "DJANGO_SETTINGS_MODULE": "ms5.settings",
            "SECRET_KEY": "only-for-this-test-run-" + "y" * 50,
            "MS5_DATA_DIR": str(directory),
            "DATABASE_URL": f"sqlite:///{directory / 'browser.sqlite3'}",
            # Nothing listens there: a board must live by the database alone.
            "REDIS_URL": "redis://127.0.0.1:1/0",
            "MS5_PORT": str(self.port),
            "MS5_LOG_FORMAT": "text",
        }
        self._process = None

    def run(self, arguments):
        """Run one of the commands of MS5 to its end."""
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    def start(self):
        """Start the web process and wait until it answers."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, *commands.web("127.0.0.1", self.port)],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
                preexec_fn=dies_with_parent(),  # noqa: PLW1509 - nothing is imported after the fork
            )
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"{self.url}/login/", timeout=5):  # noqa: S310 - our own http URL
                    return
            except urllib.error.URLError:
                assert self._process.poll() is None, self.log.read_text()
                time.sleep(0.05)
        pytest.fail(f"the server did not answer: {self.log.read_text()}")

    def kill(self):
        """End the web process as a crash would."""
        self._process.kill()
        self._process.wait(10)

    def restart(self):
        """Start it again on the same port and database."""
        self.start()

    def stop(self):
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(15)


class Plant:
    """The plant's process; every method of tests.browser.plant.Plant is a method here."""

    def __init__(self, server, log):
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.browser.plant"],
                cwd=ROOT,
                env=server.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                preexec_fn=dies_with_parent(),  # noqa: PLW1509 - nothing is imported after the fork
            )
        self._log = log

    def __getattr__(self, name):
        def say(**arguments):
            self._process.stdin.write(json.dumps({"do": name, **arguments}) + "\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
            assert answer, self._log.read_text()
            return json.loads(answer)["at"]

        return say

    def stop(self):
        self._process.stdin.close()
        self._process.wait(15)
        self._process.stdout.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """The web process on a fresh SQLite file, with the static files as they are served in a plant."""
    server = Server(tmp_path_factory.mktemp("web"))
    server.run(commands.MIGRATE)
    server.run(commands.COLLECT_STATIC)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def plant(server, tmp_path_factory):
    """Two lines of two machines each, all running, observed every second."""
    plant = Plant(server, tmp_path_factory.mktemp("plant") / "plant.log")
    plant.build(password=PASSWORD)
    yield plant
    plant.stop()


class Visitor:
    """A browser window of one person, and every script error it met."""

    def __init__(self, context, url):
        self.context = context
        self.page = context.new_page()
        self.url = url
        self.errors = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", self._note)

    def _note(self, message):
        # What the browser itself writes when a server is away; nothing a script can prevent.
        unreachable = "net::ERR_" in message.text or "WebSocket connection to" in message.text
        if message.type == "error" and not unreachable:
            self.errors.append(message.text)

    def open(self, path):
        return self.page.goto(self.url + path)

    def sign_in(self, username, password=PASSWORD, path="/"):
        self.open(path)
        self.page.fill("[name=username]", username)
        self.page.fill("[name=password]", password)
        self.page.click("main button[type=submit]")


@pytest.fixture
def visitor(server, plant, chromium):
    """Return a function that opens a window; no window may have met a script error in the end."""
    windows = []

    def opened(username=None, path="/", **options):
        settings = {"viewport": {"width": 1920, "height": 1080}, **options}
        window = Visitor(chromium.new_context(**settings), server.url)
        windows.append(window)
        if username:
            window.sign_in(username, path=path)
        return window

    yield opened
    for window in windows:
        window.context.close()
    assert [window.errors for window in windows if window.errors] == []


@pytest.fixture(autouse=True)
def _all_run(plant):
    """Every test begins with a plant in which all machines run."""
    from tests.browser.plant import MACHINES

    for code, *_ in MACHINES:
        plant.unmute(code=code)
        plant.show(code=code, state="running")


@pytest.fixture
def shot():
    """Return a function that keeps a picture of a window, for people to look at."""
    SHOTS.mkdir(parents=True, exist_ok=True)

    def keep(window, name, **options):
        window.page.screenshot(path=SHOTS / f"{name}.png", **options)

    return keep

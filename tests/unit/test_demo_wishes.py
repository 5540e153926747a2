"""What the environment asks of the demo, and the secrets it keeps."""

import socket
import stat

import pytest

from ms5.demo.wishes import BadWish, secret_key_file, wishes


def test_with_nothing_set_it_listens_on_the_loopback_at_port_8000(tmp_path):
    asked = wishes({}, tmp_path)
    assert asked.address == "http://127.0.0.1:8000"
    assert asked.data_dir == tmp_path / "var"
    assert asked.redis_url == ""
    assert asked.names() == ["localhost", "127.0.0.1", "[::1]"]


def test_the_password_is_the_one_chosen_else_a_new_one_each_time(tmp_path):
    chosen = wishes({"MS5_DEMO_PASSWORD": "bread-and-butter"}, tmp_path)
    assert (chosen.password, chosen.password_made) == ("bread-and-butter", False)
    made = [wishes({}, tmp_path) for _ in range(2)]
    assert all(each.password_made and len(each.password) >= 12 for each in made)
    assert made[0].password != made[1].password


@pytest.mark.parametrize("port", ["http", "0", "65536", "-1", "", "8000 ", "٨"])
def test_a_port_that_is_none_is_named(tmp_path, port):
    with pytest.raises(BadWish, match="MS5_PORT is"):
        wishes({"MS5_PORT": port}, tmp_path)


def test_one_web_process_unless_more_are_asked_for(tmp_path):
    assert wishes({}, tmp_path).web_processes == 1
    assert wishes({"MS5_WEB_PROCESSES": "3"}, tmp_path).web_processes == 3
    for text in ("0", "17", "two", ""):
        with pytest.raises(BadWish, match=r"MS5_WEB_PROCESSES is .* from 1 to 16\."):
            wishes({"MS5_WEB_PROCESSES": text}, tmp_path)


def test_on_every_address_it_is_reached_by_the_machines_name_too(tmp_path):
    everywhere = "0.0.0.0"  # noqa: S104 - nothing is bound here
    asked = wishes({"MS5_HOST": everywhere, "MS5_PORT": "9000"}, tmp_path)
    assert asked.address == "http://127.0.0.1:9000"
    assert asked.names()[:3] == ["localhost", "127.0.0.1", "[::1]"]
    assert socket.gethostname() in asked.names()


def test_on_one_address_it_is_reached_by_that_one(tmp_path):
    asked = wishes({"MS5_HOST": "192.0.2.7"}, tmp_path)
    assert asked.address == "http://192.0.2.7:8000"
    assert asked.names()[3:] == ["192.0.2.7"]
    assert wishes({"MS5_HOST": "2001:db8::7"}, tmp_path).address == "http://[2001:db8::7]:8000"


def test_the_secret_key_is_made_once_and_is_its_owners_alone(tmp_path):
    file = secret_key_file(tmp_path)
    first = file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(first) >= 50
    assert secret_key_file(tmp_path) == file
    assert file.read_text() == first

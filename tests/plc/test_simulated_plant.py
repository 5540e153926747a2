"""The whole bakery on the network, in this process and in one of its own."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from telemetry.drivers import driver_for
from telemetry.drivers.base import ByteOrder, DataType, Endpoint, LinkDown, Quality, TagSpec
from telemetry.simulator.bakery_tags import PLCS
from telemetry.simulator.control import obey
from telemetry.simulator.plant import BakeryPorts, Plant, serve_bakery

ANY_PORTS = BakeryPorts(bagger=0, loader=0, checkweigher=0, casepacker=0, control=0)


def specs_of(plc):
    return [
        TagSpec(
            tag.address,
            DataType(tag.data_type),
            tag.length,
            ByteOrder(tag.byte_order),
            plc.device_id,
        )
        for tag in plc.tags
    ]


def endpoint_from(line):
    code, protocol, address = line.split()
    host, _, port = address.rpartition(":")
    return code, protocol, host, int(port)


@pytest.fixture
def plant():
    plant = Plant(ANY_PORTS, seed=5)
    plant.start()
    yield plant
    plant.stop()


def endpoint(plant, code):
    row = next(row for row in PLCS if row.code == code)
    return Endpoint(row.protocol, "127.0.0.1", plant.servers[code].port, timeout_s=1)


def until(true, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_every_tag_of_the_bakery_is_read_good_through_the_real_drivers(plant):
    plant.tick(300)
    for row in PLCS:
        driver = driver_for(endpoint(plant, row.code))
        driver.open()
        readings = driver.read(specs_of(row))
        assert [r.error for r in readings] == [""] * len(row.tags)
        values = dict(zip([tag.name for tag in row.tags], readings, strict=True))
        if row.code == "bagger":
            assert values["Bags"].value == plant.bakery.bagger.total > 100
            assert len(values["Messages"].value) == 64
        if row.code == "checkweigher":
            assert values["Total"].value == plant.bakery.checkweigher.total > 100
            assert values["Speed"].value == pytest.approx(plant.get(row.code, "Speed"))
        if row.code == "casepacker":
            assert values["Count"].value == plant.bakery.casepacker.count > 10
            assert len(values["Alarms"].value) == 16
        driver.close()


def test_a_pinned_value_stays_through_the_ticks_until_it_is_freed(plant):
    plant.tick(60)
    assert obey(plant, "set bagger MC_Avg_Speed 12.5") == "ok"
    plant.tick(60)
    assert obey(plant, "get bagger MC_Avg_Speed") == "12.5"
    assert obey(plant, "set checkweigher State 2") == "ok"
    plant.tick(1)
    assert obey(plant, "get checkweigher State") == "2.0"
    assert obey(plant, "free bagger") == "ok"
    plant.tick(1)
    assert obey(plant, "get bagger MC_Avg_Speed") != "12.5"


@pytest.mark.parametrize(
    "line",
    [
        "",
        "dance",
        "get bagger",
        "get nobody X",
        "get bagger Nowhere",
        "set bagger MC_Avg_Speed fast",
        "set bagger Current_Product 99999",
        "set casepacker Count -1",
        "set casepacker State nan",
        "hold loader jam",
        "hold bagger party",
        "offline nobody 3",
    ],
)
def test_a_command_that_cannot_be_done_is_answered_with_an_error(plant, line):
    assert obey(plant, line).startswith("error: ")


def test_a_held_jam_shows_in_the_message_bits(plant):
    assert obey(plant, "hold bagger jam") == "ok"
    plant.tick(120)
    assert obey(plant, "get bagger Fault[36]") == "True"
    assert obey(plant, "release bagger") == "ok"


def test_a_plc_cut_off_by_hand_comes_back_on_its_port(plant):
    driver = driver_for(endpoint(plant, "loader"))
    driver.open()
    assert obey(plant, "offline loader 0.2") == "ok"
    plant.network(time.monotonic())
    with pytest.raises(LinkDown):
        driver.read([TagSpec("N7:0", DataType.INT16)])
    plant.network(time.monotonic() + 0.3)
    driver.open()
    assert driver.read([TagSpec("N7:0", DataType.INT16)])[0].quality is Quality.GOOD
    driver.close()


def test_a_plant_that_finds_a_port_taken_leaves_nothing_running():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ports = BakeryPorts(0, 0, taken.getsockname()[1], 0)
        with pytest.raises(OSError, match="listened on"):
            Plant(ports).start()


def test_the_served_bakery_moves_with_the_clock_and_loses_its_checkweigher():
    stop, lines = threading.Event(), []
    serving = threading.Thread(
        target=serve_bakery,
        args=(ANY_PORTS, stop),
        kwargs={"speedup": 120, "announce": lines.append},
    )
    serving.start()
    try:
        until(lambda: len(lines) == 5)
        assert [line.split()[0] for line in lines] == [
            "bagger",
            "loader",
            "checkweigher",
            "casepacker",
            "control",
        ]
        _, protocol, host, port = endpoint_from(lines[2])
        driver = driver_for(Endpoint(protocol, host, port, timeout_s=0.5))
        seen = set()

        def lost_and_found():
            try:
                driver.open()
                driver.read([TagSpec("input:0", DataType.UINT16)])
                seen.add("found" if "lost" in seen else "there")
            except LinkDown:
                seen.add("lost")
            return seen == {"there", "lost", "found"}

        try:
            until(lost_and_found, 60)
        finally:
            driver.close()
    finally:
        stop.set()
        serving.join()


@pytest.fixture
def process():
    """The bakery in its own process, on free ports, with the lines that it printed."""
    bakery = subprocess.Popen(
        [
            sys.executable, "-m", "telemetry.simulator", "--logix-port", "0", "--modbus-port",
            "0", "--control-port", "0", "--seed", "3", "--die-with-parent",
        ],
        stdout=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    yield bakery, [bakery.stdout.readline() for _ in range(5)]
    bakery.kill()
    bakery.wait()
    bakery.stdout.close()


def test_a_process_of_its_own_is_read_and_controlled_and_ends_when_told(process):
    bakery, lines = process
    _, _, host, port = endpoint_from(lines[4])
    with socket.create_connection((host, port), timeout=5) as door, door.makefile("rw") as talk:
        talk.write("set bagger MC_Avg_Speed 42\n")
        talk.flush()
        assert talk.readline() == "ok\n"
    _, protocol, host, port = endpoint_from(lines[0])
    driver = driver_for(Endpoint(protocol, host, port, timeout_s=2))
    driver.open()
    assert driver.read([TagSpec("MC_Avg_Speed", DataType.FLOAT32)])[0].value == 42.0
    driver.close()
    bakery.send_signal(signal.SIGTERM)
    assert bakery.wait(20) == 0


def test_it_says_why_when_a_port_is_taken():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "telemetry.simulator", "--logix-port", port]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "The simulated bakery cannot start" in done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel tells children only on Linux")
def test_it_dies_with_its_parent():
    script = (
        "import subprocess, sys; p = subprocess.Popen([sys.executable, '-m', "
        "'telemetry.simulator', '--logix-port', '0', '--modbus-port', '0', "
        "'--die-with-parent'], stdout=subprocess.PIPE, text=True); "
        "p.stdout.readline(); print(p.pid)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    orphan = int(done.stdout)

    def gone():
        try:
            os.kill(orphan, 0)
        except ProcessLookupError:
            return True
        stat = Path(f"/proc/{orphan}/stat").read_text(encoding="ascii")
        return stat.rpartition(")")[2].split()[0] == "Z"

    until(gone)

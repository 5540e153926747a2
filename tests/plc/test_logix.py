"""The Logix driver against a controller that behaves."""

import itertools
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from pycomm3 import LogixDriver

from telemetry.drivers.base import (
    DataType,
    DriverBusy,
    Endpoint,
    LinkDown,
    Quality,
    TagSpec,
)
from telemetry.drivers.logix import LogixReader
from telemetry.simulator.cip import Identity
from telemetry.simulator.enip import LogixServer
from telemetry.simulator.faults import Faults
from telemetry.simulator.memory import Memory
from telemetry.simulator.structures import STRUCTURES, text
from tests.plc.peers import until

SPEED = TagSpec("MC_Avg_Speed", DataType.FLOAT32)
PRODUCT = TagSpec("Current_Product", DataType.INT16)
COUNT = TagSpec("Count_Blade_PEC.ACC", DataType.INT32)
ENABLED = TagSpec("AllDrivesEnabled", DataType.BOOL)
FAULT = TagSpec("Fault", DataType.BOOL, 64)


def test_a_bagger_is_read_in_one_packet_by_name(plc, driver_of):
    plc.set("MC_Avg_Speed", 98.5)
    plc.set("Current_Product", -2)
    plc.set("Count_Blade_PEC.ACC", 84231)
    plc.set("AllDrivesEnabled", True)
    plc.set("Fault[59]", True)
    driver = driver_of(plc)
    driver.open()
    before = datetime.now(UTC)
    readings = driver.read([SPEED, PRODUCT, COUNT, ENABLED, FAULT])
    assert [r.value for r in readings[:4]] == [98.5, -2, 84231, True]
    assert [n for n, on in enumerate(readings[4].value) if on] == [59]
    assert {r.quality for r in readings} == {Quality.GOOD}
    assert [r.address for r in readings] == [
        "MC_Avg_Speed",
        "Current_Product",
        "Count_Blade_PEC.ACC",
        "AllDrivesEnabled",
        "Fault",
    ]
    # One packet, and so one moment: states and pieces that are read together lie together.
    (at,) = {r.source_at for r in readings}
    assert before <= at <= before + timedelta(seconds=1)
    assert plc.stats.services[0x0A] == 1
    assert plc.stats.services[0x55] == 0


def test_opening_needs_no_upload_and_one_connection_serves_all_reads(plc, driver_of):
    driver = driver_of(plc)
    driver.open()
    driver.open()
    for _ in range(20):
        driver.read([SPEED, PRODUCT])
    assert (plc.stats.connections, plc.stats.forward_opens) == (1, 1)
    assert plc.stats.writes == 0


def test_closing_says_farewell_at_once(plc, driver_of):
    driver = driver_of(plc, timeout_s=5)
    driver.open()
    plc.faults = Faults(drop=True)
    began = time.monotonic()
    driver.close()
    driver.close()
    assert time.monotonic() - began < 0.3
    assert not driver.connected
    until(lambda: plc.stats.forward_closes == 1)


def test_a_tag_alone_and_bits_and_program_tags_are_read(plc, driver_of):
    plc.set("Current_Product", 0x21)
    plc.set("Fault[37]", True)
    plc.set("Program:Main.Step", 12)
    driver = driver_of(plc)
    driver.open()
    assert [r.value for r in driver.read([PRODUCT])] == [0x21]
    readings = driver.read([
        TagSpec("Current_Product.5", DataType.BOOL),
        TagSpec("Current_Product.4", DataType.BOOL),
        TagSpec("Fault[37]", DataType.BOOL),
        TagSpec("Fault[36]", DataType.BOOL, 3),
        TagSpec("Program:Main.Step", DataType.INT32),
    ])  # fmt: skip
    assert [r.value for r in readings] == [True, False, True, (False, True, False), 12]


def test_an_array_longer_than_a_reply_is_read_in_fragments(plc, driver_of):
    plc.set("Recipe", list(range(3000)))
    driver = driver_of(plc, timeout_s=2)
    driver.open()
    array, speed = driver.read([TagSpec("Recipe", DataType.INT32, 3000), SPEED])
    assert array.value == tuple(range(3000))
    assert speed.value == 0.0
    assert plc.stats.services[0x52] >= 4


@pytest.fixture
def recipe(monkeypatch):
    """A controller with small connections, and in it a text that needs several replies."""
    monkeypatch.setitem(STRUCTURES, "STRING_600", text("STRING_600", 0x0A15, 600))
    server = LogixServer(Memory([("Recipe_Text", "STRING_600", 1), ("Other", "DINT", 1)]))
    server.large_connections = False
    server.memory.write_text("Recipe_Text", PROSE)
    server.start()
    yield server
    server.stop()


PROSE = "".join(f"{n:04d}" for n in range(150))
RECIPE = TagSpec("Recipe_Text", DataType.STRING, 600)


def test_a_text_longer_than_a_reply_is_whole(recipe, driver_of):
    driver = driver_of(recipe, timeout_s=2)
    driver.open()
    whole, other = driver.read([RECIPE, TagSpec("Other", DataType.INT32)])
    assert (whole.value, whole.error) == (PROSE, "")
    assert other.value == 0
    assert recipe.stats.services[0x52] == 4
    driver.close()
    with LogixDriver(f"127.0.0.1:{recipe.port}") as stock:
        assert stock.read("Recipe_Text").value == PROSE


def moving(recipe, monkeypatch, texts):
    """Let the text become another one after each of its pieces."""
    memory, read = recipe.memory, recipe.memory.read

    def read_and_move(*place):
        piece = read(*place)
        if coming := next(texts, ""):
            memory.write_text("Recipe_Text", coming)
        return piece

    monkeypatch.setattr(memory, "read", read_and_move)


def test_a_text_that_moves_between_its_pieces_is_read_until_two_readings_agree(
    recipe, driver_of, monkeypatch
):
    driver = driver_of(recipe, timeout_s=2)
    driver.open()
    moving(recipe, monkeypatch, iter(["b" * 600]))
    assert driver.read([RECIPE])[0].value == "b" * 600
    assert recipe.stats.services[0x52] == 6
    driver.close()


def test_a_second_reading_of_a_text_that_is_torn_itself_is_not_believed(
    recipe, driver_of, monkeypatch
):
    driver = driver_of(recipe, timeout_s=2)
    driver.open()
    # Two pieces make a reading: whole, torn, whole, and no two of them are the same.
    texts = [PROSE, PROSE, "b" * 600, "c" * 600]
    moving(recipe, monkeypatch, iter(texts))
    (reading,) = driver.read([RECIPE])
    assert (reading.value, reading.quality) == (None, Quality.BAD)
    driver.close()


def test_a_text_that_never_rests_is_bad(recipe, driver_of, monkeypatch):
    driver = driver_of(recipe, timeout_s=2)
    driver.open()
    moving(recipe, monkeypatch, itertools.cycle(["b" * 600, "c" * 600, "d" * 600]))
    (reading,) = driver.read([RECIPE])
    assert (reading.value, reading.quality) == (None, Quality.BAD)
    assert reading.error == "Recipe_Text moves faster than it can be read."
    driver.close()


def test_three_hundred_tags_take_few_packets(driver_of):
    server = LogixServer(Memory([(f"Tag_{n:03}", "DINT", 1) for n in range(300)]))
    server.start()
    try:
        for n in range(300):
            server.set(f"Tag_{n:03}", n * n)
        driver = driver_of(server, timeout_s=2)
        driver.open()
        specs = [TagSpec(f"Tag_{n:03}", DataType.INT32) for n in range(300)]
        assert [r.value for r in driver.read(specs)] == [n * n for n in range(300)]
        assert server.stats.services[0x0A] == 2
        driver.close()
    finally:
        server.stop()


def test_instance_numbers_that_move_move_no_value_to_another_name(plc, driver_of):
    """What a download does: the same names, in another order."""
    plc.memory.define("Other_Total", "DINT")
    plc.set("Total", 7)
    plc.set("Other_Total", 99)
    total = TagSpec("Total", DataType.INT32)
    driver = driver_of(plc)
    driver.open()
    with LogixDriver(f"127.0.0.1:{plc.port}") as stock:
        assert (stock.read("Total").value, driver.read([total])[0].value) == (7, 7)
        symbols = plc.memory._symbols
        places = list(symbols)
        here, there = places.index("Total"), places.index("Other_Total")
        places[here], places[there] = places[there], places[here]
        plc.memory._symbols = {name: symbols[name] for name in places}
        # As it is published, it reads by number, and so another tag without an error.
        assert stock.read("Total").value == 99
    assert driver.read([total, SPEED])[0].value == 7


def test_an_unknown_tag_is_one_bad_reading_and_leaves_the_others_good(plc, driver_of):
    plc.controller.tag_errors["Total"] = 0x0F
    driver = driver_of(plc)
    driver.open()
    readings = driver.read([
        SPEED,
        TagSpec("Nowhere", DataType.INT32),
        TagSpec("Total", DataType.INT32),
        TagSpec("Recipe[2999]", DataType.INT32, 2),
        TagSpec("not a name", DataType.INT32),
        PRODUCT,
    ])  # fmt: skip
    assert [r.quality for r in readings] == ["good", "bad", "bad", "bad", "bad", "good"]
    assert [r.error for r in readings[1:5]] == [
        "Nowhere was not read: no such tag in the PLC.",
        "Total was not read: the PLC does not allow reading it.",
        "Recipe[2999] was not read: it reaches beyond the end of the array.",
        "'not a name' is not the name of a Logix tag.",
    ]
    assert all(r.value is None for r in readings[1:5])
    assert driver.connected


def test_bad_addresses_alone_are_readings_and_ask_nothing(plc, driver_of):
    driver = driver_of(plc)
    driver.open()
    assert [r.quality for r in driver.read([TagSpec("no no", DataType.BOOL)])] == ["bad"]
    assert driver.read([]) == []
    assert plc.stats.services[0x4C] == 0


def test_a_tag_of_another_type_is_bad_and_says_which(plc, driver_of):
    plc.set("MC_Avg_Speed", 21.5)
    driver = driver_of(plc)
    driver.open()
    wrong, right = driver.read([TagSpec("MC_Avg_Speed", DataType.INT32), PRODUCT])
    assert (wrong.value, wrong.quality) == (None, Quality.BAD)
    assert wrong.error == "MC_Avg_Speed is REAL in the PLC, the tag says int32."
    assert (wrong.has_other_type, right.has_other_type) == (True, False)
    assert right.quality is Quality.GOOD


def test_a_type_changed_by_a_download_is_noticed_at_the_next_read(plc, driver_of):
    driver = driver_of(plc)
    driver.open()
    assert driver.read([SPEED])[0].quality is Quality.GOOD
    plc.memory.define("MC_Avg_Speed", "DINT")
    assert "is DINT in the PLC, the tag says float32" in driver.read([SPEED])[0].error


@pytest.mark.parametrize(
    "spec", [TagSpec("Total", DataType.STRING), TagSpec("Total.5", DataType.BOOL)]
)
def test_a_controller_that_names_another_type_in_its_refusal_says_so(spec, plc, driver_of):
    plc.faults = Faults(message=bytes([0xCC, 0, 0xFF, 1, 0x07, 0x21]))
    plc.controller.counts_changes = False
    driver = driver_of(plc)
    plc.faults.replies = 0
    driver.open()
    plc.faults.replies = 1
    (reading,) = driver.read([spec])
    assert reading.has_other_type
    assert reading.error == f"{spec.address} was not read: its type in the PLC is another one."


def test_a_real_that_is_no_number_is_bad(plc, driver_of):
    plc.set("MC_Avg_Speed", float("nan"))
    driver = driver_of(plc)
    driver.open()
    speed, product = driver.read([SPEED, PRODUCT])
    assert (speed.quality, speed.error) == (Quality.BAD, "MC_Avg_Speed is not a number.")
    assert product.quality is Quality.GOOD


def test_the_upload_lists_every_tag_that_can_be_read(plc, driver_of):
    driver = driver_of(plc)
    driver.open()
    listed = driver.upload()
    assert ("MC_Avg_Speed", DataType.FLOAT32, 1) in listed
    assert ("Fault", DataType.BOOL, 64) in listed
    assert ("Recipe", DataType.INT32, 3000) in listed
    assert ("Count_Blade_PEC.ACC", DataType.INT32, 1) in listed
    assert ("Program:Main.Step", DataType.INT32, 1) in listed
    specs = [TagSpec(name, kind, length) for name, kind, length in listed]
    assert {r.quality for r in driver.read(specs)} == {Quality.GOOD}


def test_a_controller_with_small_connections_is_read_all_the_same(plc, driver_of):
    plc.large_connections = False
    plc.set("Recipe", list(range(3000)))
    driver = driver_of(plc, timeout_s=2)
    driver.open()
    array, speed = driver.read([TagSpec("Recipe", DataType.INT32, 3000), SPEED])
    assert array.value == tuple(range(3000))
    assert speed.quality is Quality.GOOD
    assert plc.stats.forward_opens == 2


def test_a_micro800_is_asked_for_one_tag_at_a_time(driver_of):
    server = LogixServer(
        Memory([("Speed", "REAL", 1), ("Count", "DINT", 1)]),
        identity=Identity(product="2080-LC50-24QWB"),
    )
    server.start()
    try:
        server.set("Count", 17)
        driver = driver_of(server)
        driver.open()
        specs = [TagSpec("Speed", DataType.FLOAT32), TagSpec("Count", DataType.INT32)]
        assert [r.value for r in driver.read(specs)] == [0.0, 17]
        assert (server.stats.services[0x0A], server.stats.services[0x4C]) == (0, 2)
        driver.close()
    finally:
        server.stop()


SHORT_STRING = bytes([0xCC, 0, 0, 0, 0xDA, 0])


@pytest.mark.parametrize(
    ("payload", "value", "error"),
    [
        (b"\x05Toast", "Toast", ""),
        (b"\x05Toast\0\0", "Toast", ""),
        (b"\0", "", ""),
        (b"\x03\xc3\xa9!", "é!", ""),
        (b"\x06Toast", None, "Name was answered with 6 bytes where 7 were due."),
        (b"", None, "Name was answered with 0 bytes where 1 were due."),
    ],
)
def test_a_text_of_a_micro800_is_read(payload, value, error, driver_of):
    memory = Memory([("Name", "DINT", 1)])
    server = LogixServer(memory, identity=Identity(product="2080-LC50-24QWB"))
    server.controller.counts_changes = False
    server.start()
    try:
        driver = driver_of(server)
        driver.open()
        server.faults = Faults(message=SHORT_STRING + payload)
        (reading,) = driver.read([TagSpec("Name", DataType.STRING)])
        assert (reading.value, reading.error) == (value, error)
        (reading,) = driver.read([TagSpec("Name", DataType.INT32)])
        assert reading.error == "Name is STRING in the PLC, the tag says int32."
        driver.close()
    finally:
        server.stop()


def test_texts_of_a_micro800_are_read_one_by_one(driver_of, monkeypatch):
    """They come with their own lengths, so that those of an array cannot be told apart."""
    memory = Memory([("Names", "SINT", 3)])
    server = LogixServer(memory, identity=Identity(product="2080-LC50-24QWB"))
    texts = [b"Toast", b"", b"Rye"]

    def read(steps, elements):
        first = steps[0][1][0]
        some = texts[first : first + elements]
        return b"\xda\0", b"".join(bytes([len(each)]) + each for each in some)

    monkeypatch.setattr(memory, "read", read)
    server.start()
    try:
        driver = driver_of(server)
        driver.open()
        specs = [TagSpec(f"Names[{n}]", DataType.STRING) for n in range(3)]
        for due in (4, 3):
            before = server.stats.services[0x4C]
            assert [r.value for r in driver.read(specs)] == ["Toast", "", "Rye"]
            assert server.stats.services[0x4C] - before == due
        driver.close()
    finally:
        server.stop()


@pytest.mark.parametrize("path", ["", "0", "2"])
def test_a_micro800_is_spoken_to_without_the_path_of_a_backplane(path):
    server = LogixServer(
        Memory([("Count", "DINT", 1)]), identity=Identity(product="2080-LC50-24QWB")
    )
    server.start()
    driver = LogixReader(Endpoint("logix", "127.0.0.1", server.port, path=path))
    try:
        driver.open()
        assert driver.read([TagSpec("Count", DataType.INT32)])[0].value == 0
        driver.close()
    finally:
        server.stop()


def test_a_controller_without_a_free_connection_is_a_lost_link(plc, driver_of):
    plc.connection_limit = 0
    driver = driver_of(plc)
    with pytest.raises(LinkDown, match="refused a CIP connection"):
        driver.open()
    assert not driver.connected


def test_a_second_user_is_told_at_once_and_the_first_gets_its_values(plc, driver_of):
    plc.set("Current_Product", 7)
    plc.faults = Faults(delay_s=0.6)
    driver = driver_of(plc, timeout_s=2)
    driver.open()
    found = []
    first = threading.Thread(target=lambda: found.extend(driver.read([PRODUCT])))
    first.start()
    until(lambda: plc.stats.services[0x0A] == 1)
    began = time.monotonic()
    with pytest.raises(DriverBusy, match="in use by another thread"):
        driver.read([SPEED])
    with pytest.raises(DriverBusy):
        driver.open()
    assert time.monotonic() - began < 0.3
    first.join()
    assert [r.value for r in found] == [7]


def test_closing_from_another_thread_ends_the_read(plc, driver_of):
    driver = driver_of(plc, timeout_s=5)
    driver.open()
    plc.faults = Faults(drop=True)
    said = []

    def read():
        with pytest.raises(LinkDown) as down:
            driver.read([PRODUCT])
        said.append(str(down.value))

    reader = threading.Thread(target=read)
    reader.start()
    until(lambda: plc.stats.services[0x0A] == 1)
    began = time.monotonic()
    driver.close()
    reader.join()
    assert time.monotonic() - began < 0.5
    assert len(said) == 1
    assert not driver.connected


def test_reading_a_closed_driver_is_a_lost_link(plc, driver_of):
    with pytest.raises(LinkDown, match="is not connected"):
        driver_of(plc).read([SPEED])


def test_a_route_that_cannot_be_understood_is_a_lost_link(plc):
    driver = LogixReader(Endpoint("logix", "127.0.0.1", plc.port, path="a/b/c"))
    with pytest.raises(LinkDown, match="could not be asked"):
        driver.open()
    assert not driver.connected


def test_strings_structures_and_their_arrays_are_read_by_member(driver_of):
    memory = Memory([
        ("Recipe_Name", "STRING", 1), ("Lot", "STRING_20", 1), ("Motor", "MOTOR", 1),
        ("Motors", "MOTOR", 4), ("Program:Main.Motor", "MOTOR", 1), ("Names", "STRING", 5),
    ])  # fmt: skip
    server = LogixServer(memory)
    server.start()
    try:
        memory.write_text("Recipe_Name", "Toast 500 g")
        memory.write_text("Lot", "2026-11-29/7")
        server.set("Motor.Faulted", value=True)
        server.set("Motors[2].Speed", 41.5)
        server.set("Program:Main.Motor.Running", value=True)
        driver = driver_of(server, timeout_s=2)
        driver.open()
        readings = driver.read([
            TagSpec("Recipe_Name", DataType.STRING),
            TagSpec("Lot", DataType.STRING, 20),
            TagSpec("Motor.Faulted", DataType.BOOL),
            TagSpec("Motor.Running", DataType.BOOL),
            TagSpec("Motors[2].Speed", DataType.FLOAT32),
            TagSpec("Program:Main.Motor.Running", DataType.BOOL),
            TagSpec("Motor.Hours", DataType.INT16, 4),
            TagSpec("Motor", DataType.STRING),
            TagSpec("Lot", DataType.STRING, 40),
        ])  # fmt: skip
        assert [r.value for r in readings[:6]] == [
            "Toast 500 g", "2026-11-29/7", True, False, 41.5, True,
        ]  # fmt: skip
        assert len(readings[6].value) == 4
        assert [r.quality for r in readings[7:]] == ["bad", "bad"]
        listed = driver.upload()
        assert ("Motor.Speed", DataType.FLOAT32, 1) in listed
        assert ("Lot", DataType.STRING, 20) in listed
        assert {"Names", "Motors"}.isdisjoint(name for name, _, _ in listed)
    finally:
        driver.close()
        server.stop()

"""Elements of arrays read together by the Logix driver, and taken apart again where they must be."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pycomm3 import LogixDriver

from telemetry.drivers.base import DataType, Quality, TagSpec, is_other_program
from telemetry.simulator.cip import Identity
from telemetry.simulator.enip import LogixServer
from telemetry.simulator.faults import Faults
from telemetry.simulator.memory import Memory
from telemetry.simulator.structures import STRUCTURES, Member, Structure

READ, FRAGMENT, PACKET = 0x4C, 0x52, 0x0A
DEFINITIONS = [
    ("A", "DINT", 100),
    ("Long", "LINT", 100),
    ("Fault", "BOOL", 64),
    ("Word", "DINT", 1),
    ("Grid", "INT", (3, 5)),
    ("Names", "STRING", 4),
    ("Motors", "MOTOR", 4),
    ("Stations", "STATION", 3),
    ("Program:Main.Speeds", "REAL", 10),
    ("Seven", "DINT", 7),
    ("Mixed", "REAL", 4),
]


@pytest.fixture
def arrays(monkeypatch):
    """A controller with arrays of every kind, and a structure of 600 bytes."""
    big = Structure("BIG", 0x0777, 600, {"First": Member("DINT", 0)})
    monkeypatch.setitem(STRUCTURES, "BIG", big)
    server = LogixServer(Memory([*DEFINITIONS, ("Big", "BIG", 1), ("Bigs", "BIG", 6)]))
    server.start()
    server.set("A", [n * n for n in range(100)])
    server.set("Seven", [10 + n for n in range(7)])
    yield server
    server.stop()


@pytest.fixture
def opened(arrays, driver_of):
    driver = driver_of(arrays, timeout_s=2)
    driver.open()
    return driver


def asked(server, driver, specs):
    """The readings, and how many reads and packets they took."""
    before = server.stats.services.copy()
    readings = driver.read(specs)
    spent = server.stats.services - before
    return readings, spent[READ], spent[PACKET]


def elements(name, kind, count):
    return [TagSpec(f"{name}[{n}]", kind) for n in range(count)]


def test_a_hundred_elements_of_an_array_are_one_read(arrays, opened):
    readings, reads, packets = asked(arrays, opened, elements("A", DataType.INT32, 100)[::-1])
    assert [r.value for r in readings] == [n * n for n in range(100)][::-1]
    assert (reads, packets) == (1, 1)


def test_the_bits_of_an_array_are_one_read_of_its_words(arrays, opened):
    arrays.set("Fault[37]", value=True)
    arrays.set("Word", 1 - (1 << 31))
    specs = [
        *elements("Fault", DataType.BOOL, 64),
        TagSpec("Fault", DataType.BOOL, 64),
        *(TagSpec(f"Word.{n}", DataType.BOOL) for n in range(32)),
    ]
    readings, reads, _ = asked(arrays, opened, specs)
    assert [n for n, r in enumerate(readings[:64]) if r.value] == [37]
    assert readings[64].value == tuple(n == 37 for n in range(64))
    assert [n for n, r in enumerate(readings[65:]) if r.value] == [0, 31]
    assert reads == 2


def test_elements_are_one_read_wherever_their_array_lies(arrays, opened):
    arrays.set("Grid[1,2]", -5)
    arrays.set("Grid[1,4]", 7)
    arrays.set("Motors[3].Hours[2]", 21)
    arrays.set("Stations[1].Drives[1].Hours[3]", 8)
    arrays.set("Stations[1].Dwell.ACC", 1500)
    arrays.set("Stations[2].Alarms[9]", value=True)
    arrays.set("Stations[2].Ready", value=True)
    arrays.set("Program:Main.Speeds[9]", 2.5)
    arrays.memory.write_text("Names[2]", "Toast")
    specs = [
        *(TagSpec(f"Grid[1,{n}]", DataType.INT16) for n in range(5)),
        *(TagSpec(f"Motors[3].Hours[{n}]", DataType.INT16) for n in range(4)),
        *(TagSpec(f"Stations[1].Drives[1].Hours[{n}]", DataType.INT16) for n in range(4)),
        *(TagSpec(f"Program:Main.Speeds[{n}]", DataType.FLOAT32) for n in range(10)),
        *elements("Names", DataType.STRING, 4),
        TagSpec("Stations[1].Dwell.ACC", DataType.INT32),
        TagSpec("Stations[2].Alarms[9]", DataType.BOOL),
        TagSpec("Stations[2].Alarms[8]", DataType.BOOL),
        TagSpec("Stations[2].Ready", DataType.BOOL),
    ]
    readings, reads, _ = asked(arrays, opened, specs)
    assert [r.error for r in readings] == [""] * len(specs)
    values = [r.value for r in readings]
    assert values[:5] == [0, 0, -5, 0, 7]
    assert values[5:9] == [0, 0, 21, 0]
    assert values[9:13] == [0, 0, 0, 8]
    assert values[13:23] == [0.0] * 9 + [2.5]
    assert values[23:27] == ["", "", "Toast", ""]
    assert values[27:] == [1500, True, False, True]
    assert reads == 12


def test_pycomm3_as_published_finds_the_same_values_in_the_same_places(arrays, opened):
    arrays.set("Grid[2,3]", -5)
    arrays.set("Stations[1].Drives[1].Hours[3]", 8)
    arrays.set("Stations[1].Dwell.ACC", 1500)
    arrays.set("Stations[0].Dwell.DN", value=True)
    names = [
        ("Grid[2,3]", DataType.INT16),
        ("Stations[1].Drives[1].Hours[3]", DataType.INT16),
        ("Stations[1].Dwell.ACC", DataType.INT32),
        ("Stations[0].Dwell.DN", DataType.BOOL),
        ("Motors[2].Speed", DataType.FLOAT32),
    ]
    with LogixDriver(f"127.0.0.1:{arrays.port}") as stock:
        assert stock.tags["Grid"]["dimensions"] == [3, 5, 0]
        theirs = [tag.value for tag in stock.read(*(name for name, _ in names))]
        station = stock.read("Stations[1]").value
    ours = [r.value for r in opened.read([TagSpec(*each) for each in names])]
    assert theirs == ours == [-5, 8, 1500, True, 0.0]
    assert station["Dwell"]["ACC"] == 1500
    assert station["Drives"][1]["Hours"] == [0, 0, 0, 8]


def test_the_upload_finds_what_lies_in_structures_in_structures(driver_of):
    definitions = [("Station", "STATION", 1), ("Timer", "TIMER", 1), ("Grid", "INT", (3, 5))]
    server = LogixServer(Memory(definitions))
    server.start()
    try:
        server.set("Station.Dwell.ACC", 1500)
        server.set("Timer.DN", value=True)
        server.set("Grid", list(range(15)))
        driver = driver_of(server, timeout_s=2)
        driver.open()
        listed = driver.upload()
        specs = [TagSpec(*each) for each in listed]
        values = dict(zip(listed, (r.value for r in driver.read(specs)), strict=True))
        driver.close()
    finally:
        server.stop()
    assert values["Station.Dwell.ACC", DataType.INT32, 1] == 1500
    assert values["Station.Dwell.DN", DataType.BOOL, 1] is False
    assert values["Station.Alarms", DataType.BOOL, 32] == (False,) * 32
    assert values["Timer.DN", DataType.BOOL, 1] is True
    assert values["Grid", DataType.INT16, 15] == tuple(range(15))
    # Arrays of structures are left out.
    assert not any(name.startswith("Station.Drives") for name, _, _ in listed)


def test_an_array_longer_than_a_packet_is_split(arrays, driver_of):
    arrays.large_connections = False
    driver = driver_of(arrays, timeout_s=2)
    driver.open()
    arrays.set("Long", [n * n for n in range(100)])
    readings, reads, _ = asked(arrays, driver, elements("Long", DataType.INT64, 100))
    assert [r.value for r in readings] == [n * n for n in range(100)]
    assert (reads, arrays.stats.services[FRAGMENT]) == (2, 0)


def test_elements_far_from_each_other_are_reads_of_their_own(arrays, opened):
    specs = [TagSpec(f"A[{n}]", DataType.INT32) for n in (0, 17, 90, 99)]
    readings, reads, packets = asked(arrays, opened, specs)
    assert [r.value for r in readings] == [0, 289, 8100, 9801]
    assert (reads, packets) == (2, 1)


def test_what_lies_beyond_an_array_is_bad_alone_and_is_learned(arrays, opened):
    specs = elements("Seven", DataType.INT32, 10)
    for reads_due, packets_due in ((1 + 10, 2), (1 + 3, 1), (1 + 3, 1)):
        readings, reads, packets = asked(arrays, opened, specs)
        assert [r.value for r in readings] == [*range(10, 17), None, None, None]
        assert readings[8].error == (
            "Seven[8] was not read: it reaches beyond the end of the array."
        )
        assert (reads, packets) == (reads_due, packets_due)


def test_what_lies_beyond_a_row_is_never_the_beginning_of_the_next_row(arrays, opened):
    arrays.set("Grid", list(range(100, 115)))
    last, beyond = (TagSpec(f"Grid[0,{n}]", DataType.INT16) for n in (4, 5))
    for specs in ([beyond], [last, beyond], [beyond, last]):
        read = {r.address: (r.quality, r.value) for r in opened.read(specs)}
        assert read["Grid[0,5]"] == (Quality.BAD, None)
        assert read.get("Grid[0,4]", (Quality.GOOD, 104)) == (Quality.GOOD, 104)


def test_a_wrong_type_inside_an_array_costs_its_neighbours_nothing(arrays, opened):
    arrays.set("Mixed", [1.5, 2.5, 3.5, 4.5])
    specs = elements("Mixed", DataType.FLOAT32, 4)
    specs[2] = TagSpec("Mixed[2]", DataType.INT32)
    readings = opened.read(specs)
    assert [r.value for r in readings] == [1.5, 2.5, None, 4.5]
    assert readings[2].error == "Mixed[2] is REAL in the PLC, the tag says int32."


def test_a_refusal_for_the_moment_takes_nothing_apart(arrays, opened):
    specs = elements("A", DataType.INT32, 10)
    arrays.controller.tag_errors["A"] = 0x02
    readings, reads, _ = asked(arrays, opened, specs)
    assert ({r.quality for r in readings}, reads) == ({Quality.BAD}, 1)
    del arrays.controller.tag_errors["A"]
    readings, reads, _ = asked(arrays, opened, specs)
    assert ({r.quality for r in readings}, reads) == ({Quality.GOOD}, 1)


def test_an_array_that_is_only_given_by_elements_is_asked_for_so(arrays, opened, monkeypatch):
    memory, read = arrays.memory, arrays.memory.read

    def one_at_a_time(steps, count):
        if count > 1:
            raise LookupError
        return read(steps, count)

    answer = arrays.controller._read

    def refusing(path, data, room):
        try:
            return answer(path, data, room)
        except LookupError as error:
            raise IndexError from error

    monkeypatch.setattr(memory, "read", one_at_a_time)
    monkeypatch.setattr(arrays.controller, "_read", refusing)
    specs = elements("A", DataType.INT32, 10)
    for due in (11, 10, 10):
        readings, reads, _ = asked(arrays, opened, specs)
        assert [r.value for r in readings] == [n * n for n in range(10)]
        assert reads == due


def test_a_short_reply_to_an_array_is_no_value(arrays, opened):
    arrays.controller.counts_changes = False
    opened.close()
    opened.open()
    arrays.faults = Faults(short=True)
    readings = opened.read(elements("A", DataType.INT32, 10))
    # The elements were asked for again, and only the last of them came short once more.
    assert [r.value for r in readings] == [n * n for n in range(9)] + [None]


def test_a_micro800_gives_its_arrays_in_one_request_too(arrays, driver_of):
    arrays.controller.identity = Identity(product="2080-LC50-24QWB")
    driver = driver_of(arrays, timeout_s=2)
    driver.open()
    readings, reads, packets = asked(arrays, driver, elements("A", DataType.INT32, 100))
    assert [r.value for r in readings] == [n * n for n in range(100)]
    assert (reads, packets) == (1, 0)


@pytest.fixture
def small(arrays, driver_of):
    """A driver with a small connection, as firmware before 20 gives it."""
    arrays.large_connections = False
    driver = driver_of(arrays, timeout_s=2)
    driver.open()
    return driver


def test_one_tag_that_is_larger_than_it_says_spoils_no_packet(arrays, small):
    arrays.set("Word", 7)
    specs = [TagSpec("Word", DataType.INT32), TagSpec("Big", DataType.INT32)]
    specs += [TagSpec(f"Motors[{n}].Speed", DataType.FLOAT32) for n in range(4)]
    # The packet is refused, then asked for in halves, until the large one comes by itself.
    for packets_due in (4, 1, 1):
        readings, _, packets = asked(arrays, small, specs)
        assert [r.value for r in readings] == [7, None, 0.0, 0.0, 0.0, 0.0]
        assert readings[1].error == "Big is a structure in the PLC, the tag says int32."
        assert packets <= packets_due


def test_no_mark_vouches_for_what_is_read_after_it(arrays, opened, monkeypatch):
    controller, told = arrays.controller, opened.program
    read, fragment = controller._read, controller._read_fragment

    def in_part(path, data, room):
        """As a controller says it of one reply in a packet, whose others are whole."""
        if path.steps[0][0] != "Big":
            return read(path, data, room)
        return 0x06, read(path, data, room)[1][:12]

    def while_it_is_downloaded(path, data, room):
        arrays.download()
        return fragment(path, data, room)

    monkeypatch.setattr(controller, "_read", in_part)
    monkeypatch.setattr(controller, "_read_fragment", while_it_is_downloaded)
    word, big = opened.read([TagSpec("Word", DataType.INT32), TagSpec("Big", DataType.INT32)])
    assert (word.value, big.has_other_type) == (0, True)
    assert is_other_program(opened.program, told)


def test_several_large_ones_are_learned_by_their_sizes(arrays, small):
    specs = elements("Bigs", DataType.INT32, 6) + elements("A", DataType.INT32, 3)
    for _ in range(2):
        readings = small.read(specs)
        assert [r.value for r in readings[6:]] == [0, 1, 4]
    assert {r.error[7:] for r in readings[:6]} == {
        " is a structure in the PLC, the tag says int32."
    }
    _, reads, packets = asked(arrays, small, specs)
    assert (reads, packets) == (1, 1)


def test_the_search_for_what_spoils_a_packet_ends_on_a_slow_controller(arrays, driver_of):
    arrays.large_connections = False
    driver = driver_of(arrays, timeout_s=0.6)
    driver.open()
    specs = [TagSpec(f"A[{18 * n}]", DataType.INT32) for n in range(5)]
    specs += [TagSpec(f"Motors[{n}].Speed", DataType.FLOAT32) for n in range(4)]
    specs += [TagSpec("Big", DataType.INT32), TagSpec("Word", DataType.INT32)]
    arrays.faults = Faults(delay_s=0.11)
    for _ in range(8):
        readings = driver.read(specs)
    assert [r.quality for r in readings].count(Quality.GOOD) == 10
    assert driver.connected


kinds = {
    "A": (DataType.INT32, 100),
    "Seven": (DataType.INT32, 7),
    "Mixed": (DataType.FLOAT32, 4),
    "Program:Main.Speeds": (DataType.FLOAT32, 10),
    "Fault": (DataType.BOOL, 64),
    "Motors[1].Hours": (DataType.INT16, 4),
}


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(
        st.tuples(st.sampled_from(list(kinds)), st.integers(0, 110), st.integers(1, 4)),
        min_size=1,
        max_size=40,
    )
)
def test_any_set_of_elements_gets_its_own_values(arrays, opened, wanted):
    for name, (kind, length) in kinds.items():
        arrays.set(
            name, [(n * 7 + len(name)) % (2 if kind == "bool" else 251) for n in range(length)]
        )
    specs = [TagSpec(f"{name}[{at}]", kinds[name][0], count) for name, at, count in wanted]
    for _ in range(2):
        for (name, at, count), reading in zip(wanted, opened.read(specs), strict=True):
            if at + count > kinds[name][1]:
                # Bits come by the word, whose rest is there although no bit of it has a name.
                assert reading.quality is Quality.BAD
                continue
            due = [arrays.get(f"{name}[{n}]") for n in range(at, at + count)]
            assert reading.value == (due[0] if count == 1 else tuple(due))

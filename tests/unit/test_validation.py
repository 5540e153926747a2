"""What a person who configures a tag is told."""

import pytest

from telemetry.drivers.base import DataType, TagSpec
from telemetry.validation import address_error, state_map_error


def spec(address, data_type="int32", **fields):
    return TagSpec(address, DataType(data_type), **fields)


@pytest.mark.parametrize(
    "asked",
    [
        spec("MC_Avg_Speed", "float32"),
        spec("Program:Main.Count.ACC"),
        spec("Fault", "bool", length=64),
        spec("Status.3", "bool"),
    ],
)
def test_logix_addresses_that_can_be_read(asked):
    assert address_error("logix", asked) == ""


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (spec("40001"), "'40001' is not the name of a Logix tag."),
        (spec("Status.3"), "Status.3 is one bit, the tag says int32."),
    ],
)
def test_logix_addresses_that_cannot(asked, sentence):
    assert address_error("logix", asked) == sentence


@pytest.mark.parametrize(
    "asked",
    [
        spec("holding:100"),
        spec("input:7.15", "bool"),
        spec("coil:3", "bool", length=16),
        spec("holding:0", "bool", length=16),
    ],
)
def test_modbus_addresses_that_can_be_read(asked):
    assert address_error("modbus_tcp", asked) == ""


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (spec("MC_Avg_Speed"), "is not a Modbus address"),
        (spec("40001"), "write it zero-based, as holding:0"),
        (spec("holding:70000"), "beyond the last address"),
        (spec("coil:3"), "holds bits, the tag says int32"),
    ],
)
def test_modbus_addresses_that_cannot(asked, words):
    assert words in address_error("modbus_tcp", asked)


def test_a_state_map_names_states_by_whole_numbers():
    assert state_map_error("state_word", {"1": "running", "-2": "no_data"}) == ""
    assert state_map_error("speed", {}) == ""


@pytest.mark.parametrize(
    ("role", "state_map", "words"),
    [
        ("state_word", {}, "needs a state map"),
        ("state_word", {"1": "running", "01": "idle"}, "1 stands in the state map twice"),
        ("state_word", {"one": "running"}, "'one' in the state map is not a whole number"),
        ("state_word", {"1": "sleeping"}, "'sleeping' is not a state; the states are running,"),
        ("speed", ["running"], "is an object such as"),
    ],
)
def test_a_state_map_that_means_nothing(role, state_map, words):
    assert words in state_map_error(role, state_map)

"""What a person who configures a tag is told."""

import pytest

from telemetry.drivers.base import DataType, TagSpec
from telemetry.validation import address_error, role_error, state_map_error


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


@pytest.mark.parametrize(
    ("role", "data_type", "length"),
    [
        ("none", "string", 1),
        ("mode", "int16", 3),
        ("running", "bool", 1),
        ("running", "int16", 1),
        ("speed", "float32", 1),
        ("state_word", "uint16", 1),
        ("good_count", "int32", 1),
        ("total_count", "float32", 1),
        ("message_bits", "bool", 64),
        ("message_bits", "uint32", 1),
    ],
)
def test_values_that_can_play_their_role(role, data_type, length):
    assert role_error(role, data_type, length) == ""


@pytest.mark.parametrize(
    ("role", "data_type", "length", "sentence"),
    [
        ("running", "bool", 2, "A role is played by one value; this tag is an array."),
        ("product", "string", 1, "A text plays no role; it can only be stored."),
        ("state_word", "float32", 1, "A state word is a whole number."),
        ("good_count", "bool", 1, "A counter is a number, not a bit."),
        ("message_bits", "int16", 4, "Message bits are an array of bool or one whole number."),
        (
            "message_bits",
            "float32",
            1,
            "Message bits are an array of bool or one whole number.",
        ),
    ],
)
def test_values_that_cannot(role, data_type, length, sentence):
    assert role_error(role, data_type, length) == sentence


def test_a_state_map_names_states_by_whole_numbers():
    assert state_map_error("state_word", {"1": "running", "-2": "no_data"}) == ""
    assert state_map_error("speed", {}) == ""


@pytest.mark.parametrize(
    ("role", "state_map", "words"),
    [
        ("state_word", {}, "needs a state map"),
        ("state_word", {"one": "running"}, "'one' in the state map is not a whole number"),
        ("state_word", {"1": "sleeping"}, "'sleeping' is not a state; the states are running,"),
        ("speed", ["running"], "is an object such as"),
    ],
)
def test_a_state_map_that_means_nothing(role, state_map, words):
    assert words in state_map_error(role, state_map)

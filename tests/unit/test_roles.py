"""What can play a role: the form, the import and the suggestions say the same, and it is what can be read."""

from datetime import UTC, datetime

import pytest

from telemetry.choices import Role
from telemetry.drivers.base import DataType, Quality, Reading
from telemetry.importers.found import FoundTag
from telemetry.importers.words import candidates, choices
from telemetry.interpret import interpret
from telemetry.meaning import TagMeaning
from telemetry.roles import can_play, is_likely, role_error

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
ROLES = [role.value for role in Role if role != Role.NONE]
ALL = [(role, kind, length) for role in ROLES for kind in DataType for length in (1, 3)]
ONE = {
    DataType.BOOL: True,
    DataType.STRING: "abc",
    DataType.FLOAT32: 1.0,
    DataType.FLOAT64: 1.0,
}


@pytest.mark.parametrize(
    ("role", "data_type", "length"),
    [
        ("none", "string", 1),
        ("none", "int16", 3),
        ("mode", "int16", 1),
        ("running", "bool", 1),
        ("running", "int16", 1),
        ("speed", "float32", 1),
        ("state_word", "uint16", 1),
        ("good_count", "int32", 1),
        ("total_count", "float32", 1),
        ("product", "float32", 1),
        ("message_bits", "bool", 1),
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
        ("mode", "int16", 3, "A role is played by one value; this tag is an array."),
        ("mode", "string", 1, "A text plays no role; it can only be stored."),
        ("mode", "float32", 1, "A mode word is a whole number."),
        ("product", "string", 1, "A text plays no role; it can only be stored."),
        ("product", "string", 82, "A text plays no role; it can only be stored."),
        ("product", "bool", 1, "A product is named by a number, not by a bit."),
        ("state_word", "float32", 1, "A state word is a whole number."),
        ("speed", "bool", 1, "A speed is a number, not a bit."),
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


@pytest.mark.parametrize(("role", "kind", "length"), ALL)
def test_what_can_play_a_role_says_something_in_it_and_what_cannot_is_refused(
    role, kind, length
):
    can = can_play(role, kind, length)
    assert can is (role_error(role, kind, length) == "")
    assert can or not is_likely(role, kind, length)
    value = ONE.get(kind, 1)
    shown = value if length == 1 or kind == DataType.STRING else (value,) * length
    meaning = TagMeaning(name=role, role=role, state_map={1: "running"})
    pair = (meaning, Reading("X", shown, Quality.GOOD, NOW))
    if can:
        assert interpret(1, [pair], running_above=0, received_at=NOW).quality == "good"


@pytest.mark.parametrize(("role", "kind", "length"), ALL)
def test_an_import_offers_what_the_form_takes_and_suggests_no_other(role, kind, length):
    names = {"state_word": "MachineState", "mode": "UnitMode", "product": "ProductNumber"}
    tag = FoundTag(
        line=1,
        name=names.get(role, role.title().replace("_", "")),
        address="X",
        data_type=kind.value,
        length=length,
    )
    suggested = candidates([tag])
    assert (tag.name in suggested.get(role, ())) is is_likely(role, kind, length)
    offered = choices(suggested, [tag], [role])
    # Any word has bits, and any bit is one: alone they are only offered where a name says so.
    if not (role == "message_bits" and length == 1):
        assert (tag.name in offered.get(role, ())) is can_play(role, kind, length)


def test_every_role_is_in_the_table():
    assert all(can_play(role, "string", 1) is False for role in ROLES)

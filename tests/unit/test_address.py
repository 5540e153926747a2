import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.address import (
    AddressError,
    LogixTarget,
    ModbusAddress,
    Table,
    logix_target,
    parse_modbus,
)
from telemetry.drivers.base import DataType, TagSpec

addresses = st.one_of(
    st.builds(ModbusAddress, st.sampled_from(Table), st.integers(0, 0xFFFF)),
    st.builds(
        ModbusAddress,
        st.sampled_from([Table.HOLDING, Table.INPUT]),
        st.integers(0, 0xFFFF),
        st.integers(0, 15),
    ),
)


@given(addresses)
def test_a_printed_modbus_address_parses_to_itself(address):
    assert parse_modbus(str(address)) == address


@given(st.text(max_size=20))
def test_any_text_is_an_address_or_a_sentence(text):
    try:
        parsed = parse_modbus(text)
    except AddressError as error:
        sentence = str(error)
    else:
        sentence = "."
        assert parse_modbus(str(parsed)) == parsed
    assert sentence.endswith(".")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("holding", "write it like holding:100"),
        ("Holding:1", "write it like holding:100"),
        ("holding:-1", "write it like holding:100"),
        ("register:1", "names no table"),
        ("holding:65536", "beyond the last address, 65535"),
        ("coil:3.1", "asks for a bit of a coil, which is one bit already"),
        ("holding:1.16", "a register has bits 0 to 15"),
        ("40001", "write it zero-based, as holding:0"),
        ("300108", "write it zero-based, as input:107"),
        ("00017", "write it zero-based, as coil:16"),
    ],
)
def test_a_wrong_modbus_address_says_what_is_wrong(text, sentence):
    with pytest.raises(AddressError, match=sentence):
        parse_modbus(text)


@pytest.mark.parametrize(
    ("spec", "target"),
    [
        (TagSpec("Speed", DataType.FLOAT32), LogixTarget("Speed", 1)),
        (TagSpec("A[3]", DataType.INT32, 4), LogixTarget("A[3]", 4)),
        (TagSpec("Count.ACC", DataType.INT32), LogixTarget("Count.ACC", 1)),
        (TagSpec("Program:Main.X", DataType.INT16), LogixTarget("Program:Main.X", 1)),
        (TagSpec("Name", DataType.STRING, 82), LogixTarget("Name", 1)),
        (TagSpec("On", DataType.BOOL), LogixTarget("On", 1)),
        (TagSpec("Word.5", DataType.BOOL), LogixTarget("Word", 1, bit=5)),
        (TagSpec("Local:1:I.Data.31", DataType.BOOL), LogixTarget("Local:1:I.Data", 1, bit=31)),
        (TagSpec("Fault", DataType.BOOL, 64), LogixTarget("Fault", 2, 0, packed=True)),
        (TagSpec("Fault", DataType.BOOL, 33), LogixTarget("Fault", 2, 0, packed=True)),
        (TagSpec("Fault[37]", DataType.BOOL), LogixTarget("Fault[1]", 1, 5, packed=True)),
        (TagSpec("Fault[30]", DataType.BOOL, 4), LogixTarget("Fault[0]", 2, 30, packed=True)),
    ],
)
def test_a_tag_is_asked_for_by_its_name(spec, target):
    assert logix_target(spec) == target


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        (TagSpec("two words", DataType.BOOL), "'two words' is not the name of a Logix tag"),
        (TagSpec("1st", DataType.BOOL), "not the name"),
        (TagSpec("", DataType.BOOL), "not the name"),
        (TagSpec("A", DataType.INT16, 0), "has length 0"),
        (TagSpec("Word.5", DataType.INT16), "is one bit, the tag says int16"),
        (TagSpec("Word.5", DataType.BOOL, 2), "is one bit, the tag says 2 of them"),
    ],
)
def test_a_tag_that_cannot_be_asked_for_says_why(spec, sentence):
    with pytest.raises(AddressError, match=sentence):
        logix_target(spec)

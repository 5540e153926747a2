import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.address import AddressError, logix_target
from telemetry.decode import (
    Undecodable,
    cip_elements,
    decode_bits,
    decode_cip,
    decode_registers,
    decode_slc,
    plain_cip,
)
from telemetry.drivers.base import ByteOrder, DataType, TagSpec

LAYOUTS = {
    DataType.INT16: "h",
    DataType.UINT16: "H",
    DataType.INT32: "i",
    DataType.UINT32: "I",
    DataType.INT64: "q",
    DataType.UINT64: "Q",
    DataType.FLOAT32: "f",
    DataType.FLOAT64: "d",
}
CIP_CODES = {
    DataType.INT8: (0xC2, "b"),
    DataType.UINT8: (0xC6, "B"),
    DataType.INT16: (0xC3, "h"),
    DataType.UINT16: (0xC7, "H"),
    DataType.INT32: (0xC4, "i"),
    DataType.UINT32: (0xC8, "I"),
    DataType.INT64: (0xC5, "q"),
    DataType.UINT64: (0xC9, "Q"),
    DataType.FLOAT32: (0xCA, "f"),
    DataType.FLOAT64: (0xCB, "d"),
}


def numbers(layout):
    size = struct.calcsize(layout)
    if layout in "fd":
        return st.floats(width=8 * size, allow_nan=False, allow_infinity=False)
    if layout in "HIQB":
        return st.integers(0, 2 ** (8 * size) - 1)
    return st.integers(-(2 ** (8 * size - 1)), 2 ** (8 * size - 1) - 1)


@st.composite
def values_in_registers(draw):
    data_type = draw(st.sampled_from(list(LAYOUTS)))
    order = draw(st.sampled_from(ByteOrder))
    values = draw(st.lists(numbers(LAYOUTS[data_type]), min_size=1, max_size=5))
    registers = []
    for value in values:
        raw = struct.pack(">" + LAYOUTS[data_type], value)
        words = [raw[at : at + 2] for at in range(0, len(raw), 2)]
        if order in {ByteOrder.CDAB, ByteOrder.DCBA}:
            words.reverse()
        if order in {ByteOrder.BADC, ByteOrder.DCBA}:
            words = [word[::-1] for word in words]
        registers += [int.from_bytes(word, "big") for word in words]
    return TagSpec("holding:0", data_type, len(values), order), values, registers


@given(values_in_registers())
def test_what_a_device_encodes_in_any_order_is_decoded(case):
    spec, values, registers = case
    expected = values[0] if len(values) == 1 else tuple(values)
    assert decode_registers(spec, registers) == expected


@pytest.mark.parametrize(
    ("order", "registers"),
    [
        (ByteOrder.ABCD, [0x42F6, 0xE979]),
        (ByteOrder.CDAB, [0xE979, 0x42F6]),
        (ByteOrder.BADC, [0xF642, 0x79E9]),
        (ByteOrder.DCBA, [0x79E9, 0xF642]),
    ],
)
def test_123_456_in_each_byte_order(order, registers):
    spec = TagSpec("holding:0", DataType.FLOAT32, 1, order)
    assert decode_registers(spec, registers) == pytest.approx(123.456)


@pytest.mark.parametrize("word", [0x7FC0, 0x7F80, 0xFF80])
def test_a_float_that_is_no_number_is_not_a_value(word):
    with pytest.raises(Undecodable, match="input:4 is not a number"):
        decode_registers(TagSpec("input:4", DataType.FLOAT32), [word, 0])


def test_bits_of_registers_count_from_the_least_significant_and_run_on():
    registers = [0b1000_0000_0000_0001, 0b10]
    assert decode_registers(TagSpec("holding:5.15", DataType.BOOL), registers) is True
    assert decode_registers(TagSpec("holding:5.1", DataType.BOOL), registers) is False
    wide = decode_registers(TagSpec("holding:5", DataType.BOOL, 32), registers)
    assert [n for n, on in enumerate(wide) if on] == [0, 15, 17]


@given(st.integers(-(2**15), 2**15 - 1), st.integers(0, 15), st.sampled_from(ByteOrder))
def test_a_bit_of_a_register_is_that_of_its_number_in_every_byte_order(number, bit, order):
    wire = struct.pack(">h", number)
    if order in {ByteOrder.BADC, ByteOrder.DCBA}:
        wire = wire[::-1]
    registers = [int.from_bytes(wire, "big")]
    assert decode_registers(TagSpec("input:4", DataType.INT16, 1, order), registers) == number
    of_word = TagSpec(f"input:4.{bit}", DataType.BOOL, 1, order)
    assert decode_registers(of_word, registers) is bool(number >> bit & 1)
    several = TagSpec("input:4", DataType.BOOL, 16, order)
    assert decode_registers(several, registers)[bit] is bool(number >> bit & 1)


def test_a_register_without_a_bit_is_true_when_it_is_not_zero():
    assert decode_registers(TagSpec("holding:5", DataType.BOOL), [0xFF00]) is True
    assert decode_registers(TagSpec("holding:5", DataType.BOOL), [0]) is False


def test_text_ends_at_its_first_zero_and_may_have_swapped_bytes():
    spec = TagSpec("holding:5", DataType.STRING, 6)
    assert decode_registers(spec, [0x4142, 0x4300, 0x5A5A]) == "ABC"
    swapped = TagSpec("holding:5", DataType.STRING, 3, ByteOrder.BADC)
    assert decode_registers(swapped, [0x4241, 0x5A43]) == "ABC"


def test_too_few_registers_are_no_value():
    with pytest.raises(Undecodable, match="2 bytes where 4 were due"):
        decode_registers(TagSpec("holding:5", DataType.INT32), [1])


def test_one_coil_is_a_bool_and_several_are_a_tuple():
    assert decode_bits([True]) is True
    assert decode_bits([True, False]) == (True, False)


def from_plc(spec, answer):
    return decode_cip(spec, logix_target(spec), answer)


@given(st.data())
def test_what_a_controller_encodes_is_decoded(data):
    data_type = data.draw(st.sampled_from(list(CIP_CODES)))
    code, layout = CIP_CODES[data_type]
    values = data.draw(st.lists(numbers(layout), min_size=1, max_size=5))
    answer = struct.pack(f"<H{len(values)}{layout}", code, *values)
    expected = values[0] if len(values) == 1 else tuple(values)
    assert from_plc(TagSpec("T", data_type, len(values)), answer) == expected


@given(st.sampled_from(DataType), st.integers(1, 70), st.binary(max_size=100))
def test_any_answer_is_a_value_or_a_sentence(data_type, length, answer):
    sentence = "T "
    try:
        from_plc(TagSpec("T", data_type, length), answer)
    except Undecodable as error:
        sentence = str(error)
    assert sentence.startswith("T ")


@given(st.data())
def test_the_quick_way_gives_what_the_whole_one_gives_or_leaves_it_to_that(data):
    kind = data.draw(st.sampled_from(DataType))
    address = data.draw(st.sampled_from(["T", "T.3", "T[2]", "P.T"]))
    spec = TagSpec(address, kind, data.draw(st.sampled_from([1, 1, 1, 2])))
    codes = [code for code, _ in CIP_CODES.values()] + [0xC1, 0xD1, 0xD2, 0xD3]
    own = [CIP_CODES[kind][0] if kind in CIP_CODES else 0xC1]
    code = data.draw(st.one_of(st.sampled_from(own), st.sampled_from(codes)))
    answer = code.to_bytes(2, "little") + data.draw(st.binary(max_size=10))
    try:
        target = logix_target(spec)
    except AddressError:
        return
    plain = plain_cip(spec, target)
    quick = None if plain is None else plain.value(answer)
    if quick is not None:
        whole = decode_cip(spec, target, answer)
        assert (quick, type(quick)) == (whole, type(whole))


@pytest.mark.parametrize("kind", list(CIP_CODES))
def test_a_number_that_comes_as_it_should_takes_the_quick_way(kind):
    code, layout = CIP_CODES[kind]
    spec = TagSpec("T", kind)
    plain = plain_cip(spec, logix_target(spec))
    assert plain.value(struct.pack(f"<H{layout}", code, 1)) == 1


@pytest.mark.parametrize(
    "spec",
    [
        TagSpec("T", DataType.STRING),
        TagSpec("T", DataType.INT32, 2),
        TagSpec("T.3", DataType.BOOL),
        TagSpec("T[3]", DataType.BOOL),
    ],
)
def test_what_is_no_plain_number_has_no_quick_way(spec):
    assert plain_cip(spec, logix_target(spec)) is None


@given(st.lists(st.booleans(), min_size=64, max_size=64), st.integers(0, 63), st.data())
def test_bits_of_a_bool_array_are_found_wherever_they_lie(bits, first, data):
    length = data.draw(st.integers(1, 64 - first))
    spec = TagSpec(f"Fault[{first}]", DataType.BOOL, length)
    target = logix_target(spec)
    dword = int(target.name[6:-1])
    word = sum(bit << n for n, bit in enumerate(bits))
    sent = word.to_bytes(8, "little")[4 * dword : 4 * (dword + target.elements)]
    value = decode_cip(spec, target, b"\xd3\x00" + sent)
    assert value == (bits[first] if length == 1 else tuple(bits[first : first + length]))


@pytest.mark.parametrize(
    ("spec", "answer", "sentence"),
    [
        (
            TagSpec("MC_Avg_Speed", DataType.INT32),
            struct.pack("<Hf", 0xCA, 21.5),
            "MC_Avg_Speed is REAL in the PLC, the tag says int32",
        ),
        (
            TagSpec("Fault", DataType.BOOL, 64),
            struct.pack("<Hii", 0xC4, 1, 1),
            "Fault is DINT in the PLC, the tag says an array of bool",
        ),
        (TagSpec("T", DataType.INT16), b"\xc3", "without a type"),
        (TagSpec("T", DataType.INT16), b"\xc3\x00\x01", "1 bytes where 2 were due"),
        (TagSpec("T", DataType.INT16), b"\xa0\x02\x82\x0f", "is a structure in the PLC|0x2A0"),
        (TagSpec("T", DataType.INT16), b"\x77\x77", "of type 0x7777"),
        (TagSpec("T.16", DataType.BOOL), b"\xc3\x00\x01\x00", "INT has 16 bits"),
        (TagSpec("T.1", DataType.BOOL), b"\xca\x00" + bytes(4), "bit of REAL, which has none"),
        (
            TagSpec("T", DataType.STRING),
            b"\xa0\x02\x82\x0f" + bytes(12),
            "T is a structure in the PLC, the tag says string",
        ),
    ],
)
def test_an_answer_of_another_type_or_length_says_so(spec, answer, sentence):
    with pytest.raises(Undecodable, match=sentence):
        from_plc(spec, answer)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_real_that_is_no_number_is_not_a_value(number):
    with pytest.raises(Undecodable, match="T is not a number"):
        from_plc(TagSpec("T", DataType.FLOAT32), struct.pack("<Hf", 0xCA, number))


def test_a_bit_of_an_integer_of_any_width():
    assert from_plc(TagSpec("T.7", DataType.BOOL), b"\xc2\x00\x80") is True
    assert from_plc(TagSpec("T.31", DataType.BOOL), b"\xc4\x00\xff\xff\xff\x7f") is False


@pytest.mark.parametrize(
    ("handle", "room", "size", "length"),
    [
        (0x0FCE, 82, 84, 83),
        (0x0FCE, 82, 84, 84),
        (0x0A14, 21, 24, 22),
        (0x0A14, 20, 20, 2**32 - 1),
    ],
)
def test_a_string_that_says_more_than_it_has_room_for_is_no_value(handle, room, size, length):
    answer = struct.pack("<HHI", 0x02A0, handle, length) + b"x" * size
    with pytest.raises(
        Undecodable, match=f"T has room for {room} characters and says {length}"
    ):
        from_plc(TagSpec("T", DataType.STRING, room), answer)


def test_a_text_of_an_slc_that_says_more_than_it_has_room_for_is_no_value():
    spec = TagSpec("ST10:1", DataType.STRING)
    assert decode_slc(spec, struct.pack("<H", 82) + b"ba" * 41) == "ab" * 41
    with pytest.raises(Undecodable, match="ST10:1 has room for 82 characters and says 83"):
        decode_slc(spec, struct.pack("<H", 83) + b"ba" * 41)


def test_a_logix_string_is_as_long_as_it_says():
    answer = b"\xa0\x02\xce\x0f" + struct.pack("<I82s", 5, b"Loaf 500 g")
    assert from_plc(TagSpec("Name", DataType.STRING), answer) == "Loaf "


_WIDTHS = {0xC1: 1, 0xC2: 1, 0xC3: 2, 0xC4: 4, 0xC5: 8, 0xCA: 4, 0xCB: 8, 0xD3: 4}


@given(
    st.sampled_from(list(_WIDTHS)), st.integers(1, 50), st.binary(min_size=400, max_size=400)
)
def test_the_answer_to_several_elements_is_taken_apart_into_the_answers_to_each(
    code, count, raw
):
    size = _WIDTHS[code]
    head, elements = cip_elements(bytes([code, 0]) + raw[: size * count], count)
    assert head == bytes([code, 0])
    assert b"".join(elements) == raw[: size * count]
    assert [len(each) for each in elements] == [size] * count


@given(st.integers(1, 9), st.integers(1, 90))
def test_an_array_of_structures_is_taken_apart_by_what_came(count, size):
    head, elements = cip_elements(b"\xa0\x02\xce\x0f" + bytes(size * count), count)
    assert (head, elements) == (b"\xa0\x02\xce\x0f", [bytes(size)] * count)


@pytest.mark.parametrize(
    ("answer", "count"),
    [
        (b"\xc4\0" + bytes(38), 10),
        (b"\xc4\0" + bytes(50), 10),
        (b"\xc4\0" + bytes(80), 10),
        (b"\xa0\x02\xce\x0f" + bytes(31), 10),
        (b"\xa0\x02\xce\x0f", 10),
        (b"\xda\0\5Toast\3Rye", 2),
        (b"\xc4", 1),
        (b"", 1),
    ],
)
def test_what_cannot_be_taken_apart_says_so(answer, count):
    with pytest.raises(Undecodable, match=f"{count} elements came in"):
        cip_elements(answer, count)


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_a_text_with_letters_of_a_language_is_read_in_either_encoding(encoding):
    name = "Müsli, 500 g + groß"
    raw = name.encode(encoding)
    answer = b"\xa0\x02\xce\x0f" + struct.pack("<I82s", len(raw), raw)
    assert from_plc(TagSpec("Name", DataType.STRING), answer) == name

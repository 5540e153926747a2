"""Which requests the tags of an SLC need, and what the bytes of its files mean (pure)."""

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.address import SLC_BITS, SLC_MEMBERS, AddressError, SlcFile
from telemetry.decode import Undecodable, decode_slc
from telemetry.drivers.base import DataType, TagSpec
from telemetry.plan import SLC_SIZES, SlcLimits, plan_blocks, slc_point

MOST_BYTES = 236
WORDS = {"N": 2, "B": 2, "F": 4, "L": 4, "T": 6, "C": 6, "R": 6, "ST": 84}
KINDS = {
    "N": DataType.INT16,
    "B": DataType.UINT16,
    "F": DataType.FLOAT32,
    "L": DataType.INT32,
    "ST": DataType.STRING,
}


@st.composite
def tags(draw):
    """A tag that an SLC may have: a word or several, a bit or several, a member, a word of a slot."""
    element, length = draw(st.integers(0, 200)), draw(st.integers(1, 50))
    letters = draw(st.sampled_from([*WORDS, "I", "O", "S"]))
    if letters in {"I", "O"}:
        address = f"{letters}:{draw(st.integers(0, 5))}.{element}"
        return TagSpec(address, DataType.INT16, length)
    if letters == "S":
        return TagSpec(f"S:{element}", DataType.INT16, length)
    number = draw(st.integers(3, 6))
    if letters in {"T", "C", "R"}:
        member = draw(st.sampled_from(list(SLC_MEMBERS[SlcFile(letters)])))
        return TagSpec(f"{letters}{number}:{element}.{member}", DataType.INT16)
    if letters in {"N", "L"} and draw(st.booleans()):
        if draw(st.booleans()):
            return TagSpec(f"{letters}{number}:{element}", DataType.BOOL)
        bit = draw(st.integers(0, 15 if letters == "N" else 31))
        return TagSpec(f"{letters}{number}:{element}/{bit}", DataType.BOOL, length)
    return TagSpec(f"{letters}{number}:{element}", KINDS[letters], length)


@given(st.lists(tags(), max_size=60), st.integers(0, 40))
def test_every_tag_is_read_once_and_whole_and_no_reply_is_too_long(specs, max_gap):
    limits = SlcLimits(max_gap)
    points = [slc_point(key, spec) for key, spec in enumerate(specs)]
    blocks = plan_blocks(points, limits)
    assert sorted(p.key for b in blocks for p in b.points) == list(range(len(specs)))
    for block in blocks:
        most = limits.of(block.area)
        assert most * block.area.size <= MOST_BYTES
        for start, count in block.pieces(most):
            assert 1 <= count * block.area.size <= MOST_BYTES
            assert block.start <= start
            assert start + count <= block.start + block.count <= 256
        assert len(block.pieces(most)) == 1 or len(block.points) == 1
        for point in block.points:
            assert point.area == block.area
            assert block.start <= point.start
            assert point.end <= block.start + block.count


@given(st.lists(tags(), max_size=60), st.integers(0, 40))
def test_no_request_reads_more_unwanted_elements_in_a_row_than_it_may(specs, max_gap):
    points = [slc_point(key, spec) for key, spec in enumerate(specs)]
    for block in plan_blocks(points, SlcLimits(max_gap)):
        end = block.start
        for point in block.points:
            assert point.start - end <= max_gap
            end = max(end, point.end)
        assert end == block.start + block.count


@given(tags())
def test_the_elements_of_a_tag_hold_it_and_no_more(spec):
    """As many bytes as its point says give a value, and an element less does not."""
    point = slc_point(0, spec)
    size = point.area.size
    decode_slc(spec, bytes(point.count * size))
    with pytest.raises(Undecodable):
        decode_slc(spec, bytes((point.count - 1) * size))


@given(st.lists(st.integers(-32768, 32767), min_size=1, max_size=40))
def test_words_are_what_was_put_into_them(values):
    spec = TagSpec("N7:0", DataType.INT16, len(values))
    due = values[0] if len(values) == 1 else tuple(values)
    assert decode_slc(spec, struct.pack(f"<{len(values)}h", *values)) == due


@given(st.lists(st.integers(-(2**31), 2**31 - 1), min_size=1, max_size=40))
def test_longs_are_what_was_put_into_them(values):
    spec = TagSpec("L9:0", DataType.INT32, len(values))
    due = values[0] if len(values) == 1 else tuple(values)
    assert decode_slc(spec, struct.pack(f"<{len(values)}i", *values)) == due


@given(st.floats(width=32))
def test_a_float_is_what_was_put_into_it_or_no_number(value):
    spec, raw = TagSpec("F8:0", DataType.FLOAT32), struct.pack("<f", value)
    if math.isfinite(value):
        assert decode_slc(spec, raw) == value
    else:
        with pytest.raises(Undecodable, match="is not a number"):
            decode_slc(spec, raw)


@given(
    st.sampled_from([("N7:0", 16), ("B3:0", 16), ("L9:0", 32)]),
    st.sets(st.integers(0, 127)),
    st.data(),
)
def test_bits_run_on_from_word_to_word(file, on, data):
    address, width = file
    first = data.draw(st.integers(0, width - 1))
    length = data.draw(st.integers(1, 96))
    spec = TagSpec(f"{address}/{first}", DataType.BOOL, length)
    point = slc_point(0, spec)
    raw = sum(1 << n for n in on).to_bytes(16, "little")[: point.count * point.area.size]
    found = decode_slc(spec, raw)
    due = tuple(n in on for n in range(first, first + length))
    assert (found if length > 1 else (found,)) == due


@given(
    st.sampled_from([
        (file, name) for file in SLC_MEMBERS for name in [*SLC_MEMBERS[file], *SLC_BITS[file]]
    ]),
    st.tuples(*[st.integers(-32768, 32767)] * 3),
)  # fmt: skip
def test_a_member_of_three_words_is_its_own(named, words):
    file, member = named
    raw = struct.pack("<3h", *words)
    if member in SLC_MEMBERS[file]:
        spec = TagSpec(f"{file}4:0.{member}", DataType.INT16)
        assert decode_slc(spec, raw) == words[SLC_MEMBERS[file][member]]
    else:
        spec = TagSpec(f"{file}4:0/{member}", DataType.BOOL)
        assert decode_slc(spec, raw) is bool(words[0] & 1 << SLC_BITS[file][member])


@given(st.text(st.characters(max_codepoint=0xFF), max_size=82))
def test_a_text_is_what_was_put_into_it(text):
    raw = text.encode("latin-1").ljust(82, b"\0")
    swapped = b"".join(raw[at : at + 2][::-1] for at in range(0, 82, 2))
    spec = TagSpec("ST10:0", DataType.STRING, 82)
    assert decode_slc(spec, struct.pack("<H", len(text)) + swapped) == text


@given(tags(), st.binary(max_size=300))
def test_any_bytes_are_a_value_or_a_sentence(spec, raw):
    try:
        sentence = f"{decode_slc(spec, raw)}."
    except Undecodable as error:
        sentence = str(error)
    assert sentence.endswith(".")
    assert sentence != "None."


@pytest.mark.parametrize(
    ("file", "size"),
    [(SlcFile.TIMER, 6), (SlcFile.COUNTER, 6), (SlcFile.CONTROL, 6), (SlcFile.FLOAT, 4),
     (SlcFile.LONG, 4), (SlcFile.TEXT, 84), (SlcFile.INTEGER, 2), (SlcFile.INPUT, 2)],
)  # fmt: skip
def test_an_element_has_the_bytes_of_its_file(file, size):
    assert SLC_SIZES.get(file, 2) == size


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        (TagSpec("N7:250", DataType.INT16, 7), "ends beyond 255"),
        (TagSpec("N7:0", DataType.INT16, 0), "has length 0"),
        (TagSpec("N7:0/3", DataType.INT16), "holds bool, the tag says int16"),
        (TagSpec("T4:0.ACC", DataType.INT16, 2), "is one value, the tag says 2 of them"),
        (TagSpec("L9:0", DataType.FLOAT32), "holds bool or int32 or uint32"),
    ],
)
def test_a_tag_that_fits_no_file_says_why(spec, sentence):
    with pytest.raises(AddressError, match=sentence):
        slc_point(0, spec)

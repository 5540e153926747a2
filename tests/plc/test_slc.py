"""The SLC driver against a processor that behaves, and one that refuses."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycomm3 import SLCDriver

from telemetry.address import (
    SLC_BITS,
    SLC_MEMBERS,
    AddressError,
    SlcAddress,
    SlcFile,
    parse_slc,
)
from telemetry.drivers.base import DataType, LinkDown, Quality, TagSpec
from telemetry.simulator.faults import Faults
from telemetry.simulator.slc import DataFiles, SlcServer

READ, DIAGNOSTIC = (0x0F, 0xA2), (0x06, 0x03)
FILES = [
    "N7:99",
    "N20:199",
    "B3:9",
    "F8:9",
    "T4:3",
    "C5:3",
    "R6:1",
    "ST10:3",
    "L9:3",
    "S:32",
    "I:7.2",
    "O:8.0",
]


@pytest.fixture
def slc():
    server = SlcServer(DataFiles(FILES))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def opened(slc, driver_of):
    driver = driver_of(slc, "slc", timeout_s=2)
    driver.open()
    return driver


def word(address, **fields):
    return TagSpec(address, DataType.INT16, **fields)


def bit(address, **fields):
    return TagSpec(address, DataType.BOOL, **fields)


whole_words = st.builds(
    SlcAddress,
    st.sampled_from([SlcFile.INTEGER, SlcFile.BIT, SlcFile.LONG, SlcFile.FLOAT, SlcFile.TEXT]),
    st.integers(3, 255),
    st.integers(0, 255),
)
bits = st.builds(
    SlcAddress,
    st.sampled_from([SlcFile.INTEGER, SlcFile.BIT]),
    st.integers(3, 255),
    st.integers(0, 255),
    bit=st.integers(0, 15),
)
slots = st.builds(
    lambda file, slot, place, bit: SlcAddress(*file, slot, place, bit=bit),
    st.sampled_from([(SlcFile.OUTPUT, 0), (SlcFile.INPUT, 1)]),
    st.integers(0, 30),
    st.integers(0, 30),
    st.none() | st.integers(0, 15),
)
members = st.sampled_from([
    (file, member)
    for file, named in SLC_MEMBERS.items()
    for member in [*named, *SLC_BITS[file]]
]).flatmap(
    lambda pair: st.builds(
        SlcAddress,
        st.just(pair[0]),
        st.integers(3, 255),
        st.integers(0, 255),
        member=st.just(pair[1]),
    )
)  # fmt: skip
status = st.builds(
    SlcAddress,
    st.just(SlcFile.STATUS),
    st.just(2),
    st.integers(0, 255),
    bit=st.none() | st.integers(0, 15),
)


@given(st.one_of(whole_words, bits, slots, members, status))
def test_a_printed_slc_address_parses_to_itself(address):
    assert parse_slc(str(address)) == address


@given(st.text(st.sampled_from("NBSIOTCFRL0123456789:./ACDEPR "), max_size=14))
def test_any_text_is_an_slc_address_or_a_sentence(text):
    try:
        parsed = parse_slc(text)
    except AddressError as error:
        sentence = str(error)
    else:
        sentence = "."
        assert parse_slc(str(parsed)) == parsed
    assert sentence.endswith(".")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("B3/20", "B3:1/4"),
        ("b3/0", "B3:0/0"),
        ("I:7/16", "I:7.1/0"),
        ("I:7", "I:7.0"),
        ("O:8/3", "O:8.0/3"),
        ("T4:0.DN", "T4:0/DN"),
        ("C5:1/ACC", "C5:1.ACC"),
        ("S2:1/15", "S:1/15"),
    ],
)
def test_the_ways_of_writing_one_place_are_one(written, meant):
    assert str(parse_slc(written)) == meant


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("40001", "is not an SLC address"),
        ("N:0", "say its number"),
        ("T4:0", "say which of PRE, ACC, EN, TT, DN"),
        ("T4:0.LEN", "which a T file does not have"),
        ("N7:0/16", "a word has bits 0 to 15"),
        ("N7:0.1", "no words by number"),
        ("F8:0/3", "has none"),
        ("I3:0", "only number 1 exists"),
        ("N7:256", "beyond the last element"),
    ],
)
def test_a_wrong_slc_address_says_what_is_wrong(text, sentence):
    with pytest.raises(AddressError, match=sentence):
        parse_slc(text)


def test_every_kind_of_file_is_read(slc, opened):
    slc.set("N7:3", -5)
    slc.set("B3:1/4", value=True)
    slc.set("F8:2", 21.5)
    slc.set("T4:1.ACC", 17)
    slc.set("C5:2/DN", value=True)
    slc.set("C5:2.PRE", 300)
    slc.set("S:1/15", value=True)
    slc.set("I:7.1/0", value=True)
    slc.set("L9:1", 70_000)
    slc.files.write_text("ST10:1", "Toast 500 g")
    readings = opened.read([
        word("N7:3"), bit("B3/20"), TagSpec("F8:2", DataType.FLOAT32), word("T4:1.ACC"),
        bit("C5:2/DN"), word("C5:2.PRE"), bit("S:1/15"), bit("I:7/16"),
        TagSpec("L9:1", DataType.INT32), TagSpec("ST10:1", DataType.STRING, 82), bit("N7:3/0"),
        word("N7:2", length=3), bit("B3:1", length=16), bit("O:8.0/2"),
    ])  # fmt: skip
    assert [r.error for r in readings] == [""] * 14
    assert [r.value for r in readings] == [
        -5, True, 21.5, 17, True, 300, True, True, 70_000, "Toast 500 g", True, (0, -5, 0),
        tuple(n == 4 for n in range(16)), False,
    ]  # fmt: skip


def test_every_word_of_a_control_and_every_bit_of_a_long_is_its_own(slc, opened):
    slc.set("R6:0.LEN", 300)
    slc.set("R6:0.POS", 12)
    slc.set("R6:1.LEN", 400)
    slc.set("R6:1.POS", 17)
    slc.set("R6:1/FD", value=True)
    slc.set("L9:1", 1 << 20)
    slc.set("L9:2", 5)
    readings = opened.read([
        word("R6:0.LEN"), word("R6:0.POS"), word("R6:1.LEN"), word("R6:1.POS"), bit("R6:1/FD"),
        bit("R6:0/FD"), bit("L9:1/20"), bit("L9:1/4"), bit("L9:1", length=64),
        bit("L9:1/20", length=15),
    ])  # fmt: skip
    assert [r.error for r in readings] == [""] * 10
    assert [r.value for r in readings[:8]] == [300, 12, 400, 17, True, False, True, False]
    assert [n for n, on in enumerate(readings[8].value) if on] == [20, 32, 34]
    assert [n for n, on in enumerate(readings[9].value) if on] == [0, 12, 14]


def test_no_request_is_for_more_than_a_reply_carries(slc, opened):
    for n in range(200):
        slc.set(f"N20:{n}", n)
    for count, requests in ((118, 1), (119, 2), (200, 2)):
        before = slc.stats.functions[READ]
        readings = opened.read([word(f"N20:{n}") for n in range(count)])
        assert [r.value for r in readings] == list(range(count))
        assert slc.stats.functions[READ] - before == requests
    before = slc.stats.functions[READ]
    assert opened.read([word("N20:0", length=200)])[0].value == tuple(range(200))
    assert slc.stats.functions[READ] - before == 2


def test_a_hundred_words_of_a_file_are_one_request(slc, opened):
    for n in range(100):
        slc.set(f"N7:{n}", n * n)
    before = slc.stats.functions[READ]
    assert [r.value for r in opened.read([word(f"N7:{n}") for n in range(100)])] == [
        n * n for n in range(100)
    ]
    assert slc.stats.functions[READ] - before == 1
    assert slc.stats.connections == 1


def test_one_bad_address_in_a_block_is_one_bad_reading_and_is_remembered(slc, opened):
    slc.processor.refused.add("N7:50")
    slc.set("N7:99", 7)
    specs = [word(f"N7:{n}") for n in range(100)]
    readings = opened.read(specs)
    assert [n for n, r in enumerate(readings) if r.quality is Quality.BAD] == [50]
    assert readings[50].error == "N7:50: no such address in the PLC."
    assert readings[99].value == 7
    before = slc.stats.functions[READ]
    assert [r.quality for r in opened.read(specs)].count(Quality.BAD) == 1
    assert slc.stats.functions[READ] - before == 2


def test_a_file_that_is_not_there_is_bad_and_the_rest_is_good(opened):
    there, missing, nonsense, other = opened.read([
        word("N7:0"), word("N40:0"), word("holding:3"), TagSpec("F8:0", DataType.INT16),
    ])  # fmt: skip
    assert there.quality is Quality.GOOD
    assert missing.error == "N40:0: the PLC does not know this address or this request."
    assert "is not an SLC address" in nonsense.error
    assert other.error == "F8:0 holds float32, the tag says int16."


def test_a_float_that_is_no_number_is_bad(slc, opened):
    slc.set("F8:0", float("nan"))
    nan, fine = opened.read([TagSpec("F8:0", DataType.FLOAT32), word("N7:0")])
    assert (nan.quality, nan.error) == (Quality.BAD, "F8:0 is not a number.")
    assert fine.quality is Quality.GOOD


def test_another_program_in_the_processor_shows_in_its_mark(slc, opened):
    opened.read([word("N7:0")])
    before = opened.program
    slc.download()
    opened.read([word("N7:0")])
    assert before == "5/05 program 1"
    assert opened.program == "5/05 program 2"


def test_what_came_before_a_mark_that_never_came_is_no_value(slc, opened, monkeypatch):
    answer = slc.processor.answer

    def mark_lost(request, room):
        slc.faults = Faults(drop=slc.stats.functions[READ] > 0)
        return answer(request, room)

    monkeypatch.setattr(slc.processor, "answer", mark_lost)
    slc.download()
    opened.endpoint = replace(opened.endpoint, timeout_s=0.3)
    with pytest.raises(LinkDown, match="did not answer within"):
        opened.read([word("N7:0")])


def test_a_file_of_another_type_says_so(slc, opened):
    slc.files.define("F7:20")
    other, fine = opened.read([word("N7:0"), word("B3:0")])
    assert (other.quality, other.has_other_type) == (Quality.BAD, True)
    assert other.error == "N7:0: its type in the PLC is another one."
    assert (fine.quality, fine.has_other_type) == (Quality.GOOD, False)


def replies(slc, monkeypatch, change):
    """Let every PCCC reply be changed on its way: requester, then the message."""
    answer = slc.processor.answer

    def changed(request, room):
        reply = answer(request, room)
        return reply[:4] + change(reply[4:11], reply[11:])

    monkeypatch.setattr(slc.processor, "answer", changed)


def test_the_answer_to_another_transaction_is_a_lost_link(slc, opened):
    slc.processor.misnumbered = 1
    with pytest.raises(LinkDown, match="sent the answer to another request"):
        opened.read([word("N7:0")])
    assert not opened.connected


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda who, said: b"\x07" + bytes(6) + said, "an answer to somebody else"),
        (lambda who, said: who + b"\x46" + said[1:], "a reply to PCCC command 0x06"),
        (lambda who, said: who + b"\x0f" + said[1:], "a reply to PCCC command 0x0F"),
        (lambda who, said: who + said[:3], "a PCCC reply of 3 bytes"),
        (lambda who, said: who + b"\x4f\xf0" + said[2:4], "ends within its status"),
    ],
    ids=["requester", "command", "no reply", "short", "half a status"],
)
def test_what_is_no_answer_to_the_message_is_a_lost_link(
    slc, opened, monkeypatch, change, sentence
):
    replies(slc, monkeypatch, change)
    with pytest.raises(LinkDown, match=sentence):
        opened.read([word("N7:0")])
    assert not opened.connected


@pytest.mark.parametrize(
    ("extended", "sentence"),
    [
        (0x06, "no such address in the PLC"),
        (0x0B, "the PLC does not allow reading it"),
        (0x11, "its type in the PLC is another one"),
        (0x77, "PCCC status 0xF077"),
    ],
)
def test_an_extended_status_is_a_refusal_and_no_value(slc, opened, extended, sentence):
    slc.processor.extended = extended
    (reading,) = opened.read([word("N7:0")])
    assert (reading.value, reading.error) == (None, f"N7:0: {sentence}.")
    assert opened.connected


def test_nothing_but_reads_is_ever_asked_of_it(slc, driver_of):
    driver = driver_of(slc, "slc")
    for _ in range(3):
        driver.open()
        driver.read([word("N7:0"), bit("B3/20"), word("N99:0")])
        driver.close()
    assert set(slc.stats.functions) == {READ, DIAGNOSTIC}
    assert slc.stats.writes == 0


def test_pycomm3_as_published_reads_the_simulated_processor_and_sees_what_we_see(slc, opened):
    slc.set("N7:3", -5)
    slc.set("T4:1.ACC", 17)
    slc.set("F8:1", 2.5)
    slc.set("B3:1/4", value=True)
    with SLCDriver(f"127.0.0.1:{slc.port}") as stock:
        theirs = [stock.read(a).value for a in ("N7:3", "T4:1.ACC", "F8:1", "B3:1/4")]
        block = stock.read("N7:0{20}").value
    ours = opened.read([
        word("N7:3"), word("T4:1.ACC"), TagSpec("F8:1", DataType.FLOAT32), bit("B3:1/4"),
        word("N7:0", length=20),
    ])  # fmt: skip
    assert theirs == [r.value for r in ours[:4]] == [-5, 17, 2.5, True]
    assert tuple(block) == ours[4].value


def test_reading_a_closed_driver_is_a_lost_link(slc, driver_of):
    with pytest.raises(LinkDown, match="is not connected"):
        driver_of(slc, "slc").read([word("N7:0")])

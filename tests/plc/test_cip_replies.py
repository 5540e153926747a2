import struct

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from telemetry.drivers.cip import (
    CipReply,
    Malformed,
    pack_requests,
    parse_reply,
    split_replies,
)

READ = 0x4C


@given(st.binary(max_size=80), st.integers(0, 5))
@example(b"\0\0", 0)
def test_any_bytes_are_replies_or_malformed(payload, count):
    try:
        replies = split_replies(payload, [READ] * count)
    except Malformed:
        return
    assert len(replies) == count


@given(st.lists(st.binary(max_size=20), min_size=1, max_size=20))
def test_packed_replies_are_taken_apart_in_order(payloads):
    messages = [bytes([READ | 0x80, 0, 0, 0]) + payload for payload in payloads]
    replies = split_replies(pack_requests(messages), [READ] * len(messages))
    assert replies == [CipReply(0, 0, payload) for payload in payloads]


def test_replies_that_overlap_or_leave_a_hole_are_malformed():
    reply = bytes([READ | 0x80, 0, 0, 0])
    with pytest.raises(Malformed, match="overlap"):
        split_replies(struct.pack("<HHH", 2, 6, 6) + reply * 2, [READ] * 2)
    with pytest.raises(Malformed, match="do not follow"):
        split_replies(struct.pack("<HHH", 2, 7, 11) + reply * 3, [READ] * 2)
    with pytest.raises(Malformed, match="1 replies to 2 requests"):
        split_replies(struct.pack("<HHH", 1, 6, 10) + reply * 2, [READ] * 2)


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (bytes([0xCC, 0, 0x04, 1, 0, 0]), "no such tag in the PLC"),
        (bytes([0xCC, 0, 0xFF, 1, 0x05, 0x21]), "it reaches beyond the end of the array"),
        (bytes([0xCC, 0, 0xFF, 1, 0x01, 0x20]), "CIP status 0xFF, extended 0x2001"),
        (bytes([0xCC, 0, 0x77, 0]), "CIP status 0x77"),
    ],
)
def test_a_status_reads_as_a_sentence(message, why):
    reply = parse_reply(message, READ)
    assert not reply.good
    assert reply.why == why


@pytest.mark.parametrize(
    ("message", "why"),
    [(b"\xcc\0\0", "3 bytes"), (bytes([0xCC, 0, 4, 2, 0]), "ends within its status")],
)
def test_a_reply_cut_short_is_malformed(message, why):
    with pytest.raises(Malformed, match=why):
        parse_reply(message, READ)


def test_a_reply_to_another_service_is_malformed():
    with pytest.raises(Malformed, match="a reply to service 0x0A, not 0x4C"):
        parse_reply(bytes([0x8A, 0, 0, 0]), READ)

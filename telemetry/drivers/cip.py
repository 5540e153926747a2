"""The CIP replies inside an EtherNet/IP answer, checked for what they claim (pure)."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

READ_TAG = 0x4C
READ_TAG_FRAGMENTED = 0x52
MULTIPLE_SERVICE = 0x0A

PARTIAL = 0x06
EMBEDDED_ERROR = 0x1E

_STATUS = {
    0x01: "the connection failed inside the PLC",
    0x02: "the PLC has no resources left",
    0x04: "no such tag in the PLC",
    0x05: "no such tag in the PLC",
    PARTIAL: "the value does not fit into one reply",
    0x08: "the PLC does not know this request",
    0x0C: "the PLC is in a state that does not allow it",
    0x0F: "the PLC does not allow reading it",
    0x10: "the PLC is in a state that does not allow it",
    0x11: "the value does not fit into one reply",
    0x13: "the PLC found the request too short",
    0x26: "the PLC found the path too long or too short",
}
GENERAL, TYPE_MISMATCH = 0xFF, 0x2107
_GENERAL_EXTENDED = {
    0x2104: "the offset is beyond the end of the tag",
    0x2105: "it reaches beyond the end of the array",
    TYPE_MISMATCH: "its type in the PLC is another one",
}


class Malformed(ValueError):
    """The bytes are no CIP reply to what was asked."""


@dataclass(frozen=True, slots=True)
class CipReply:
    """The answer to one service: general status, first extended status word, payload."""

    status: int
    extended: int
    payload: bytes

    @property
    def good(self) -> bool:
        return self.status == 0

    @property
    def tells_other_type(self) -> bool:
        return self.status == GENERAL and self.extended == TYPE_MISMATCH

    @property
    def why(self) -> str:
        """The status as the end of a sentence."""
        if self.status == GENERAL and self.extended in _GENERAL_EXTENDED:
            return _GENERAL_EXTENDED[self.extended]
        extended = f", extended 0x{self.extended:04X}" if self.extended else ""
        return _STATUS.get(self.status, f"CIP status 0x{self.status:02X}{extended}")


def parse_reply(message: bytes, service: int) -> CipReply:
    """The reply that starts with the first byte, which must answer this service.

    Layout (CIP volume 1, 2-4.2): service + 0x80, a reserved byte, general status, number of
    extended status words, those words, payload. Raises Malformed.
    """
    if len(message) < 4:
        raise Malformed(f"a reply of {len(message)} bytes")
    if message[0] != service | 0x80:
        raise Malformed(f"a reply to service 0x{message[0] & 0x7F:02X}, not 0x{service:02X}")
    status, words = message[2], message[3]
    if len(message) < 4 + 2 * words:
        raise Malformed("a reply that ends within its status")
    extended = int.from_bytes(message[4:6], "little") if words else 0
    return CipReply(status, extended, message[4 + 2 * words :])


def split_replies(payload: bytes, services: Sequence[int]) -> list[CipReply]:
    """The replies in the payload of a multi-service packet, one to each of these services.

    Layout: count, an offset for each from the start of the payload, the replies. Raises
    Malformed also when the offsets do not rise, since replies would then be taken twice.
    """
    count = len(services)
    table_end = 2 + 2 * count
    if len(payload) < table_end:
        raise Malformed("a packet of replies that ends within its table")
    answered, *offsets = struct.unpack_from(f"<{1 + count}H", payload)
    if answered != count:
        raise Malformed(f"{answered} replies to {count} requests")
    ends = [*offsets[1:], len(payload)][:count]
    if offsets and offsets[0] != table_end:
        raise Malformed("replies that do not follow their table")
    if any(start >= end for start, end in zip(offsets, ends, strict=True)):
        raise Malformed("replies that overlap")
    return [
        parse_reply(payload[start:end], service)
        for service, start, end in zip(services, offsets, ends, strict=True)
    ]


def pack_requests(requests: list[bytes]) -> bytes:
    """The data of a multi-service request that carries these."""
    table_end = 2 + 2 * len(requests)
    offsets = []
    at = table_end
    for request in requests:
        offsets.append(at)
        at += len(request)
    return struct.pack(f"<{1 + len(requests)}H", len(requests), *offsets) + b"".join(requests)

"""PCCC messages, which SLC and MicroLogix answer, built and checked for what they claim (pure)."""

import struct
from dataclasses import dataclass

from telemetry.address import SlcFile
from telemetry.drivers.cip import Malformed
from telemetry.plan import SlcArea

TYPED_COMMAND, TYPED_READ = 0x0F, 0xA2
DIAGNOSTIC_COMMAND, DIAGNOSTIC_STATUS = 0x06, 0x03
REPLY = 0x40
EXTENDED = 0xF0
OTHER_TYPE = EXTENDED << 8 | 0x11

FILE_CODES = {
    SlcFile.OUTPUT: 0x82,
    SlcFile.INPUT: 0x83,
    SlcFile.STATUS: 0x84,
    SlcFile.BIT: 0x85,
    SlcFile.TIMER: 0x86,
    SlcFile.COUNTER: 0x87,
    SlcFile.CONTROL: 0x88,
    SlcFile.INTEGER: 0x89,
    SlcFile.FLOAT: 0x8A,
    SlcFile.TEXT: 0x8D,
    SlcFile.LONG: 0x91,
}
_STATUS = {
    0x10: "the PLC does not know this address or this request",
    0x20: "the PLC has a fault and does not communicate",
    0x30: "the station behind the PLC is missing or shut off",
    0x40: "the PLC has a hardware fault",
    0x50: "no such address in the PLC",
    0x60: "the PLC does not allow reading it",
    0x70: "the PLC is in program mode",
    0x80: "the PLC's file is missing, or it is busy",
    0xB0: "the PLC has a problem with its downloads",
}
_EXTENDED_STATUS = {
    0x06: "no such address in the PLC",
    0x07: "no such address in the PLC",
    0x08: "no such address in the PLC",
    0x09: "the file in the PLC has another size",
    0x0A: "more than one reply carries",
    0x0B: "the PLC does not allow reading it",
    0x0E: "the PLC does not know this request",
    0x11: "its type in the PLC is another one",
}
ADDRESS_REFUSED = frozenset(
    {0x10, 0x50, 0x60, *(EXTENDED << 8 | each for each in (0x06, 0x07, 0x08, 0x09, 0x0B, 0x11))}
)
"""Refusals that may be about one address of those that were asked for together."""


@dataclass(frozen=True, slots=True)
class PcccReply:
    """The answer to one message: its status, with an extended one in the low byte, and its payload."""

    status: int
    payload: bytes

    @property
    def good(self) -> bool:
        return self.status == 0


def typed_read(transaction: int, area: SlcArea, start: int, count: int) -> bytes:
    """The message that reads so many elements, or words of a slot, from the start on.

    Layout (1770-6.5.16, protected typed logical read with three address fields): command, status,
    transaction, function, bytes wanted, file number, file type, element, sub-element.
    """
    element, word = (area.slot, start) if area.file.of_slots else (start, 0)
    return (
        struct.pack("<BBHBB", TYPED_COMMAND, 0, transaction, TYPED_READ, count * area.size)
        + _number(area.number)
        + bytes([FILE_CODES[area.file]])
        + _number(element)
        + _number(word)
    )


def diagnostic_status(transaction: int) -> bytes:
    """The message that asks what processor it is and which program it holds."""
    return struct.pack("<BBHB", DIAGNOSTIC_COMMAND, 0, transaction, DIAGNOSTIC_STATUS)


def parse_pccc(message: bytes, requester: bytes, command: int, transaction: int) -> PcccReply:
    """The reply to this command, for this requester, with this transaction. Raises Malformed."""
    if not message.startswith(requester):
        raise Malformed("an answer to somebody else")
    message = message[len(requester) :]
    if len(message) < 4:
        raise Malformed(f"a PCCC reply of {len(message)} bytes")
    answered, status, number = struct.unpack_from("<BBH", message)
    if answered != command | REPLY:
        raise Malformed(f"a reply to PCCC command 0x{answered & ~REPLY:02X}")
    if number != transaction:
        raise Malformed("the answer to another request")
    if status == EXTENDED:
        if len(message) < 5:
            raise Malformed("a PCCC reply that ends within its status")
        return PcccReply(EXTENDED << 8 | message[4], b"")
    return PcccReply(status, message[4:] if status == 0 else b"")


def why(status: int) -> str:
    """The status as the end of a sentence."""
    known = _STATUS.get(status)
    if status >> 8 == EXTENDED:
        known = _EXTENDED_STATUS.get(status & 0xFF)
    return known or f"PCCC status 0x{status:02X}"


def program_mark(diagnostic: bytes) -> str:
    """What tells the program in an SLC from another one: processor, its type and the program's number.

    Bytes 5 to 15 of the diagnostic status are the processor's name, 19 and 20 the program's number
    (1770-6.5.16, SLC 500). Empty when it is shorter than that.
    """
    if len(diagnostic) < 21:
        return ""
    name = diagnostic[5:16].decode("latin-1").strip("\0 ")
    return f"{name} program {int.from_bytes(diagnostic[19:21], 'little')}"


def _number(value: int) -> bytes:
    return bytes([value]) if value < 0xFF else struct.pack("<BH", 0xFF, value)

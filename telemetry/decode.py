"""Bytes from a controller to values, or a sentence that says why not (pure)."""

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from telemetry.address import (
    DWORD_BITS,
    REGISTER_BITS,
    SLC_BITS,
    SLC_MEMBERS,
    LogixTarget,
    SlcFile,
    parse_modbus,
    parse_slc,
)
from telemetry.drivers.base import ByteOrder, DataType, Scalar, TagSpec, Value
from telemetry.plan import REGISTERS_OF

_STRUCT = {
    DataType.INT8: "b",
    DataType.UINT8: "B",
    DataType.INT16: "h",
    DataType.UINT16: "H",
    DataType.INT32: "i",
    DataType.UINT32: "I",
    DataType.INT64: "q",
    DataType.UINT64: "Q",
    DataType.FLOAT32: "f",
    DataType.FLOAT64: "d",
}

CIP_STRUCTURE = 0x02A0
CIP_SHORT_STRING = 0xDA
"""What a Micro800 calls a string: a byte of length and so many characters."""
CIP_STRING_HANDLE = 0x0FCE
CIP_STRING_ROOM = 82
CIP_NAMES = {
    0xC1: "BOOL",
    0xC2: "SINT",
    0xC3: "INT",
    0xC4: "DINT",
    0xC5: "LINT",
    0xC6: "USINT",
    0xC7: "UINT",
    0xC8: "UDINT",
    0xC9: "ULINT",
    0xCA: "REAL",
    0xCB: "LREAL",
    0xD1: "BYTE",
    0xD2: "WORD",
    0xD3: "DWORD",
    0xD4: "LWORD",
    CIP_SHORT_STRING: "STRING",
    CIP_STRUCTURE: "a structure",
}
_CIP_ACCEPTED = {
    DataType.BOOL: {0xC1},
    DataType.INT8: {0xC2},
    DataType.UINT8: {0xC6, 0xD1},
    DataType.INT16: {0xC3},
    DataType.UINT16: {0xC7, 0xD2},
    DataType.INT32: {0xC4},
    DataType.UINT32: {0xC8, 0xD3},
    DataType.INT64: {0xC5},
    DataType.UINT64: {0xC9, 0xD4},
    DataType.FLOAT32: {0xCA},
    DataType.FLOAT64: {0xCB},
    DataType.STRING: {CIP_STRUCTURE, CIP_SHORT_STRING},
}
_CIP_SIZE = {0xC1: 1, 0xCA: 4, 0xCB: 8}
_CIP_WIDTH = {
    0xC2: 8,
    0xC3: 16,
    0xC4: 32,
    0xC5: 64,
    0xC6: 8,
    0xC7: 16,
    0xC8: 32,
    0xC9: 64,
    0xD1: 8,
    0xD2: 16,
    0xD3: 32,
    0xD4: 64,
}


class Undecodable(ValueError):
    """The answer is not a value of this tag; the message is a sentence for a person."""


class OtherType(Undecodable):
    """The answer is of another type than the tag."""


def decode_registers(spec: TagSpec, registers: Sequence[int]) -> Value:
    """The value of a tag in holding or input registers, which are exactly its own.

    A bool is a bit counted from the least significant, running on into the next registers when
    there are several; of the byte order only the swapping inside a register matters to it. Without
    a bit in the address, one bool is "the register is not zero".
    Raises Undecodable, also for a float that is no number.
    """
    if spec.data_type == DataType.BOOL:
        return _bits_of_registers(spec, registers)
    raw = struct.pack(f">{len(registers)}H", *registers)
    if spec.data_type == DataType.STRING:
        text = _swap_bytes(raw) if _is_swapped(spec) else raw
        return _text(text[: spec.length].split(b"\0")[0])
    width = 2 * REGISTERS_OF[spec.data_type]
    _demand_bytes(spec.address, len(raw), width * spec.length)
    ordered = raw
    if spec.word_order is not ByteOrder.ABCD:
        ordered = b"".join(
            _most_significant_first(raw[at : at + width], spec.word_order)
            for at in range(0, len(raw), width)
        )
    values = struct.unpack(f">{spec.length}{_STRUCT[spec.data_type]}", ordered)
    return _checked(spec.address, values)


def decode_bits(bits: Sequence[bool]) -> Value:
    """The value of a tag in coils or discrete inputs, which are exactly its own."""
    return _one_or_all([bool(bit) for bit in bits])


def _bits_of_registers(spec: TagSpec, registers: Sequence[int]) -> Value:
    bit = parse_modbus(spec.address).bit
    if bit is None and spec.length == 1:
        return registers[0] != 0
    first = bit or 0
    # The low byte of a register comes second, or first where the device swaps them.
    lowest = 8 if _is_swapped(spec) else 0
    places = [n ^ lowest for n in range(REGISTER_BITS)]
    bits = [bool(word >> place & 1) for word in registers for place in places]
    return _one_or_all(bits[first : first + spec.length])


def _is_swapped(spec: TagSpec) -> bool:
    """Whether the two bytes of a register come in reverse."""
    return spec.word_order in {ByteOrder.BADC, ByteOrder.DCBA}


def _most_significant_first(raw: bytes, order: ByteOrder) -> bytes:
    if order == ByteOrder.DCBA:
        return raw[::-1]
    if order == ByteOrder.BADC:
        return _swap_bytes(raw)
    if order == ByteOrder.CDAB:
        return b"".join(raw[at : at + 2] for at in range(len(raw) - 2, -1, -2))
    return raw


def _swap_bytes(raw: bytes) -> bytes:
    return b"".join(raw[at : at + 2][::-1] for at in range(0, len(raw), 2))


def decode_slc(spec: TagSpec, raw: bytes) -> Value:
    """The value of a tag in the bytes of a data file, which are exactly its own elements.

    Raises Undecodable, also for a float that is no number.
    """
    address = parse_slc(spec.address)
    if address.file == SlcFile.TEXT:
        _demand_bytes(spec.address, len(raw), 2)
        length = int.from_bytes(raw[:2], "little")
        _demand_room(spec.address, length, len(raw) - 2)
        # The characters of a word stand in it in reverse.
        return _swap_bytes(raw[2:])[:length].decode("latin-1")
    if address.member:
        _demand_bytes(spec.address, len(raw), 6)
        bit = SLC_BITS[address.file].get(address.member)
        if bit is not None:
            return bool(int.from_bytes(raw[:2], "little") >> bit & 1)
        at = 2 * SLC_MEMBERS[address.file][address.member]
        raw = raw[at : at + 2]
    if spec.data_type == DataType.BOOL:
        return _bits_of_file(spec, address.bit, raw)
    layout = struct.Struct(f"<{spec.length}{_STRUCT[spec.data_type]}")
    _demand_bytes(spec.address, len(raw), layout.size)
    return _checked(spec.address, layout.unpack_from(raw))


def _bits_of_file(spec: TagSpec, bit: int | None, raw: bytes) -> Value:
    if bit is None and spec.length == 1:
        _demand_bytes(spec.address, len(raw), 2)
        return any(raw)
    first = bit or 0
    _demand_bytes(spec.address, 8 * len(raw), first + spec.length)
    packed = int.from_bytes(raw, "little")
    return _one_or_all([bool(packed >> n & 1) for n in range(first, first + spec.length)])


def decode_cip(spec: TagSpec, target: LogixTarget, answer: bytes) -> Value:
    """The value in the answer to a Logix read: type code, for a structure its handle, values.

    The code must be of the type the tag says, or OtherType is raised. Raises Undecodable, also for a
    REAL that is no number.
    """
    if len(answer) < 2:
        raise Undecodable(f"{spec.address} was answered without a type.")
    code, payload = int.from_bytes(answer[:2], "little"), answer[2:]
    if target.bit is not None and not target.packed:
        return _bit_of_integer(spec, target.bit, code, payload)
    accepted = {0xD3} if target.packed else _CIP_ACCEPTED[spec.data_type]
    if code not in accepted:
        said = "an array of bool" if target.packed else spec.data_type
        raise OtherType(f"{spec.address} is {_cip_name(code)} in the PLC, the tag says {said}.")
    if code == CIP_SHORT_STRING:
        return _cip_short_string(spec, payload)
    if spec.data_type == DataType.STRING:
        return _cip_string(spec, payload)
    if spec.data_type == DataType.BOOL and not target.packed:
        _demand_bytes(spec.address, len(payload), 1)
        return payload[0] != 0
    if target.bit is not None:
        _demand_bytes(spec.address, len(payload), 4 * target.elements)
        packed = int.from_bytes(payload[: 4 * target.elements], "little")
        bits = [bool(packed >> n & 1) for n in range(DWORD_BITS * target.elements)]
        return _one_or_all(bits[target.bit : target.bit + spec.length])
    layout = struct.Struct(f"<{spec.length}{_STRUCT[spec.data_type]}")
    _demand_bytes(spec.address, len(payload), layout.size)
    return _checked(spec.address, layout.unpack_from(payload))


@dataclass(frozen=True, slots=True)
class PlainCip:
    """How one number comes in the answer to a Logix read when all is as it should be: nearly always."""

    codes: frozenset[bytes]
    layout: struct.Struct

    def value(self, answer: bytes) -> Scalar | None:
        """The value as `decode_cip` gives it; None where only that can say what is wrong."""
        if len(answer) != self.layout.size or answer[:2] not in self.codes:
            return None
        value: Scalar
        (value,) = self.layout.unpack(answer)
        return value if math.isfinite(value) else None


def plain_cip(spec: TagSpec, target: LogixTarget) -> PlainCip | None:
    """How the tag comes if it is one number or bool by itself; None for texts, arrays and bits."""
    kind = _STRUCT.get(spec.data_type, "?")
    if target.bit is not None or spec.length != 1 or spec.data_type == DataType.STRING:
        return None
    codes = frozenset(code.to_bytes(2, "little") for code in _CIP_ACCEPTED[spec.data_type])
    return PlainCip(codes, struct.Struct(f"<2x{kind}"))


def cip_elements(answer: bytes, count: int) -> tuple[bytes, list[bytes]]:
    """The type in the answer to a read of so many elements, and the bytes of each.

    A type followed by one of them is the answer to a read of that one. Raises Undecodable when the answer
    cannot be taken apart.
    """
    code = int.from_bytes(answer[:2], "little")
    head = 4 if code == CIP_STRUCTURE else 2
    values = answer[head:]
    size = _CIP_WIDTH.get(code, 0) // 8 or _CIP_SIZE.get(code, 0)
    if code == CIP_STRUCTURE:
        size = len(values) // count
    if not size or len(values) != size * count:
        raise Undecodable(f"{count} elements came in {len(values)} bytes.")
    return answer[:head], [values[at : at + size] for at in range(0, len(values), size)]


def _bit_of_integer(spec: TagSpec, bit: int, code: int, payload: bytes) -> bool:
    width = _CIP_WIDTH.get(code)
    if width is None:
        raise OtherType(f"{spec.address} is a bit of {_cip_name(code)}, which has none.")
    if bit >= width:
        raise OtherType(f"{spec.address} does not exist: {_cip_name(code)} has {width} bits.")
    _demand_bytes(spec.address, len(payload), width // 8)
    return bool(int.from_bytes(payload[: width // 8], "little") >> bit & 1)


def _cip_string(spec: TagSpec, payload: bytes) -> str:
    _demand_bytes(spec.address, len(payload), 6)
    handle, length = struct.unpack_from("<HI", payload)
    # A string type of one's own has another handle; it is known by the room that the tag says.
    own_size = 6 + -(-spec.length // 4) * 4
    if handle != CIP_STRING_HANDLE and (spec.length == 1 or len(payload) != own_size):
        raise OtherType(f"{spec.address} is a structure in the PLC, the tag says string.")
    _demand_room(
        spec.address, length, CIP_STRING_ROOM if handle == CIP_STRING_HANDLE else spec.length
    )
    _demand_bytes(spec.address, len(payload), 6 + length)
    return _text(payload[6 : 6 + length])


def _text(raw: bytes) -> str:
    """The characters: UTF-8, or else of the Windows code page in which most controllers are programmed."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")


def _cip_short_string(spec: TagSpec, payload: bytes) -> str:
    _demand_bytes(spec.address, len(payload), 1)
    length = payload[0]
    _demand_bytes(spec.address, len(payload), 1 + length)
    return _text(payload[1 : 1 + length])


def _cip_name(code: int) -> str:
    return CIP_NAMES.get(code, f"of type 0x{code:02X}")


def _demand_bytes(address: str, got: int, wanted: int) -> None:
    if got < wanted:
        raise Undecodable(f"{address} was answered with {got} bytes where {wanted} were due.")


def _demand_room(address: str, length: int, room: int) -> None:
    """A program may write any length; what follows the text's own room is another value or none."""
    if length > room:
        raise Undecodable(f"{address} has room for {room} characters and says {length}.")


def _checked(address: str, values: Sequence[Scalar]) -> Value:
    if not all(math.isfinite(value) for value in values):
        raise Undecodable(f"{address} is not a number.")
    return _one_or_all(values)


def _one_or_all(values: Sequence[Scalar]) -> Value:
    return values[0] if len(values) == 1 else tuple(values)

"""What a simulated Logix controller answers to CIP services; it can be read, never written."""

import struct
from collections.abc import Callable
from dataclasses import dataclass, field

from telemetry.simulator.faults import Stats
from telemetry.simulator.memory import BeyondTheEnd, Memory, NoSuchTag, Step, Symbol
from telemetry.simulator.structures import STRUCTURES, Structure

IDENTITY, ROUTER, CONNECTION_MANAGER = 0x01, 0x02, 0x06
PROGRAM_NAME, SYMBOL, TEMPLATE, CHANGES = 0x64, 0x6B, 0x6C, 0xAC

PARTIAL, BAD_PATH, TOO_LARGE, EMBEDDED_ERROR, GENERAL = 0x06, 0x04, 0x11, 0x1E, 0xFF
NOT_SUPPORTED, PRIVILEGE = 0x08, 0x0F
# A Micro800 takes one service at a time.
MICRO800 = "2080"
WRITES = {0x4D, 0x4E, 0x53, 0x10, 0x02, 0x04}


class Refused(Exception):
    """A service ends with this general and extended status."""

    def __init__(self, status: int, extended: int | None = None) -> None:
        super().__init__(f"status 0x{status:02X}")
        self.status = status
        self.extended = extended


@dataclass(slots=True)
class Path:
    """A request path taken apart: class, instance, names with the numbers of elements behind them.

    `elements` are those that come before any name, behind an instance.
    """

    class_id: int = 0
    instance: int = 0
    elements: list[int] = field(default_factory=list)
    steps: list[tuple[str, list[int]]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Identity:
    """What the controller says it is."""

    product: str = "1769-L33ER/A LOGIX5333ER"
    program: str = "MS5_BAKERY"
    major: int = 32
    minor: int = 11
    serial: int = 0x4D533501

    def encode(self) -> bytes:
        """Vendor, type, code, revision, status (remote run), serial, name."""
        fixed = (1, 14, 107, self.major, self.minor, 0x3160, self.serial)
        name = self.product.encode()
        return struct.pack("<HHHBBHI", *fixed) + bytes([len(name)]) + name


class Controller:
    """The objects of one controller: identity, symbols, templates, message router."""

    def __init__(self, memory: Memory, identity: Identity, stats: Stats) -> None:
        self.memory = memory
        self.identity = identity
        self.stats = stats
        self.tag_errors: dict[str, int] = {}
        self.counts_changes = True

    def answer(self, request: bytes, room: int) -> bytes:
        """The reply to one service, of at most `room` bytes."""
        service, words = request[0], request[1]
        self.stats.services[service] += 1
        data = request[2 + 2 * words :]
        try:
            path = parse_path(request[2 : 2 + 2 * words])
            status, payload = self._serve(service, path, data, room - 4)
        except Refused as refused:
            return _reply(service, refused.status, b"", refused.extended)
        except NoSuchTag:
            return _reply(service, BAD_PATH, b"", 0)
        except BeyondTheEnd:
            return _reply(service, GENERAL, b"", 0x2105)
        except (struct.error, IndexError):
            return _reply(service, 0x13, b"")
        return _reply(service, status, payload)

    def _serve(self, service: int, path: Path, data: bytes, room: int) -> tuple[int, bytes]:
        if service in WRITES:
            self.stats.writes += 1
            raise Refused(PRIVILEGE)
        served: dict[tuple[int, int], Callable[[Path, bytes, int], tuple[int, bytes]]] = {
            (IDENTITY, 0x01): self._identity,
            (PROGRAM_NAME, 0x01): self._program_name,
            (CHANGES, 0x03): self._changes,
            (ROUTER, 0x0A): self._multiple,
            (SYMBOL, 0x55): self._tag_list,
            (TEMPLATE, 0x03): self._template_attributes,
            (TEMPLATE, 0x4C): self._template,
            (SYMBOL, 0x4C): self._read,
            (SYMBOL, 0x52): self._read_fragment,
        }
        kind = path.class_id or SYMBOL
        alone = kind == ROUTER and self.identity.product.startswith(MICRO800)
        if alone or (kind, service) not in served:
            raise Refused(NOT_SUPPORTED)
        return served[kind, service](path, data, room)

    def _identity(self, _path: Path, _data: bytes, _room: int) -> tuple[int, bytes]:
        return 0, self.identity.encode()

    def _program_name(self, _path: Path, _data: bytes, _room: int) -> tuple[int, bytes]:
        name = self.identity.program.encode()
        return 0, struct.pack("<H", len(name)) + name

    def _changes(self, _path: Path, data: bytes, _room: int) -> tuple[int, bytes]:
        """Counters that move when a tag or a type is changed; old firmware has none."""
        if not self.counts_changes:
            raise Refused(NOT_SUPPORTED)
        (count,) = struct.unpack_from("<H", data)
        answer = struct.pack("<H", count)
        for attribute in struct.unpack_from(f"<{count}H", data, 2):
            layout = "H" if attribute in {1, 2} else "I"
            answer += struct.pack("<HH" + layout, attribute, 0, self.memory.changes & 0xFFFF)
        return 0, answer

    def _multiple(self, _path: Path, data: bytes, room: int) -> tuple[int, bytes]:
        (count,) = struct.unpack_from("<H", data)
        offsets = struct.unpack_from(f"<{count}H", data, 2)
        ends = [*offsets[1:], len(data)]
        replies = [
            self.answer(data[start:end], room) for start, end in zip(offsets, ends, strict=True)
        ]
        at = 2 + 2 * count
        table = [count]
        for reply in replies:
            table.append(at)
            at += len(reply)
        if at > room:
            raise Refused(TOO_LARGE)
        status = EMBEDDED_ERROR if any(reply[2] for reply in replies) else 0
        return status, struct.pack(f"<{1 + count}H", *table) + b"".join(replies)

    def _tag_list(self, path: Path, data: bytes, room: int) -> tuple[int, bytes]:
        (count,) = struct.unpack_from("<H", data)
        attributes = struct.unpack_from(f"<{count}H", data, 2)
        program = path.steps[0][0].removeprefix("Program:") if path.steps else ""
        entries = self._entries(program)
        listed = b""
        for instance, (name, symbol) in enumerate(entries, 1):
            if instance < path.instance:
                continue
            entry = struct.pack("<I", instance)
            entry += b"".join(_attribute(a, name, symbol) for a in attributes)
            if len(listed) + len(entry) > room:
                return PARTIAL, listed
            listed += entry
        return 0, listed

    def _entries(self, program: str) -> list[tuple[str, Symbol | None]]:
        """Name and symbol by instance; a program is listed among the controller's tags."""
        prefix = f"Program:{program}." if program else ""
        symbols = self.memory.symbols(program)
        entries: list[tuple[str, Symbol | None]] = [
            (s.name.removeprefix(prefix), s) for s in symbols
        ]
        if not program:
            entries += [(f"Program:{name}", None) for name in self.memory.programs()]
        return entries

    def _template_attributes(self, path: Path, data: bytes, _room: int) -> tuple[int, bytes]:
        structure = _structure(path.instance)
        known = {
            1: ("H", structure.handle),
            2: ("H", len(structure.members)),
            4: ("I", (len(structure.template()) + 20) // 4),
            5: ("I", structure.size),
        }
        (count,) = struct.unpack_from("<H", data)
        answer = struct.pack("<H", count)
        for attribute in struct.unpack_from(f"<{count}H", data, 2):
            layout, value = known[attribute]
            answer += struct.pack("<HH" + layout, attribute, 0, value)
        return 0, answer

    def _template(self, path: Path, data: bytes, room: int) -> tuple[int, bytes]:
        offset, length = struct.unpack_from("<iH", data)
        wanted = _structure(path.instance).template()[offset : offset + length]
        return (PARTIAL, wanted[:room]) if len(wanted) > room else (0, wanted)

    def _read(self, path: Path, data: bytes, room: int) -> tuple[int, bytes]:
        (elements,) = struct.unpack_from("<H", data)
        return self._value(path, elements, 0, room)

    def _read_fragment(self, path: Path, data: bytes, room: int) -> tuple[int, bytes]:
        elements, offset = struct.unpack_from("<HI", data)
        return self._value(path, elements, offset, room)

    def _value(self, path: Path, elements: int, offset: int, room: int) -> tuple[int, bytes]:
        steps: list[Step] = list(path.steps)
        if path.class_id == SYMBOL:
            symbols = self.memory.symbols()
            if not 1 <= path.instance <= len(symbols):
                raise Refused(0x05)
            steps.insert(0, (symbols[path.instance - 1].name, path.elements))
        if not steps:
            raise Refused(BAD_PATH, 0)
        if steps[0][0].startswith("Program:") and len(steps) > 1:
            steps[:2] = [(f"{steps[0][0]}.{steps[1][0]}", steps[1][1])]
        whole = ".".join(name for name, _ in steps)
        if whole in self.tag_errors:
            raise Refused(self.tag_errors[whole])
        type_bytes, stored = self.memory.read(steps, elements)
        if offset > len(stored):
            raise Refused(GENERAL, 0x2104)
        rest, space = stored[offset:], room - len(type_bytes)
        if len(rest) > space:
            return PARTIAL, type_bytes + rest[: space // 8 * 8]
        return 0, type_bytes + rest


def parse_path(raw: bytes) -> Path:
    """A padded path (CIP volume 1, C-1) taken apart. Raises Refused for unknown segments."""
    path, at = Path(), 0
    while at < len(raw):
        segment = raw[at]
        if segment == 0x91:
            length = raw[at + 1]
            name = raw[at + 2 : at + 2 + length].decode("ascii", "replace")
            path.steps.append((name, []))
            at += 2 + length + length % 2
            continue
        width = {0: 1, 1: 2, 2: 4}.get(segment & 0x03)
        if segment & 0xE0 != 0x20 or width is None:
            raise Refused(BAD_PATH, 0)
        start = at + 1 if width == 1 else at + 2
        number = int.from_bytes(raw[start : start + width], "little")
        match segment & 0xFC:
            case 0x20:
                path.class_id = number
            case 0x24:
                path.instance = number
            case 0x28:
                (path.steps[-1][1] if path.steps else path.elements).append(number)
        at = start + width
    return path


def _structure(handle: int) -> Structure:
    """The structure of a template. Raises Refused."""
    for structure in STRUCTURES.values():
        if structure.handle == handle:
            return structure
    raise Refused(0x05)


def _attribute(number: int, name: str, symbol: Symbol | None) -> bytes:
    match number:
        case 1:
            return struct.pack("<H", len(name)) + name.encode()
        case 2:
            # 0x1068 marks a program among the symbols; readers go by its name.
            return struct.pack("<H", symbol.symbol_type if symbol else 0x1068)
        case 6:
            return struct.pack("<I", 1 << 26)
        case 8:
            dimensions = (*(symbol.dimensions if symbol else ()), 0, 0, 0)
            return struct.pack("<III", *dimensions[:3])
        case 10:
            return b"\x02"
        case _:
            return bytes(4)


def _reply(service: int, status: int, payload: bytes, extended: int | None = None) -> bytes:
    words = b"" if extended is None else struct.pack("<H", extended)
    return bytes([service | 0x80, 0, status, len(words) // 2]) + words + payload

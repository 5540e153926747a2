"""Structures of a simulated Logix controller: their members, and their definition as it is uploaded."""

import struct
from dataclasses import dataclass

# Type code and layout of the atomic types (CIP volume 1, appendix C-6.1).
ATOMIC = {
    "BOOL": (0xC1, "B"),
    "SINT": (0xC2, "b"),
    "INT": (0xC3, "h"),
    "DINT": (0xC4, "i"),
    "LINT": (0xC5, "q"),
    "USINT": (0xC6, "B"),
    "UINT": (0xC7, "H"),
    "UDINT": (0xC8, "I"),
    "ULINT": (0xC9, "Q"),
    "REAL": (0xCA, "f"),
    "LREAL": (0xCB, "d"),
    "DWORD": (0xD3, "I"),
}
STRUCTURE = 0x02A0


@dataclass(frozen=True, slots=True)
class Member:
    """A member: its type, where it lies, how many it has; a BOOL is a bit counted from the start."""

    type_name: str
    at: int
    count: int = 0

    @property
    def code(self) -> int:
        """The type as the definition tells it: of a structure the number of its template."""
        structure = STRUCTURES.get(self.type_name)
        return 0x8000 | structure.handle if structure else ATOMIC[self.type_name][0]


@dataclass(frozen=True, slots=True)
class Structure:
    """A structure: its handle, which is the number of its template too, its bytes and its members."""

    name: str
    handle: int
    size: int
    members: dict[str, Member]

    @property
    def type_bytes(self) -> bytes:
        return struct.pack("<HH", STRUCTURE, self.handle)

    def template(self) -> bytes:
        """The definition as a controller gives it: members, then names.

        Padded so that readers who subtract 20, 21 or 23 from four times the words all end inside.
        """
        rows = b""
        for member in self.members.values():
            if member.type_name == "BOOL":
                rows += struct.pack("<HHI", member.at % 8, member.code, member.at // 8)
            else:
                array = 0x2000 if member.count else 0
                rows += struct.pack("<HHI", member.count, member.code | array, member.at)
        # A type of one's own, by its number, has more behind its name.
        name = f"{self.name};n" if 0x100 <= self.handle <= 0xEFF else self.name
        names = "\0".join([name, *self.members, ""]).encode()
        blob = rows + names + bytes(3)
        return blob + bytes(-len(blob) % 4)


def text(name: str, handle: int, room: int) -> Structure:
    """A string type with room for so many characters."""
    size = 4 + -(-room // 4) * 4
    return Structure(
        name, handle, size, {"LEN": Member("DINT", 0), "DATA": Member("SINT", 4, room)}
    )


def _counting(name: str, handle: int, *flags: str) -> Structure:
    """A counter or a timer: its flags are the highest bits of its first word."""
    words = {"CTL": Member("DINT", 0), "PRE": Member("DINT", 4), "ACC": Member("DINT", 8)}
    bits = {flag: Member("BOOL", 31 - place) for place, flag in enumerate(flags)}
    return Structure(name, handle, 12, words | bits)


STRUCTURES: dict[str, Structure] = {
    each.name: each
    for each in (
        _counting("COUNTER", 0x0F82, "CU", "CD", "DN", "OV", "UN"),
        _counting("TIMER", 0x0F83, "EN", "TT", "DN"),
        Structure(
            "MOTOR",
            0x0123,
            16,
            {
                "Running": Member("BOOL", 0),
                "Faulted": Member("BOOL", 1),
                "Speed": Member("REAL", 4),
                "Hours": Member("INT", 8, 4),
            },
        ),
        Structure(
            "STATION",
            0x0124,
            52,
            {
                "Drives": Member("MOTOR", 0, 2),
                "Dwell": Member("TIMER", 32),
                "Alarms": Member("DWORD", 44, 1),
                "Ready": Member("BOOL", 8 * 48),
            },
        ),
        text("STRING", 0x0FCE, 82),
        text("STRING_20", 0x0A14, 20),
    )
}

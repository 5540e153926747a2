"""What a file holds: tags, message bits, and a sentence for every row that became neither (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

ROOM = 200
"""Characters of a text or a description that can be stored."""
FileKind = Literal["logix", "rslogix500", "messages"]


class Unreadable(ValueError):
    """The file as a whole cannot be taken; the message is a sentence for a person."""


@dataclass(frozen=True, slots=True)
class Row:
    """One record of a file, and the number of the line where it begins, from 1.

    `wrong` says why it is no record; then its one cell is the line as it stands.
    """

    line: int
    cells: tuple[str, ...]
    wrong: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundTag:
    """A tag that can be read. `data_type` is a value of `DataType`; `length` above 1 is an array."""

    line: int
    name: str
    address: str
    data_type: str
    length: int = 1
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundBit:
    """What one bit of a tag says, with the kind that its words suggest."""

    line: int
    tag: str
    bit: int
    text: str
    kind: str
    severity: str = "medium"
    source: str = "internal"


@dataclass(frozen=True, slots=True)
class Remark:
    """A row that became no tag and no bit, and why. One that was refused may matter; another is a heading.

    `in_part`: the row did become something, but not all that it says.
    """

    line: int
    what: str
    why: str
    refused: bool = True
    in_part: bool = False


@dataclass(slots=True)
class Found:
    """All of a file. Each of its rows is the line of a tag, a bit, or a remark."""

    kind: FileKind
    tags: list[FoundTag] = field(default_factory=list)
    bits: list[FoundBit] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    listed: dict[str, set[int]] = field(default_factory=dict)
    """Bits that a list of messages speaks of, by tag, also where their row is refused."""

    def refuse(self, row: Row, why: str) -> None:
        """Say why a row becomes nothing."""
        self.remarks.append(Remark(row.line, shown(row.cells), why))

    def pass_over(self, row: Row, why: str) -> None:
        """Say what a row is that was never meant to be a tag."""
        self.remarks.append(Remark(row.line, shown(row.cells), why, refused=False))

    def leave_out(self, row: Row, why: str) -> None:
        """Say what of a row is not used, although it becomes something."""
        self.remarks.append(
            Remark(row.line, shown(row.cells), why, refused=False, in_part=True)
        )

    def fitted(self, row: Row, text: str, room: int = ROOM) -> str:
        """Return the text as it can be stored, and say so where that is not all of it."""
        if len(text) > room:
            self.leave_out(row, f"cut off after {room} characters: '{shown([text[room:]])}'")
        return text[:room]


def shown(cells: Sequence[str]) -> str:
    """Return a row as a person recognises it, in at most a hundred characters."""
    text = ", ".join(cell for cell in cells if cell)
    return text if len(text) <= 100 else text[:97] + "..."

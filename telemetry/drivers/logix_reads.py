"""The requests for Logix tags: what each reads, and how its answer becomes readings."""

import functools
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import inf

from pycomm3.packets.util import tag_request_path

from telemetry.address import LogixTarget, logix_target
from telemetry.decode import (
    CIP_STRUCTURE,
    OtherType,
    PlainCip,
    Undecodable,
    cip_elements,
    decode_cip,
    plain_cip,
)
from telemetry.drivers.base import DataType, LinkDown, TagSpec
from telemetry.drivers.cip import PARTIAL, READ_TAG, READ_TAG_FRAGMENTED, CipReply
from telemetry.drivers.cip_link import CipLink
from telemetry.drivers.reader import SETTLED_AFTER, Answers
from telemetry.learned import Extent
from telemetry.packets import ReadSize
from telemetry.plan import (
    LOGIX_REPLY_OVERHEAD,
    Area,
    Block,
    LogixLimits,
    Point,
    logix_point,
)

STRUCTURE_CODE = CIP_STRUCTURE.to_bytes(2, "little")
REQUEST_OVERHEAD = 5
"""What a read costs in a packet besides its path: its offset, its service and its element count."""


@dataclass(frozen=True, slots=True)
class Read:
    """One request: the block that it reads, by the path of its first point, and the bytes of its elements."""

    block: Block
    path: bytes
    element: int
    name: str
    plain: PlainCip | None
    """How its answer nearly always comes; None when it holds more than one value."""

    @property
    def elements(self) -> bytes:
        return struct.pack("<H", self.block.count)

    @property
    def request(self) -> bytes:
        return bytes([READ_TAG]) + self.path + self.elements

    @property
    def size(self) -> ReadSize:
        return ReadSize(
            len(self.path) + REQUEST_OVERHEAD,
            self.element * self.block.count + LOGIX_REPLY_OVERHEAD,
        )


@dataclass(slots=True)
class Again:
    """What is to be asked again in one read, how far, and what that has shown.

    What is asked again begins before `until` and before `most` requests have been made.
    """

    until: float
    most: float = inf
    blocks: dict[Block, str] = field(default_factory=dict)
    """With why they did not come before."""
    apart: list[tuple[Block, list[Block]]] = field(default_factory=list)
    """Blocks that were refused, and the places that were asked for instead."""
    refused: set[Block] = field(default_factory=set)
    """Places that were refused by themselves."""
    grown: set[Area] = field(default_factory=set)
    """Areas whose elements are larger than was thought."""
    guilty: set[Extent] = field(default_factory=set)
    """Blocks that were refused in every packet, and by themselves for a reason of their own."""
    marked: CipReply | None = None
    """The mark of the program, when nothing was read since."""
    is_cut: bool = False
    """Whether the time or the requests ran out."""
    has_tried: bool = False
    """Whether a packet of suspects was asked for: one is in each read, or they would never be cleared."""

    def is_over(self, requests: int, *, is_suspect: bool) -> bool:
        """Whether there is no time for another packet; what was never asked for always has its time."""
        is_free = self.most == inf and not (is_suspect and self.has_tried)
        self.has_tried |= is_suspect
        over = not is_free and (time.monotonic() > self.until or requests >= self.most)
        self.is_cut |= over
        return over


@dataclass(frozen=True, slots=True)
class Addressed:
    """What a spec means: the same at every poll."""

    target: LogixTarget
    path: bytes
    point: Point
    plain: PlainCip | None


@functools.lru_cache(maxsize=1 << 16)
def addressed(spec: TagSpec) -> Addressed:
    """What a spec means and its path on the wire. Raises AddressError."""
    target = logix_target(spec)
    path: bytes = tag_request_path(target.name, {}, use_instance_ids=False)
    return Addressed(target, path, logix_point(0, spec, target), plain_cip(spec, target))


def read_of(block: Block, limits: LogixLimits, specs: Sequence[TagSpec]) -> Read:
    """The request that reads a block."""
    first = addressed(specs[block.points[0].key])
    plain = first.plain if len(block.points) == 1 else None
    return Read(block, first.path, limits.size(block.area), first.target.name, plain)


def bad(
    answers: Answers,
    block: Block,
    why: str,
    at: datetime | None = None,
    *,
    has_other_type: bool = False,
) -> None:
    """Say of every point of a block why it was not read."""
    for point in block.points:
        address = answers.specs[point.key].address
        error = f"{address} was not read: {why}."
        answers.bad(point.key, error, at, has_other_type=has_other_type)


def decode(block: Block, payload: bytes, answers: Answers, at: datetime) -> None:
    """Put the value of each point of a block into the answers.

    Raises Undecodable when the answer to several places cannot be taken apart.
    """
    whole = all(point.count == block.count for point in block.points)
    head, elements = (b"", []) if whole else cip_elements(payload, block.count)
    for point in block.points:
        spec = answers.specs[point.key]
        own = elements[point.start - block.start : point.end - block.start]
        answer = payload if whole else head + b"".join(own)
        try:
            answers.good(point.key, decode_cip(spec, addressed(spec).target, answer), at)
        except Undecodable as error:
            is_other = isinstance(error, OtherType)
            answers.bad(point.key, str(error), at, has_other_type=is_other)


def read_large(plc: CipLink, read: Read, answers: Answers) -> CipReply | None:
    """Read what needs several replies, as if it had come in one; None when it does not rest.

    A text may move between them, so that two readings in a row must be the same; of an array each element
    is a value of its own, and no controller cuts one in two.
    """
    kinds = {answers.specs[point.key].data_type for point in read.block.points}
    before: CipReply | None = None
    for _ in range(SETTLED_AFTER):
        reply = read_fragments(plc, read)
        if DataType.STRING not in kinds or not reply.good or reply == before:
            return reply
        before = reply
    at = answers.arrived()
    for point in read.block.points:
        why = f"{answers.specs[point.key].address} moves faster than it can be read."
        answers.bad(point.key, why, at)
    return None


def read_fragments(plc: CipLink, read: Read) -> CipReply:
    """The whole value, however many replies it takes.

    Each reply repeats the type, of a structure its handle too; offsets count what follows it.
    """
    head, payload = b"", b""
    while True:
        where = struct.pack("<HI", read.block.count, len(payload))
        reply = plc.ask(READ_TAG_FRAGMENTED, read.path, where)
        if reply.status not in {0, PARTIAL}:
            return reply
        size = 4 if reply.payload.startswith(STRUCTURE_CODE) else 2
        if payload and reply.payload[:size] != head:
            raise LinkDown(f"{plc.link.peer} sends {read.name} as two types.")
        head, piece = reply.payload[:size], reply.payload[size:]
        payload += piece
        if reply.good:
            return CipReply(0, 0, head + payload)
        if not piece:
            raise LinkDown(f"{plc.link.peer} sends {read.name} without end.")

"""Logix controllers (ControlLogix, CompactLogix, Micro800) read over EtherNet/IP."""

import struct
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from math import inf
from typing import Any

from pycomm3.exceptions import PycommError
from pycomm3.packets.util import request_path

from telemetry.decode import Undecodable
from telemetry.drivers.base import DataType, Endpoint, LinkDown
from telemetry.drivers.blocks import EXTRA_REQUESTS
from telemetry.drivers.cip import (
    MULTIPLE_SERVICE,
    PARTIAL,
    READ_TAG,
    CipReply,
    Malformed,
    split_replies,
)
from telemetry.drivers.cip_link import CipLink, root
from telemetry.drivers.cip_reader import CipReader
from telemetry.drivers.logix_plan import Group, Packets, Planner
from telemetry.drivers.logix_reads import STRUCTURE_CODE, Again, Read, bad, decode, read_large
from telemetry.drivers.reader import Answers
from telemetry.learned import Learned
from telemetry.packets import PacketSizes
from telemetry.plan import Block, LogixLimits, places

GET_ATTRIBUTES = 0x03
CHANGES_PATH = b"\x02\x20\xac\x24\x01"
CHANGES = struct.pack("<H5H", 5, 1, 2, 3, 4, 10)
"""The attributes of the program that move with every change of a tag, a type or a routine."""
CHANGES_REQUEST = bytes([GET_ATTRIBUTES]) + CHANGES_PATH + CHANGES
CHANGES_SIZE = 2 + 5 * 4 + 2 * 2 + 3 * 4
UNTRIED = "there was no time for it"
TOO_LONG = {PARTIAL, 0x11}
"""The value does not fit into the reply."""
FOR_THE_MOMENT = {0x02, 0x0C, 0x10}
"""Refusals for want of resources or for the state the controller is in."""

# Sequence, service, path and count around the reads; sequence, service, status and count
# around their replies; and the mark of the program, which travels with the last reads.
PACKET_OVERHEAD = 12 + 56
_TYPE_OF = {
    "BOOL": DataType.BOOL,
    "SINT": DataType.INT8,
    "INT": DataType.INT16,
    "DINT": DataType.INT32,
    "LINT": DataType.INT64,
    "USINT": DataType.UINT8,
    "UINT": DataType.UINT16,
    "UDINT": DataType.UINT32,
    "ULINT": DataType.UINT64,
    "REAL": DataType.FLOAT32,
    "LREAL": DataType.FLOAT64,
    "STRING": DataType.STRING,
}


class LogixReader(CipReader[CipLink]):
    """Reads tags by name in as few packets as their sizes allow; needs no tag upload.

    Elements of one array that lie near each other are one read, as long as the controller gives them so.
    """

    link_type = CipLink

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self._learned = Learned()
        self._sizes = PacketSizes()
        self._planner = Planner(self._learned, self._sizes)

    def upload(self, timeout_s: float = 30.0) -> list[tuple[str, DataType, int]]:
        """Name, type and length of every tag that can be read, members of structures by path.

        Arrays of structures and of texts are left out. Raises LinkDown, also when the list cannot be had.
        """
        with self._my_turn():
            plc = self._open_plc()
            plc.link.allow(timeout_s)
            with self._closed_on_error():
                try:
                    plc._info = plc.get_plc_info()  # noqa: SLF001  (its upload needs the revision)
                    tags = plc.get_tag_list(program="*")
                except PycommError as error:
                    raise root(error, self.peer) from error
        return [leaf for tag in tags for leaf in _leaves(tag["tag_name"], tag)]

    def _greet(self) -> None:
        self._tells_changes = False
        self._mark(_changes(self._open_plc()))

    def _ask_plc(self, answers: Answers) -> None:
        plc, now = self._open_plc(), time.monotonic()
        plan = self._planner.plan(
            answers.specs, self._limits(now), now, is_alone=not plc.multiple
        )
        for key, why in plan.wrong:
            answers.bad(key, why)
        # A controller that answers slowly must not lose its good tags to what is asked again.
        again = Again(now + self.endpoint.timeout_s / 2)
        self._round(plan.packets, {}, answers, again)
        again.most = self.load.requests + EXTRA_REQUESTS
        while again.blocks:
            pending, again.blocks = again.blocks, {}
            now = time.monotonic()
            packets = self._planner.packets(
                pending, answers.specs, self._limits(now), now, is_alone=not plc.multiple
            )
            self._round(packets, pending, answers, again)
        self._learn(again)
        if self._tells_changes and plan.blocks and again.marked is None:
            again.marked = _changes(plc)
        if again.marked is not None:
            self._mark(again.marked)

    def _limits(self, now: float) -> LogixLimits:
        room = self._open_plc().connection_size - PACKET_OVERHEAD
        return LogixLimits(room, self._learned.sizes(now))

    def _round(
        self, packets: Packets, before: Mapping[Block, str], answers: Answers, again: Again
    ) -> None:
        """Read these, as far as there is time, and note what is to be asked for again.

        `before` says why blocks did not come when they were last asked for. Whether the program has changed
        is asked last, in the packet of the last tags: what was read before an unchanged mark belongs to the
        program of that mark.
        """
        plc, now = self._open_plc(), time.monotonic()
        for group in [*packets.large, *packets.groups]:
            first = group.extents[0]
            is_suspect = self._sizes.is_suspect(first)
            if again.is_over(self.load.requests, is_suspect=is_suspect):
                for read in group.reads:
                    bad(answers, read.block, before.get(read.block) or UNTRIED)
                continue
            again.marked = None
            if group in packets.large:
                (read,) = group.reads
                reply = read_large(plc, read, answers)
                if reply is not None:
                    at = answers.arrived()
                    self._settle(read, reply, answers, again, at, is_whole=True)
                continue
            # Of what is asked again any packet may be the last; what must come alone does so.
            is_last = group is packets.groups[-1] or is_suspect or again.most < inf
            mark = is_last and self._tells_changes and plc.multiple
            mark = mark and self._sizes.most(first, now) != 1
            again.marked = self._read_group(group, answers, again, mark=mark)

    def _read_group(
        self, group: Group, answers: Answers, again: Again, *, mark: bool
    ) -> CipReply | None:
        """Read these in one packet, and with the mark of the program when asked to; return that."""
        plc = self._open_plc()
        if len(group.reads) == 1 and not mark:
            self._read_alone(group, answers, again)
            return None
        data, services = group.packed(CHANGES_REQUEST if mark else b"")
        reply = plc.ask(MULTIPLE_SERVICE, request_path(0x02, 1), data)
        if not reply.payload:
            self._refused_together(group, reply, answers, again)
            return None
        try:
            replies = split_replies(reply.payload, services)
        except Malformed as error:
            raise LinkDown(f"{plc.link.peer} sent {error}.") from error
        # What came in one packet was so at one moment.
        at = answers.arrived()
        for read, one in zip(group.reads, replies, strict=False):
            self._settle(read, one, answers, again, at)
        self._sizes.give(group.extents, time.monotonic())
        return replies[-1] if mark else None

    def _read_alone(self, group: Group, answers: Answers, again: Again) -> None:
        """Read what goes into no packet with others."""
        (read,), (place,) = group.reads, group.extents
        reply = self._open_plc().ask(READ_TAG, read.path, read.elements)
        self._settle(read, reply, answers, again, answers.arrived())
        is_bad = not reply.good and reply.status not in FOR_THE_MOMENT
        if self._sizes.is_suspect(place) and (is_bad or read.block.area in again.grown):
            again.guilty.add(place)
        self._sizes.give([place], time.monotonic())

    def _refused_together(
        self, group: Group, reply: CipReply, answers: Answers, again: Again
    ) -> None:
        """Ask again for halves of a packet that was refused as a whole, such as for a reply that is too long.

        Where the time for it runs out, the halves are what the next poll begins with.
        """
        answers.arrived()
        blocks = [read.block for read in group.reads]
        if reply.status in FOR_THE_MOMENT:
            for block in blocks:
                bad(answers, block, reply.why)
            return
        self._sizes.refuse(group.extents)
        again.blocks |= dict.fromkeys(blocks, reply.why)

    def _settle(
        self,
        read: Read,
        reply: CipReply,
        answers: Answers,
        again: Again,
        at: datetime,
        *,
        is_whole: bool = False,
    ) -> None:
        """Put the values of a read into the answers, or note what of it is to be asked for again.

        `is_whole` when nothing more can be had of it than this.
        """
        if reply.good:
            self._give(read, reply, answers, again, at)
            return
        block, now = read.block, time.monotonic()
        parts = places(block)
        if reply.status in FOR_THE_MOMENT:
            bad(answers, block, reply.why, at)
        elif len(parts) > 1:
            self._take_apart(block, parts, again, reply.why, now)
        elif reply.status in TOO_LONG and not is_whole:
            # It is larger than the tags say, and comes in fragments.
            self._grow(block, self._limits(now).room // block.count + 1, again, now)
            again.blocks[block] = reply.why
        else:
            again.refused.add(block)
            bad(answers, block, reply.why, at, has_other_type=reply.tells_other_type)

    def _give(
        self, read: Read, reply: CipReply, answers: Answers, again: Again, at: datetime
    ) -> None:
        """Put the values that came into the answers; what cannot be taken apart is asked for again."""
        if read.plain is not None:
            value = read.plain.value(reply.payload)
            if value is not None:
                answers.good(read.block.points[0].key, value, at)
                return
        block, now = read.block, time.monotonic()
        head = 4 if reply.payload.startswith(STRUCTURE_CODE) else 2
        if len(reply.payload) - head > read.element * block.count:
            self._grow(block, -(-(len(reply.payload) - head) // block.count), again, now)
        try:
            decode(block, reply.payload, answers, at)
        except Undecodable as whole:
            self._take_apart(block, places(block), again, str(whole).removesuffix("."), now)

    def _take_apart(
        self, block: Block, parts: list[Block], again: Again, why: str, now: float
    ) -> None:
        """Ask for each place of a block by itself, from now on if nothing better is learned of them."""
        self._learned.part(parts, now)
        again.apart.append((block, parts))
        again.blocks |= dict.fromkeys(parts, why)

    def _grow(self, block: Block, size: int, again: Again, now: float) -> None:
        self._learned.grow(block.area, size, now)
        again.grown.add(block.area)

    def _learn(self, again: Again) -> None:
        """What was refused as a whole is asked for as a whole again, but for what was to blame."""
        now = time.monotonic()
        if again.guilty:
            self._sizes.blame(again.guilty, now)
        if again.is_cut:
            return
        for block, parts in again.apart:
            guilty = [part for part in parts if part in again.refused]
            if guilty or block.area in again.grown:
                self._learned.join(block)
            for part in guilty:
                self._learned.isolate(part.points[0], now)

    def _mark(self, changes: CipReply) -> None:
        """Remember what tells the program in the PLC from another one.

        A controller that has counted once on this connection is asked again after a refusal.
        """
        plc = self._open_plc()
        revision = plc.identity.get("revision", {})
        parts = [
            plc.identity.get("serial", ""),
            ".".join(str(revision[key]) for key in ("major", "minor") if key in revision),
        ]
        self._tells_changes |= changes.good or changes.status in FOR_THE_MOMENT
        if changes.good:
            if len(changes.payload) != CHANGES_SIZE:
                raise LinkDown(f"{self.peer} sent half of what it counts of its changes.")
            parts.append(changes.payload.hex())
        self.program = " ".join(part for part in parts if part)


def _changes(plc: CipLink) -> CipReply:
    """What the controller counts of its own changes (1756-PM020, checking for tag changes).

    Refused where it does not count; then a changed type is noticed all the same, by its code.
    """
    return plc.ask(GET_ATTRIBUTES, CHANGES_PATH, CHANGES)


def _leaves(name: str, tag: dict[str, Any]) -> Iterator[tuple[str, DataType, int]]:
    """The readable values in pycomm3's definition of a tag or of a member."""
    dimensions = tag.get("dimensions", [tag.get("array", 0)])
    length = 1
    for dimension in dimensions:
        length *= dimension or 1
    if tag["data_type_name"] == "DWORD":
        yield name, DataType.BOOL, 32 * length
    elif kind := _TYPE_OF.get(tag["data_type_name"]):
        if kind != DataType.STRING or length == 1:
            yield name, kind, length
    elif tag["tag_type"] == "struct" and length == 1:
        structure = tag["data_type"]
        if room := structure.get("string"):
            yield name, DataType.STRING, room
            return
        for member in structure["attributes"]:
            yield from _leaves(f"{name}.{member}", structure["internal_tags"][member])

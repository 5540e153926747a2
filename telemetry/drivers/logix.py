"""Logix controllers (ControlLogix, CompactLogix, Micro800) read over EtherNet/IP."""

import functools
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pycomm3.exceptions import PycommError
from pycomm3.packets.util import request_path, tag_request_path

from telemetry.address import AddressError, LogixTarget, logix_target
from telemetry.decode import Undecodable, decode_cip
from telemetry.drivers.base import DataType, Endpoint, LinkDown, TagSpec
from telemetry.drivers.cip import (
    MULTIPLE_SERVICE,
    PARTIAL,
    READ_TAG,
    READ_TAG_FRAGMENTED,
    CipReply,
    Malformed,
    pack_requests,
    split_replies,
)
from telemetry.drivers.cip_link import CipLink, root
from telemetry.drivers.reader import Answers, Reader
from telemetry.plan import ReadSize, plan_packets

GET_ATTRIBUTES = 0x03
CHANGES_PATH = b"\x02\x20\xac\x24\x01"
CHANGES = struct.pack("<H5H", 5, 1, 2, 3, 4, 10)
"""The attributes of the program that move with every change of a tag, a type or a routine."""
CHANGES_SIZE = 2 + 5 * 4 + 2 * 2 + 3 * 4

# Sequence, service, path and count around the reads; sequence, service, status and count
# around their replies; and the mark of the program, which travels with the last reads.
PACKET_OVERHEAD = 12 + 56
# Per read in a packet: its offset, its service and element count; its offset, status and type.
REQUEST_OVERHEAD = 5
REPLY_OVERHEAD = 10

_BYTES_OF = {
    DataType.BOOL: 1,
    DataType.INT8: 1,
    DataType.UINT8: 1,
    DataType.INT16: 2,
    DataType.UINT16: 2,
    DataType.INT32: 4,
    DataType.UINT32: 4,
    DataType.INT64: 8,
    DataType.UINT64: 8,
    DataType.FLOAT32: 4,
    DataType.FLOAT64: 8,
    DataType.STRING: 88,
}
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


@dataclass(frozen=True, slots=True)
class _Read:
    """One tag to be read: the place of its spec and the request that reads it."""

    key: int
    spec: TagSpec
    target: LogixTarget
    path: bytes

    @property
    def request(self) -> bytes:
        return bytes([READ_TAG]) + self.path + struct.pack("<H", self.target.elements)

    @property
    def size(self) -> ReadSize:
        element = 4 if self.target.packed else _BYTES_OF[self.spec.data_type]
        if self.target.bit is not None:
            element = max(element, 8)
        if self.spec.data_type == DataType.STRING:
            element = max(element, self.spec.length + 8)
        return ReadSize(
            len(self.path) + REQUEST_OVERHEAD, element * self.target.elements + REPLY_OVERHEAD
        )


class LogixReader(Reader):
    """Reads tags by name in as few packets as their sizes allow; needs no tag upload."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self._plc: CipLink | None = None
        self._tells_changes = True

    @property
    def connected(self) -> bool:
        return self._plc is not None

    def upload(self, timeout_s: float = 30.0) -> list[tuple[str, DataType, int]]:
        """Name, type and length of every tag that can be read, members of structures by path.

        Arrays of structures are left out. Raises LinkDown, also when the list cannot be had.
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

    def _connect(self) -> None:
        self._tells_changes = True
        try:
            self._plc = CipLink(self.endpoint, self.load)
            self._plc.link.allow(self.endpoint.timeout_s)
            self._plc.open()
        except PycommError as error:
            raise root(error, self.peer) from error
        self._mark(_changes(self._plc), Answers(()))

    def _disconnect(self) -> None:
        plc, self._plc = self._plc, None
        if plc is not None:
            plc.close()

    def _interrupt(self) -> None:
        plc = self._plc
        if plc is not None:
            plc.link.interrupt()

    def _open_plc(self) -> CipLink:
        if self._plc is None:
            raise LinkDown(f"{self.peer} is not connected.")
        return self._plc

    def _ask(self, answers: Answers) -> None:
        plc = self._open_plc()
        plc.link.allow(self.endpoint.timeout_s)
        reads = _reads(answers)
        limit = plc.connection_size - PACKET_OVERHEAD
        groups, large = plan_packets([read.size for read in reads], limit)
        if not plc.multiple:
            groups = [[index] for group in groups for index in group]
        for index in large:
            reply = _read_fragments(plc, reads[index])
            _settle(answers, reads[index], reply, answers.arrived())
        # Whether the program has changed is asked last, in the packet of the last tags: what was
        # read before an unchanged mark belongs to the program of that mark.
        marked: CipReply | None = None
        for group in groups:
            is_last = group is groups[-1] and self._tells_changes and plc.multiple
            marked = _read_group(plc, [reads[index] for index in group], answers, mark=is_last)
        if self._tells_changes and reads and not (groups and plc.multiple):
            marked = _changes(plc)
        if marked is not None:
            self._mark(marked, answers)

    def _mark(self, changes: CipReply, answers: Answers) -> None:
        """Remember what tells the program in the PLC from another one."""
        plc = self._open_plc()
        revision = plc.identity.get("revision", {})
        parts = [
            plc.identity.get("serial", ""),
            ".".join(str(revision[key]) for key in ("major", "minor") if key in revision),
        ]
        self._tells_changes = bool(changes.payload)
        if self._tells_changes:
            if len(changes.payload) != CHANGES_SIZE:
                # What came before belongs to a program that nobody knows.
                answers.forget()
                raise LinkDown(f"{self.peer} sent half of what it counts of its changes.")
            parts.append(changes.payload.hex())
        self.program = " ".join(part for part in parts if part)


def _reads(answers: Answers) -> list[_Read]:
    """The requests for the specs that can be asked for; the others are bad at once."""
    reads = []
    for key, spec in enumerate(answers.specs):
        try:
            reads.append(_Read(key, spec, *_addressed(spec)))
        except AddressError as error:
            answers.bad(key, str(error))
    return reads


@functools.lru_cache(maxsize=1 << 16)
def _addressed(spec: TagSpec) -> tuple[LogixTarget, bytes]:
    """What a spec means and its path on the wire: the same at every poll. Raises AddressError."""
    target = logix_target(spec)
    path: bytes = tag_request_path(target.name, {}, use_instance_ids=False)
    return target, path


def _changes(plc: CipLink) -> CipReply:
    """What the controller counts of its own changes (1756-PM020, checking for tag changes).

    Refused where it does not count; then a changed type is noticed all the same, by its code.
    """
    return plc.ask(GET_ATTRIBUTES, CHANGES_PATH, CHANGES)


def _read_group(
    plc: CipLink, group: list[_Read], answers: Answers, *, mark: bool
) -> CipReply | None:
    """Read these tags in one packet, and with the mark of the program when asked to; return that."""
    if len(group) == 1 and not mark:
        read = group[0]
        reply = plc.ask(READ_TAG, read.path, struct.pack("<H", read.target.elements))
        _settle(answers, read, reply, answers.arrived())
        return None
    requests, services = [read.request for read in group], [READ_TAG] * len(group)
    if mark:
        requests.append(bytes([GET_ATTRIBUTES]) + CHANGES_PATH + CHANGES)
        services.append(GET_ATTRIBUTES)
    reply = plc.ask(MULTIPLE_SERVICE, request_path(0x02, 1), pack_requests(requests))
    if not reply.payload:
        at = answers.arrived()
        for read in group:
            answers.bad(read.key, f"{read.spec.address} was not read: {reply.why}.", at)
        return None
    try:
        replies = split_replies(reply.payload, services)
    except Malformed as error:
        raise LinkDown(f"{plc.link.peer} sent {error}.") from error
    at = answers.arrived()
    for read, one in zip(group, replies, strict=False):
        _settle(answers, read, one, at)
    return replies[-1] if mark else None


def _read_fragments(plc: CipLink, read: _Read) -> CipReply:
    """The whole value, however many replies it takes, as if it had come in one."""
    kind, payload = b"", b""
    while True:
        where = struct.pack("<HI", read.target.elements, len(payload))
        reply = plc.ask(READ_TAG_FRAGMENTED, read.path, where)
        if reply.status not in {0, PARTIAL}:
            return reply
        kind, piece = reply.payload[:2], reply.payload[2:]
        payload += piece
        if reply.good:
            return CipReply(0, 0, kind + payload)
        if not piece:
            raise LinkDown(f"{plc.link.peer} sends {read.spec.address} without end.")


def _settle(answers: Answers, read: _Read, reply: CipReply, at: datetime) -> None:
    if not reply.good:
        answers.bad(read.key, f"{read.spec.address} was not read: {reply.why}.", at)
        return
    try:
        answers.good(read.key, decode_cip(read.spec, read.target, reply.payload), at)
    except Undecodable as error:
        answers.bad(read.key, str(error), at)


def _leaves(name: str, tag: dict[str, Any]) -> Iterator[tuple[str, DataType, int]]:
    """The readable values in pycomm3's definition of a tag or of a member."""
    dimensions = tag.get("dimensions", [tag.get("array", 0)])
    length = 1
    for dimension in dimensions:
        length *= dimension or 1
    if tag["data_type_name"] == "DWORD":
        yield name, DataType.BOOL, 32 * length
    elif tag["data_type_name"] in _TYPE_OF:
        yield name, _TYPE_OF[tag["data_type_name"]], length
    elif tag["tag_type"] == "struct" and length == 1:
        structure = tag["data_type"]
        if room := structure.get("string"):
            yield name, DataType.STRING, room
            return
        for member in structure["attributes"]:
            yield from _leaves(f"{name}.{member}", structure["internal_tags"][member])

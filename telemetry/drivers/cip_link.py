"""pycomm3's drivers with their socket replaced and their replies checked."""

import contextlib
import itertools
import logging
import os
import struct
from dataclasses import dataclass
from typing import Any, cast

from pycomm3 import CIPDriver, LogixDriver, SLCDriver
from pycomm3.cip import PortSegment
from pycomm3.const import MICRO800_PREFIX
from pycomm3.exceptions import PycommError
from pycomm3.packets.ethernetip import SendUnitDataRequestPacket

from telemetry.drivers.base import Endpoint, LinkDown, Load
from telemetry.drivers.cip import CipReply, Malformed, parse_reply
from telemetry.drivers.deadline import DeadlineSocket

# What it would log comes back as a LinkDown or a bad reading; a trace per poll helps nobody.
logging.getLogger("pycomm3").setLevel(logging.CRITICAL)

HEADER = struct.Struct("<HHIIQI")
SEND_RR_DATA = 0x6F
SEND_UNIT_DATA = 0x70
SEQUENCE_AT = 44
SERVICE_AT = 46


@dataclass(frozen=True, slots=True)
class _Sent:
    """What the next reply must repeat."""

    command: int
    session: int
    context: int
    sequence: bytes


class Contained(CIPDriver):
    """One CIP connection to a controller, good until its first error.

    pycomm3 (1.2.16, no longer developed) takes whatever comes next for the answer, waits per
    `recv`, never notices the end of the stream, and blocks in `close`. Its sending and
    receiving are overridden here, and nothing of the package is patched:

    * all waiting is bounded by the deadline of the link, and the stream's end is an error;
    * every request has a context of its own, and a reply must repeat it, or for connected
      messages the sequence number, since controllers need not repeat the context there.
    """

    def __init__(self, endpoint: Endpoint, load: Load, **settings: Any) -> None:
        route = f"/{endpoint.path}" if endpoint.path else ""
        # It would take an address of IPv6 apart at its colons, and needs none: our link connects.
        super().__init__(f"plc{route}", **settings)
        self.link = DeadlineSocket(endpoint.host, endpoint.port, load, pause_s=endpoint.pause_s)
        self._contexts = itertools.count(int.from_bytes(os.urandom(4), "little"))
        self._sent = _Sent(0, 0, 0, b"")
        self._leaving = False

    def open(self) -> bool:
        """Connect, register a session, open a large connection or else a small one."""
        self.link.connect()
        self._connection_opened = True
        self._cfg["cid"] = os.urandom(4)
        self._cfg["vsn"] = os.urandom(4)
        if not self._register_session():
            raise LinkDown(f"{self.link.peer} refused an EtherNet/IP session.")
        self._introduce()
        if self._forward_open():
            return True
        if self._cfg["extended forward open"]:
            self._cfg["extended forward open"] = False
            self._cfg["connection_size"] = 500
            if self._forward_open():
                return True
        raise LinkDown(f"{self.link.peer} refused a CIP connection.")

    def _introduce(self) -> None:
        """Learn what must be known of the controller before its connection is opened."""

    def close(self) -> None:
        """Say farewell if the kernel takes it at once, and drop the socket. Never raises."""
        self._leaving = True
        with contextlib.suppress(PycommError):
            if self._target_is_connected:
                self._forward_close()
            if self._session:
                self._un_register_session()
        self._connection_opened = self._target_is_connected = False
        self.link.close()

    def ask(self, service: int, path: bytes, parameters: bytes) -> CipReply:
        """Send one service over the connection and give its checked reply.

        Raises LinkDown.
        """
        packet = SendUnitDataRequestPacket(self._sequence)
        packet.add(bytes([service]), path, parameters)
        try:
            reply: bytes = self.send(packet).raw
            return parse_reply(reply[SERVICE_AT:], service)
        except Malformed as error:
            raise LinkDown(f"{self.link.peer} sent {error}.") from error
        except PycommError as error:
            raise LinkDown(f"{self.link.peer} could not be asked: {error}.") from error

    def _send(self, message: bytes) -> None:
        command, _, session, _, _, _ = HEADER.unpack_from(message)
        context = next(self._contexts)
        sequence = message[SEQUENCE_AT:SERVICE_AT] if command == SEND_UNIT_DATA else b""
        self._sent = _Sent(command, session, context, sequence)
        frame = b"".join((message[:12], context.to_bytes(8, "little"), message[20:]))
        if self._leaving:
            self.link.send_without_waiting(frame)
        else:
            self.link.send(frame)

    def _receive(self) -> bytes | None:
        if self._leaving:
            return None
        header = self.link.receive_exactly(HEADER.size)
        command, length, session, status, context, _ = HEADER.unpack(header)
        frame = header + self.link.receive_exactly(length)
        sent, peer = self._sent, self.link.peer
        if command != sent.command:
            raise LinkDown(f"{peer} sent EtherNet/IP command 0x{command:02X} unasked.")
        if status:
            raise LinkDown(f"{peer} refused a request: EtherNet/IP status 0x{status:02X}.")
        if command in {SEND_RR_DATA, SEND_UNIT_DATA} and session != sent.session:
            raise LinkDown(f"{peer} answered in a session that is not ours.")
        if command == SEND_UNIT_DATA:
            stale = frame[SEQUENCE_AT:SERVICE_AT] != sent.sequence
        else:
            stale = context != sent.context
        if stale:
            raise LinkDown(f"{peer} sent the answer to another request.")
        return frame


class CipLink(Contained, LogixDriver):
    """A connection to a Logix controller, which is asked for tags by name and never uploads them.

    So a program download cannot move what is read.
    """

    def __init__(self, endpoint: Endpoint, load: Load) -> None:
        super().__init__(endpoint, load, init_tags=False)
        self.multiple = True
        self.identity: dict[str, Any] = {}

    def _introduce(self) -> None:
        """A Micro800 takes one service at a time, and has no backplane."""
        self.identity = self._list_identity()
        if self.identity.get("product_name", "").startswith(MICRO800_PREFIX):
            self.multiple = False
            self._micro800 = True
            route = cast(list[Any], self._cfg["cip_path"])
            if route and isinstance(route[-1], PortSegment):
                route.pop()


class SlcLink(Contained, SLCDriver):
    """A connection to an SLC or a MicroLogix, which carries PCCC messages."""

    @property
    def requester(self) -> bytes:
        """Who asks, which a reply must repeat: its length, our vendor and serial number."""
        return b"\x07" + cast(bytes, self._cfg["vid"]) + cast(bytes, self._cfg["vsn"])


def root(error: PycommError, peer: str) -> LinkDown:
    """The LinkDown that the library has wrapped in its own errors, or one made of them."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, LinkDown):
            return cause
        cause = cause.__cause__
    return LinkDown(f"{peer} could not be asked: {error}.")

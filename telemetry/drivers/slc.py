"""SLC 5/05 and MicroLogix controllers read by blocks of their data files over EtherNet/IP."""

import itertools

from telemetry.decode import Undecodable, decode_slc
from telemetry.drivers import pccc
from telemetry.drivers.base import Endpoint, TagSpec
from telemetry.drivers.blocks import BlockReader
from telemetry.drivers.cip import Malformed
from telemetry.drivers.cip_link import SlcLink
from telemetry.drivers.cip_reader import CipReader
from telemetry.drivers.reader import Answers
from telemetry.plan import Block, Point, SlcArea, SlcLimits, slc_point

EXECUTE_PCCC = 0x4B
PCCC_OBJECT = b"\x02\x20\x67\x24\x01"
"""The path to the object that carries PCCC: its length in words, class 0x67, instance 1."""


class SlcReader(CipReader[SlcLink], BlockReader):
    """Reads data files by blocks; a bad address in one costs the search for it and nothing else."""

    link_type = SlcLink
    refusals = pccc.ADDRESS_REFUSED
    other_types = frozenset({pccc.OTHER_TYPE})

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self.limits = SlcLimits(**endpoint.options)
        self._transactions = itertools.cycle(range(1, 0x10000))

    def _greet(self) -> None:
        self._mark()

    def _ask_plc(self, answers: Answers) -> None:
        self._ask_blocks(self._points(answers), answers)
        if answers.heard:
            self._mark()

    def _mark(self) -> None:
        """Remember what tells the program from another one; nothing where the processor does not tell."""
        number = next(self._transactions)
        reply = self._exchange(
            pccc.diagnostic_status(number), pccc.DIAGNOSTIC_COMMAND, transaction=number
        )
        self.program = pccc.program_mark(reply.payload)
        self._tells_changes = bool(self.program)

    def _point(self, key: int, spec: TagSpec) -> Point:
        return slc_point(key, spec)

    def _read_block(self, block: Block, answers: Answers) -> int:
        area = block.area
        assert isinstance(area, SlcArea)  # noqa: S101  (its own points have no other)
        data = b""
        for start, count in block.pieces(self.limits.of(area)):
            number = next(self._transactions)
            message = pccc.typed_read(number, area, start, count)
            reply = self._exchange(message, pccc.TYPED_COMMAND, transaction=number)
            if not reply.good:
                return reply.status
            if len(reply.payload) != count * area.size:
                raise self._down(
                    f"answered with {len(reply.payload)} bytes where {count * area.size} were due"
                )
            data += reply.payload
        at = answers.arrived()
        for point in block.points:
            own = slice(
                (point.start - block.start) * area.size, (point.end - block.start) * area.size
            )
            try:
                answers.good(point.key, decode_slc(answers.specs[point.key], data[own]), at)
            except Undecodable as error:
                answers.bad(point.key, str(error), at)
        return 0

    def _exchange(self, message: bytes, command: int, *, transaction: int) -> pccc.PcccReply:
        """One PCCC message and its checked reply. Raises LinkDown."""
        plc = self._open_plc()
        reply = plc.ask(EXECUTE_PCCC, PCCC_OBJECT, plc.requester + message)
        if not reply.good:
            raise self._down(f"does not answer PCCC: {reply.why}")
        try:
            return pccc.parse_pccc(reply.payload, plc.requester, command, transaction)
        except Malformed as error:
            raise self._down(f"sent {error}") from error

    def _why(self, code: int) -> str:
        return pccc.why(code)

"""What the drivers over EtherNet/IP do the same: one checked connection, gone with the first error."""

from abc import abstractmethod
from typing import Generic, TypeVar

from pycomm3.exceptions import PycommError

from telemetry.drivers.base import Endpoint, LinkDown
from telemetry.drivers.cip_link import Contained, root
from telemetry.drivers.reader import Answers, Reader

Link = TypeVar("Link", bound=Contained)


class CipReader(Reader, Generic[Link]):
    """A reader over one connection of its class `link_type`."""

    link_type: type[Link]

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self._plc: Link | None = None
        self._tells_changes = False
        """Whether the controller shows which program it holds."""

    @property
    def connected(self) -> bool:
        return self._plc is not None

    @abstractmethod
    def _greet(self) -> None:
        """Learn of the controller what must be known before it is read. Raises LinkDown."""

    @abstractmethod
    def _ask_plc(self, answers: Answers) -> None:
        """Put what comes into the answers, and ask for the mark of the program last. Raises LinkDown."""

    def _ask(self, answers: Answers) -> None:
        self._open_plc().link.allow(self.endpoint.timeout_s)
        try:
            self._ask_plc(answers)
        except LinkDown:
            if self._tells_changes:
                # No mark vouches for what came: it may belong to a program that nobody knows.
                answers.forget()
            raise

    def _connect(self) -> None:
        try:
            plc = self._plc = self.link_type(self.endpoint, self.load)
            plc.link.allow(self.endpoint.timeout_s)
            plc.open()
        except PycommError as error:
            raise root(error, self.peer) from error
        self._greet()

    def _disconnect(self) -> None:
        plc, self._plc = self._plc, None
        if plc is not None:
            plc.close()

    def _interrupt(self) -> None:
        plc = self._plc
        if plc is not None:
            plc.link.interrupt()

    def _open_plc(self) -> Link:
        if self._plc is None:
            raise LinkDown(f"{self.peer} is not connected.")
        return self._plc

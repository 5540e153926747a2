"""Every fault of every protocol ends with the right quality, the right counts and no invented production.

Each case is a worker that polls a simulated controller over a real connection while it misbehaves.
"""

import socket
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import pytest

from production.models import Condition, Count
from telemetry.models import Plc, PlcLink, TagLatest
from telemetry.simulator.enip import LogixServer
from telemetry.simulator.faults import Faults
from telemetry.simulator.memory import Memory
from telemetry.simulator.modbus import ModbusServer, Place
from telemetry.simulator.slc import DataFiles, SlcServer
from tests import factories
from tests.controllers import polling, tag
from tests.plc.peers import serial_line

pytestmark = pytest.mark.django_db(transaction=True)

PLACES = [
    Place("Running", "holding", 0, "int16"),
    Place("Speed", "holding", 2, "float32"),
    Place("Total", "holding", 4, "int16"),
]
TIMEOUT_S = 0.4
LONG_AFTER_S = 60.0
"""Beyond every back-off, so that each tick of the poll's clock tries again."""


@dataclass
class Peer:
    """A simulated controller and how its three values are addressed."""

    protocol: str
    server: object
    host: str = "127.0.0.1"
    addresses: dict = field(default_factory=dict)

    def show(self, **values):
        for name, value in values.items():
            self.server.set(name, value)

    def refuse_total(self):
        match self.protocol:
            case "logix":
                self.server.controller.tag_errors["Total"] = 0x05
            case "slc":
                self.server.processor.refused.add("N7:0")
            case _:
                self.server.refused.add(4)


@contextmanager
def peer_of(protocol):
    with ExitStack() as stack:
        if protocol == "logix":
            memory = Memory([("Running", "BOOL", 1), ("Speed", "REAL", 1), ("Total", "INT", 1)])
            found = Peer(protocol, LogixServer(memory))
        elif protocol == "slc":
            names = {"Running": "B3:0/0", "Speed": "F8:0", "Total": "N7:0"}
            files = DataFiles(["B3:3", "F8:3", "N7:9"])
            found = Peer(protocol, SlcServer(files, names=names), addresses=names)
        else:
            places = {
                "Running": "holding:0.0",
                "Speed": "holding:2",
                "Total": "holding:4",
            }
            server = ModbusServer(PLACES, rtu=protocol != "modbus_tcp")
            found = Peer(protocol, server, addresses=places)
        found.server.start()
        stack.callback(found.server.stop)
        if protocol == "modbus_rtu":
            found.host = stack.enter_context(serial_line(found.server))
        yield found


class Watched:
    """A machine whose three tags are polled from a peer."""

    def __init__(self, peer, poll, **counting):
        self.peer = peer
        self.poll = poll
        self.machine = factories.equipment(code="M1", line=factories.line(code="L-1"))
        self.row = Plc.objects.create(
            code="plc",
            name="The PLC",
            protocol=peer.protocol,
            host=peer.host,
            port=peer.server.port,
            timeout_s=TIMEOUT_S,
            serial="19200 8N1",
        )
        kinds = {"Running": "bool", "Speed": "float32", "Total": "int16"}
        roles = {"Running": "running", "Speed": "speed", "Total": "total_count"}
        for name, kind in kinds.items():
            more = counting if name == "Total" else {}
            address = peer.addresses.get(name, name)
            tag(
                self.row, name, address=address, data_type=kind, of=self.machine,
                role=roles[name], **more,
            )  # fmt: skip

    def ticks_until(self, true):
        """Tick, each time long after the last one, until it is so."""
        for _ in range(12):
            self.poll.tick()
            self.poll.links.clock.now += LONG_AFTER_S
            if true():
                return
        pytest.fail("it never came to it")

    def tick(self):
        """One good poll of what the peer shows now."""
        before = (
            PlcLink.objects.filter(plc=self.row).values_list("last_ok_at", flat=True).first()
        )
        self.ticks_until(
            lambda: PlcLink.objects.get(plc=self.row).last_ok_at not in {None, before}
        )

    @property
    def made(self):
        return sum(
            Count.objects.filter(equipment=self.machine).values_list("quantity", flat=True)
        )

    @property
    def state(self):
        return Condition.objects.get(equipment=self.machine).state

    @property
    def qualities(self):
        return dict(TagLatest.objects.values_list("tag__name", "quality"))

    @property
    def decisions(self):
        rows = Count.objects.filter(equipment=self.machine).order_by("pk")
        return list(rows.values_list("decision", flat=True))


@pytest.fixture
def counting():
    """What is known of how the counter counts."""
    return {"modulus": 1 << 15, "max_per_minute": 60_000}


@pytest.fixture(params=["logix", "slc", "modbus_tcp", "modbus_rtu_tcp", "modbus_rtu"])
def watched(request, counting):
    """A running machine of which three pieces have been counted."""
    with peer_of(request.param) as peer, polling() as poll:
        peer.show(Running=1, Speed=80.0, Total=1000)
        watched = Watched(peer, poll, **counting)
        watched.tick()
        peer.show(Total=1003)
        watched.tick()
        assert (watched.made, watched.state) == (3, "running")
        assert set(watched.qualities.values()) == {"good"}
        yield watched


@contextmanager
def refused(server):
    server.stop()
    yield
    server.start()


@contextmanager
def black_hole(server):
    """Whoever connects is taken in, and never answered."""
    server.stop()
    with socket.create_server(("127.0.0.1", server.port)):
        yield
    server.start()


def spoilt(**faults):
    @contextmanager
    def spoil(server):
        server.faults = Faults(**faults)
        yield
        server.faults = Faults()

    return spoil


ON_THE_WIRE = {
    "refuse": refused,
    "blackhole": black_hole,
    "drop": spoilt(drop=True),
    "drip": spoilt(drip_s=0.1),
    "close in mid-reply": spoilt(close_mid=True),
    "stall in mid-reply": spoilt(stall_mid=True),
    "late reply": spoilt(delay_s=2 * TIMEOUT_S),
    "garbage": spoilt(garbage=b"\xff\x00" * 40),
    "wrong transaction": spoilt(misnumbered=True),
}


@pytest.mark.parametrize("fault", ON_THE_WIRE)
def test_what_breaks_the_link_is_no_data_and_counts_nothing_twice(watched, fault):
    with ON_THE_WIRE[fault](watched.peer.server):
        watched.peer.show(Total=1005)
        watched.ticks_until(lambda: PlcLink.objects.get().status == "lost")
        assert watched.state == "no_data"
        assert set(watched.qualities.values()) == {"stale"}
        assert watched.made == 3
    watched.peer.show(Total=1007)
    watched.ticks_until(lambda: watched.made > 5)
    assert (watched.made, watched.state) == (7, "running")
    assert PlcLink.objects.get().status == "connected"
    assert set(watched.decisions) <= {"baseline", "counted"}


def test_a_short_reply_is_bad_or_a_lost_link_and_never_a_value(watched):
    watched.peer.server.faults = Faults(short=True)
    watched.peer.show(Total=1005)
    watched.ticks_until(lambda: "good" not in watched.qualities.values())
    assert watched.made == 3
    watched.peer.server.faults = Faults()
    watched.ticks_until(lambda: set(watched.qualities.values()) == {"good"})
    assert (watched.made, watched.state) == (5, "running")


def test_zeros_after_a_power_up_are_a_reset_and_what_comes_back_is_no_production(watched):
    watched.peer.server.power_up()
    watched.tick()
    assert (watched.made, watched.state) == (3, "stopped")
    assert watched.decisions[-1] == "reset"
    watched.peer.show(Running=1, Total=31_000)
    watched.tick()
    assert (watched.made, watched.decisions[-1]) == (3, "jump")
    watched.peer.show(Total=31_004)
    watched.tick()
    assert watched.made == 7
    assert set(watched.qualities.values()) == {"good"}


HOW_IT_COUNTS = {
    "nothing known": {},
    "modulus": {"modulus": 1 << 15},
    "speed": {"max_per_minute": 60_000},
    "both": {"modulus": 1 << 15, "max_per_minute": 60_000},
}


@pytest.mark.parametrize("counting", HOW_IT_COUNTS.values(), ids=HOW_IT_COUNTS)
def test_a_counter_that_comes_back_after_a_power_up_goes_on_from_where_it_stood(watched):
    watched.peer.server.power_up()
    watched.tick()
    watched.tick()
    assert (watched.made, watched.state, watched.decisions[-1]) == (3, "stopped", "reset")
    watched.peer.show(Running=1, Total=1003)
    watched.tick()
    assert (watched.made, watched.state, watched.decisions[-1]) == (3, "running", "resumed")
    watched.peer.show(Total=1007)
    watched.tick()
    assert (watched.made, watched.decisions[-1]) == (7, "counted")


@pytest.mark.parametrize("counting", [{"modulus": 1 << 16}], ids=["whole word"])
def test_a_signed_word_counts_on_beyond_its_positive_half(watched, caplog):
    watched.peer.show(Total=32_767)
    watched.tick()
    begun = watched.made
    for value in (-32_768, -32_760):
        watched.peer.show(Total=value)
        watched.tick()
    assert (watched.made - begun, watched.decisions[-1]) == (9, "counted")
    assert "a counter's value was refused" not in caplog.messages


@pytest.mark.parametrize(
    ("before", "after", "made", "decision"),
    [(32_765, 5, 8, "rollover"), (5000, 12, 12, "reset")],
    ids=["rollover", "reset"],
)
def test_a_counter_that_turns_over_or_is_reset_counts_what_was_made(
    watched, before, after, made, decision
):
    watched.peer.show(Total=before)
    watched.tick()
    assert (watched.made, watched.decisions[-1]) == (3, "jump")
    watched.peer.show(Total=after)
    watched.tick()
    assert (watched.made, watched.decisions[-1]) == (3 + made, decision)


@pytest.mark.parametrize("number", [float("nan"), float("inf")], ids=["NaN", "infinite"])
def test_a_number_that_is_none_is_bad_and_the_rest_is_good(watched, number):
    watched.peer.show(Speed=number, Total=1005)
    watched.tick()
    assert watched.qualities == {"Running": "good", "Speed": "bad", "Total": "good"}
    assert (watched.made, watched.state) == (5, "running")


def test_a_tag_that_cannot_be_read_is_bad_alone_and_is_not_counted(watched):
    watched.peer.refuse_total()
    watched.peer.show(Total=1005)
    watched.tick()
    assert watched.qualities == {"Running": "good", "Speed": "good", "Total": "bad"}
    assert (watched.made, watched.state) == (3, "running")


@pytest.mark.parametrize("watched", ["logix", "slc"], indirect=True)
def test_another_program_in_the_plc_makes_every_reading_bad_and_counts_nothing(watched):
    watched.peer.server.download()
    watched.peer.show(Total=1009, Running=1)
    watched.tick()
    assert set(watched.qualities.values()) == {"bad"}
    assert (watched.made, watched.state) == (3, "no_data")


def test_nothing_was_ever_written_to_any_of_them(watched):
    watched.tick()
    assert watched.peer.server.stats.writes == 0

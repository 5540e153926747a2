"""Simulated controllers on loopback and the rows that poll them, for tests."""

from contextlib import contextmanager

from production.choices import MessageKind, Severity, Source
from telemetry.models import MessageBit, Plc, Tag
from telemetry.poll import Poll
from telemetry.simulator.enip import LogixServer
from telemetry.simulator.memory import Memory
from telemetry.simulator.modbus import ModbusServer, Place

MEMORY = (
    ("Running", "BOOL", 1),
    ("Speed", "REAL", 1),
    ("Good", "DINT", 1),
    ("Product", "INT", 1),
    ("Fault", "BOOL", 64),
    ("Starved", "BOOL", 1),
)
RUNNING_AT = {"Running": True, "Speed": 80.0, "Good": 1000, "Product": 1}


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@contextmanager
def logix(definitions=MEMORY, values=RUNNING_AT):
    """A simulated Logix controller, listening, with these values in its memory."""
    server = LogixServer(Memory(definitions))
    for name, value in values.items():
        server.set(name, value)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def modbus(places, values=(), device_id=1):
    """A simulated Modbus device, listening; each place is (name, table, number, type)."""
    server = ModbusServer([Place(*place) for place in places], device_id=device_id)
    for name, value in dict(values).items():
        server.set(name, value)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def polling(shard=0, clock=None, holder=""):
    """A worker's polling of a shard; what it opened is closed at the end."""
    poll = Poll(shard, holder=holder, clock=clock or Clock())
    try:
        yield poll
    finally:
        poll.close()


def ticks(poll, count, seconds=1.0):
    """Tick so many times, so many seconds of the poll's clock apart; return what each answered."""
    answered = []
    for _ in range(count):
        answered.append(poll.tick())
        poll.links.clock.now += seconds
    return answered


def plc(server=None, *, port=0, **fields):
    """The row of a PLC at the address of a simulated one."""
    protocol = "modbus_tcp" if isinstance(server, ModbusServer) else "logix"
    code = f"plc{Plc.objects.count() + 1}"
    defaults = {
        "code": code,
        "name": code.capitalize(),
        "protocol": protocol,
        "host": "127.0.0.1",
        "port": server.port if server else port,
        "timeout_s": 0.5,
    }
    return Plc.objects.create(**defaults | fields)


def tag(on, name, *, address=None, data_type="bool", of=None, role="none", **fields):
    """A tag of a PLC; `of` is the equipment it plays its role for."""
    return Tag.objects.create(
        plc=on,
        name=name,
        address=address or name,
        data_type=data_type,
        equipment=of,
        role=role,
        **fields,
    )


def machine_tags(on, of):
    """The tags of MEMORY, all in their roles; bit 31 is a fault, 22 a prompt, 7 a fault upstream."""
    tag(on, "Running", of=of, role="running")
    tag(on, "Speed", data_type="float32", of=of, role="speed")
    tag(on, "Good", data_type="int32", of=of, role="good_count")
    tag(on, "Product", data_type="int16", of=of, role="product")
    tag(on, "Starved", of=of, role="starved")
    messages = tag(on, "Fault", length=64, of=of, role="message_bits")
    bit(messages, 31, "Broken blade", severity=Severity.CRITICAL)
    bit(messages, 22, "Close guard", kind=MessageKind.PROMPT)
    bit(messages, 7, "Oven stopped", source=Source.UPSTREAM)
    return {each.name: each for each in Tag.objects.filter(plc=on)}


def bit(of, number, text, kind=MessageKind.FAULT, **fields):
    return MessageBit.objects.create(tag=of, bit=number, text=text, kind=kind, **fields)

"""Closed vocabularies of controllers and tags; those of the drivers are theirs, with words for a person."""

import enum

from django.db.models import TextChoices

from telemetry.drivers.base import ByteOrder, DataType, Quality

_ORDERS = {
    ByteOrder.ABCD: "big endian",
    ByteOrder.CDAB: "words swapped",
    ByteOrder.BADC: "bytes swapped",
    ByteOrder.DCBA: "little endian",
}


def _titled(vocabulary: type[enum.StrEnum]) -> list[tuple[str, str]]:
    return [(each.value, each.name.title()) for each in vocabulary]


DATA_TYPES = _titled(DataType)
QUALITIES = _titled(Quality)
BYTE_ORDERS = [(each.value, f"{each.value} ({_ORDERS[each]})") for each in ByteOrder]
"""Order of the bytes of a 32-bit value ABCD in two Modbus registers."""


class Protocol(TextChoices):
    LOGIX = "logix", "EtherNet/IP (Logix)"
    SLC = "slc", "EtherNet/IP (SLC, MicroLogix)"
    MODBUS_TCP = "modbus_tcp", "Modbus TCP"
    MODBUS_RTU = "modbus_rtu", "Modbus RTU (serial line)"
    MODBUS_RTU_TCP = "modbus_rtu_tcp", "Modbus RTU over TCP"


class LinkStatus(TextChoices):
    CONNECTED = "connected"
    LOST = "lost"
    DISABLED = "disabled"


class Role(TextChoices):
    """What a tag says about its equipment."""

    NONE = "none", "stored only"
    RUNNING = "running", "running bit"
    STATE_WORD = "state_word", "state word"
    SPEED = "speed", "speed (pieces a minute)"
    GOOD_COUNT = "good_count", "counter of good pieces"
    TOTAL_COUNT = "total_count", "counter of all pieces"
    REJECT_COUNT = "reject_count", "counter of rejects"
    PRODUCT = "product", "product number"
    MODE = "mode", "mode word"
    STARVED = "starved", "starved bit"
    BLOCKED = "blocked", "blocked bit"
    CHANGEOVER = "changeover", "changeover bit"
    MESSAGE_BITS = "message_bits", "message bits"


class DeadbandKind(TextChoices):
    """What a deadband is measured in."""

    ABSOLUTE = "absolute", "in the unit of the value"
    PERCENT = "percent", "per cent of the value last stored"


class Numbering(TextChoices):
    """How a state word numbers its states; PackML (ISA-TR88.00.02) has the same ones under two numberings."""

    OWN = "", "by the map alone"
    TR88 = "packml_tr88", "PackML as in ISA-TR88 (6 is Execute)"
    TMC = "packml_tmc", "PackML as in OPC 30060 (4 is Execute)"


class RuleKind(TextChoices):
    """What a state rule asks."""

    RUNNING = "running_bit", "the running bit is on"
    FAULT = "fault_bits", "a fault bit is on"
    STARVED = "starved_bit", "the starved bit, or a fault upstream, is on"
    BLOCKED = "blocked_bit", "the blocked bit, or a fault downstream, is on"
    COUNT = "count_movement", "a counter moved within so many cycles"
    MODE = "mode_word", "the mode word shows a number"
    SPEED = "speed_above", "the speed is above a threshold"
    OTHERWISE = "otherwise", "nothing above applied"


class WarningKind(TextChoices):
    """What is wrong with how a controller is configured."""

    UNKNOWN_STATE = "unknown_state", "unknown state number"
    PROGRAM_CHANGED = "program_changed", "program changed"


class FileKind(TextChoices):
    """What an imported file was."""

    LOGIX = "logix", "tags of RSLogix 5000 or Studio 5000"
    RSLOGIX500 = "rslogix500", "symbols of RSLogix 500"
    MESSAGES = "messages", "message bits"

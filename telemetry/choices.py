"""Closed vocabularies of controllers and tags; the drivers know the same words as plain enums."""

from django.db.models import TextChoices


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


class DataType(TextChoices):
    BOOL = "bool"
    INT8 = "int8"
    UINT8 = "uint8"
    INT16 = "int16"
    UINT16 = "uint16"
    INT32 = "int32"
    UINT32 = "uint32"
    INT64 = "int64"
    UINT64 = "uint64"
    FLOAT32 = "float32"
    FLOAT64 = "float64"
    STRING = "string"


class ByteOrder(TextChoices):
    """Order of the bytes of a 32-bit value ABCD in two Modbus registers."""

    ABCD = "ABCD", "ABCD (big endian)"
    CDAB = "CDAB", "CDAB (words swapped)"
    BADC = "BADC", "BADC (bytes swapped)"
    DCBA = "DCBA", "DCBA (little endian)"


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


class Quality(TextChoices):
    GOOD = "good"
    UNCERTAIN = "uncertain"
    BAD = "bad"
    STALE = "stale"


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

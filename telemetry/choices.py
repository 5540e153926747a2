"""Closed vocabularies of controllers and tags; the drivers know the same words as plain enums."""

from django.db.models import TextChoices


class Protocol(TextChoices):
    LOGIX = "logix", "EtherNet/IP (Logix)"
    MODBUS_TCP = "modbus_tcp", "Modbus TCP"


class LinkStatus(TextChoices):
    CONNECTED = "connected"
    LOST = "lost"
    DISABLED = "disabled"


class DataType(TextChoices):
    BOOL = "bool"
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

"""The tags and message bits of the simulated bakery, as data for whoever sets it up."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from telemetry.simulator.line_bag import COUNTER_MODULUS, LOADER_MODULUS

Role = Literal[
    "running",
    "state_word",
    "speed",
    "good_count",
    "total_count",
    "reject_count",
    "product",
    "mode",
    "starved",
    "blocked",
    "message_bits",
    "none",
]
Kind = Literal["fault", "prompt", "status", "info", "unused"]
Severity = Literal["low", "medium", "high", "critical"]
Source = Literal["internal", "upstream", "downstream"]


@dataclass(frozen=True, slots=True)
class BitRow:
    """What one message bit means; the reason is the code of the downtime it stands for."""

    bit: int
    description: str
    kind: Kind
    severity: Severity = "medium"
    source: Source = "internal"
    reason: str = ""


@dataclass(frozen=True, slots=True)
class TagRow:
    """A tag to be read: where it is, what it is, what it says about its equipment."""

    name: str
    address: str
    data_type: str
    role: Role
    equipment: str
    length: int = 1
    byte_order: str = "ABCD"
    scale: float = 1.0
    offset: float = 0.0
    unit: str = ""
    modulus: int | None = None
    max_per_minute: float | None = None
    state_map: Mapping[int, str] = field(default_factory=dict)
    numbering: str = ""
    bits: tuple[BitRow, ...] = ()


@dataclass(frozen=True, slots=True)
class PlcRow:
    """A simulated PLC. `memory` are the tags as a Logix controller defines them.

    `files` are the last elements of an SLC's data files, and `names` what people call its addresses.
    """

    code: str
    name: str
    protocol: Literal["logix", "slc", "modbus_tcp"]
    line: str
    tags: tuple[TagRow, ...]
    memory: tuple[tuple[str, str, int], ...] = ()
    files: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    device_id: int = 1


BAG, LOAD = "BP01.PACK.BAG1", "BP01.PACK.BAG1.BL"
WEIGH, CASE = "BP01.PACK.CW1", "BP01.PACK.CP1"
UINT32 = 1 << 32

BAGGER_BITS = (
    BitRow(0, "Bagger inverter or breaker", "fault", "high", reason="ELEC_FAULT"),
    BitRow(2, "Slicer blade inverter or breaker", "fault", "high", reason="ELEC_FAULT"),
    BitRow(4, "Infeed servo", "fault", "high", reason="MOTOR_FAIL"),
    BitRow(6, "Wicket servo", "fault", "high", reason="MOTOR_FAIL"),
    BitRow(7, "Low air pressure", "fault", "high", reason="MECH_FAULT"),
    BitRow(12, "Infeed guard open", "fault", reason="MAT_JAM"),
    BitRow(13, "Discharge guard open", "fault", reason="MAT_JAM"),
    BitRow(22, "Close guard", "prompt", "low"),
    BitRow(23, "Bagger emergency stop", "fault", "critical", reason="OTHER"),
    BitRow(24, "Slicer emergency stop", "fault", "critical", reason="OTHER"),
    BitRow(25, "Release emergency stop", "prompt", "low"),
    BitRow(26, "Not defined", "unused", "low"),
    BitRow(27, "Tagger stopped", "fault", source="downstream", reason="DOWNSTREAM_STOP"),
    BitRow(29, "OK to reset", "prompt", "low"),
    BitRow(30, "Not defined", "unused", "low"),
    BitRow(31, "Broken blade", "fault", "critical", reason="MECH_FAULT"),
    BitRow(34, "Metal detected", "fault", "high", reason="QUALITY_ISSUE"),
    BitRow(35, "Basket loader full", "fault", source="downstream", reason="DOWNSTREAM_STOP"),
    BitRow(36, "Double loaf", "fault", reason="MAT_JAM"),
    BitRow(38, "Wicket change-over", "status", "low"),
    BitRow(39, "Bag inflation", "fault", reason="MAT_QUALITY"),
    BitRow(42, "Torque limit", "fault", "high", reason="MECH_FAULT"),
    BitRow(44, "Wicket overtravel", "fault", reason="MECH_FAULT"),
    BitRow(47, "Batch complete", "info", "low"),
    BitRow(49, "Scoop blocked", "fault", reason="MAT_JAM"),
    BitRow(57, "OK to start", "prompt", "low"),
    BitRow(58, "OK to start slicer", "prompt", "low"),
    BitRow(59, "Machine running", "status", "low"),
)

BAGGER = PlcRow(
    code="bagger",
    name="Bagger 1",
    protocol="logix",
    line="L-BAG1",
    memory=(
        ("MC_Avg_Speed", "REAL", 1),
        ("Current_Product", "INT", 1),
        ("Count_Blade_PEC", "COUNTER", 1),
        ("Reject_Count", "DINT", 1),
        ("AllDrivesEnabled", "BOOL", 1),
        ("Fault", "BOOL", 64),
    ),
    tags=(
        TagRow("Speed", "MC_Avg_Speed", "float32", "speed", BAG, unit="bags/min"),
        TagRow("Product", "Current_Product", "int16", "product", BAG),
        TagRow("Bags", "Count_Blade_PEC.ACC", "int32", "total_count", BAG, unit="bags",
               modulus=COUNTER_MODULUS, max_per_minute=130),
        TagRow("Rejects", "Reject_Count", "int32", "reject_count", BAG, unit="bags",
               modulus=COUNTER_MODULUS, max_per_minute=130),
        TagRow("Running", "Fault[59]", "bool", "running", BAG),
        TagRow("Drives enabled", "AllDrivesEnabled", "bool", "none", BAG),
        TagRow("Messages", "Fault", "bool", "message_bits", BAG, length=64, bits=BAGGER_BITS),
    ),
)  # fmt: skip

LOADER = PlcRow(
    code="loader",
    name="Basket loader 1",
    protocol="slc",
    line="L-BAG1",
    files=("O:0", "I:1", "S:32", "B3:3", "T4:3", "C5:3", "N7:19", "F8:3"),
    names={
        "BL_Running": "B3:0/0",
        "BL_Starved": "B3:0/1",
        "BL_Blocked": "B3:0/2",
        "BL_Count": "N7:0",
        "BL_Speed": "F8:0",
    },
    tags=(
        TagRow("Running", "B3:0/0", "bool", "running", LOAD),
        TagRow("Speed", "F8:0", "float32", "speed", LOAD, unit="loaves/min"),
        TagRow("Loaves", "N7:0", "int16", "total_count", LOAD, unit="loaves",
               modulus=LOADER_MODULUS, max_per_minute=160),
        TagRow("Starved", "B3:0/1", "bool", "starved", LOAD),
        TagRow("Blocked", "B3:0/2", "bool", "blocked", LOAD),
    ),
)  # fmt: skip

CHECKWEIGHER = PlcRow(
    code="checkweigher",
    name="Checkweigher 1",
    protocol="modbus_tcp",
    line="L-PACK2",
    tags=(
        TagRow("State", "input:0", "uint16", "state_word", WEIGH,
               state_map={0: "stopped", 1: "running", 2: "faulted", 3: "starved"}),
        TagRow("Speed", "input:2", "float32", "speed", WEIGH, byte_order="CDAB",
               unit="packs/min"),
        TagRow("Total", "input:4", "uint32", "total_count", WEIGH, byte_order="CDAB",
               unit="packs", modulus=UINT32, max_per_minute=120),
        TagRow("Reject", "input:6", "uint32", "reject_count", WEIGH, byte_order="CDAB",
               unit="packs", modulus=UINT32, max_per_minute=120),
    ),
)  # fmt: skip

CASEPACKER_BITS = (
    BitRow(0, "Case magazine empty", "fault", reason="MAT_SHORTAGE"),
    BitRow(1, "Flap jam", "fault", reason="MAT_JAM"),
    BitRow(2, "Glue temperature low", "fault", "high", reason="ELEC_FAULT"),
    BitRow(3, "Close the door", "prompt", "low"),
)

CASEPACKER = PlcRow(
    code="casepacker",
    name="Case packer 1",
    protocol="modbus_tcp",
    line="L-PACK2",
    device_id=2,
    tags=(
        TagRow("State", "holding:0", "uint16", "state_word", CASE, numbering="packml_tr88"),
        TagRow("Speed", "holding:2", "float32", "speed", CASE, unit="cases/min"),
        TagRow("Count", "holding:4", "uint32", "total_count", CASE, unit="cases",
               modulus=UINT32, max_per_minute=20),
        TagRow("Alarms", "holding:6", "bool", "message_bits", CASE, length=16,
               bits=CASEPACKER_BITS),
        TagRow("UnitMode", "holding:7", "uint16", "mode", CASE),
        TagRow("NoPacks", "holding:8", "uint16", "starved", CASE),
    ),
)  # fmt: skip

PLCS = (BAGGER, LOADER, CHECKWEIGHER, CASEPACKER)

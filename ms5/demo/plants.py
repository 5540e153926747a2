"""The simulated controllers of the demo: which ports they listen on."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from ms5.demo.commands import Arguments
from ms5.demo.ports import free_port, is_free


@dataclass(frozen=True, slots=True)
class PlantPorts:
    """The first of two ports each (bagger and loader; checkweigher and packer), and the door's."""

    logix: int = 24_818
    modbus: int = 25_020
    control: int = 24_800

    def arguments(self) -> Arguments:
        """What the simulator is started with."""
        return (
            *("-m", "telemetry.simulator", "--logix-port", str(self.logix)),
            *("--modbus-port", str(self.modbus), "--control-port", str(self.control)),
        )

    def environment(self) -> dict[str, str]:
        """What the demo's loader reads, so that its controllers are found where they listen."""
        return {
            "MS5_SIM_LOGIX_PORT": str(self.logix),
            "MS5_SIM_MODBUS_PORT": str(self.modbus),
        }


def plant_ports(directory: Path) -> PlantPorts:
    """The ports of the last run on this data directory when they are free, else others.

    Those that are taken are replaced; what is chosen is remembered for the next run.
    """
    file = directory / "plant-ports.json"
    wanted = PlantPorts()
    if file.is_file():
        wanted = PlantPorts(**json.loads(file.read_text()))
    chosen = PlantPorts(
        logix=_pair(wanted.logix),
        modbus=_pair(wanted.modbus),
        control=wanted.control if is_free(wanted.control) else free_port(),
    )
    file.write_text(json.dumps(asdict(chosen)) + "\n")
    return chosen


def _pair(first: int) -> int:
    while not (is_free(first) and is_free(first + 1)):
        first = free_port()
    return first

"""The refusal to start with settings that name no network or no port of controllers."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

from telemetry.reach import BadReach, reach_of


def reach_is_told(**_: Any) -> list[CheckMessage]:
    """E007: by a network that is none nobody could tell where controllers may be."""
    try:
        reach_of(settings.PLC_NETWORKS, settings.PLC_PORTS)
    except BadReach as bad:
        return [
            Error(
                f"Where controllers may be cannot be told: {bad}",
                hint="Write MS5_PLC_NETWORKS like 10.1.0.0/16,192.168.7.0/24 and MS5_PLC_PORTS like"
                " 44818,502,4001-4016.",
                id="ms5.E007",
            )
        ]
    return []


def install() -> None:
    """Register the check with Django."""
    register(reach_is_told, Tags.security)

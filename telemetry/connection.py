"""Try to reach controllers once, and tell no more than whether they answered."""

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from telemetry.drivers.base import Endpoint, LinkDown
from telemetry.models import Plc
from telemetry.reach import driver_at

log = logging.getLogger(__name__)

MOST_AT_ONCE = 20
"""More would keep a person, and a thread of the web server, waiting too long."""


def answers(plcs: Sequence[Plc]) -> dict[str, bool]:
    """Return by code whether each controller took a connection within its own deadline.

    The connection is one beside the poll's and is closed at once. Why it failed goes to the log and not
    to the caller, who could otherwise explore a network with it. At most MOST_AT_ONCE controllers.
    """
    if len(plcs) > MOST_AT_ONCE:
        raise ValueError(f"at most {MOST_AT_ONCE} controllers at once")
    if not plcs:
        return {}
    with ThreadPoolExecutor(len(plcs), thread_name_prefix="test-plc") as pool:
        told = pool.map(_answers, [plc.code for plc in plcs], [plc.endpoint for plc in plcs])
        return dict(zip((plc.code for plc in plcs), told, strict=True))


def _answers(code: str, endpoint: Endpoint) -> bool:
    driver = driver_at(endpoint)
    try:
        driver.open()
    except LinkDown as down:
        log.info("a controller did not answer a test", extra={"plc": code, "error": str(down)})
        return False
    finally:
        driver.close()
    return True

"""The grammar of CIP routes: how a controller is reached behind the address that is connected (pure)."""

import ipaddress
import re

from telemetry.address import AddressError

PORTS = ("backplane", "bp", "enet", "dhrio-a", "dhrio-b", "dnet", "cnet", "dh485-a", "dh485-b")
_LAST_PORT = 14
"""The number 15 announces a longer one, which the library does not write."""
_LAST_LINK = 0xFF
_LIKE = "write a slot such as 2, or pairs of a port and what is behind it, such as 1/2 or bp/0/enet/10.1.2.3"


def parse_route(text: str) -> tuple[tuple[str, str], ...]:
    r"""The ports of a route, each with the slot, node or address behind it; none when empty.

    One number alone is a slot of the backplane. Between the parts stands `/`, `\\` or `,`. Raises AddressError.
    """
    if not text:
        return ()
    parts = re.split(r"[/\\,]", text)
    if len(parts) == 1:
        parts = ["bp", *parts]
    if len(parts) % 2:
        raise AddressError(f"{text!r} is no CIP path: {_LIKE}.")
    route = tuple(zip(parts[::2], parts[1::2], strict=True))
    for port, link in route:
        if port not in PORTS and not _is_number(port, 1, _LAST_PORT):
            raise AddressError(
                f"{port!r} in {text!r} is no port; ports are 1 to {_LAST_PORT}, {', '.join(PORTS)}."
            )
        if not _is_number(link, 0, _LAST_LINK) and not _is_address(link):
            raise AddressError(f"{link!r} in {text!r} is no slot, node or IP address: {_LIKE}.")
    return route


def _is_number(text: str, first: int, last: int) -> bool:
    return re.fullmatch(r"[0-9]{1,3}", text) is not None and first <= int(text) <= last


def _is_address(text: str) -> bool:
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return True

"""Where a request comes from, as far as it can be believed (pure)."""

import ipaddress
from collections.abc import Sequence

# A household or a phone has a whole /64 and can take a new address of it at each attempt.
_IPV6_PREFIX = 64
UNKNOWN = "unknown"


def client_address(peer: str | None, forwarded: Sequence[str], trusted_proxies: int) -> str:
    """Return the address to count by; an IPv6 one stands for its network of 64 bits.

    `peer` is the other end of the connection, `forwarded` the values of X-Forwarded-For in their order.
    Each proxy adds at the right whom it heard from, so with n proxies of ours the n-th from the right was
    written by the outermost of them, and all before it by whoever wanted to. With fewer entries than
    proxies, or one that is no address, the peer is believed.
    """
    if trusted_proxies > 0:
        hops = [hop.strip() for value in forwarded for hop in value.split(",")]
        if len(hops) >= trusted_proxies:
            told = _normal(hops[-trusted_proxies])
            if told is not None:
                return told
    return _normal(peer or "") or UNKNOWN


def _normal(text: str) -> str | None:
    bare = text.strip().strip('"')
    if bare.startswith("["):  # [2001:db8::1]:4711
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:  # 192.0.2.1:4711
        bare = bare.partition(":")[0]
    try:
        address = ipaddress.ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((int(address), _IPV6_PREFIX), strict=False).network_address)

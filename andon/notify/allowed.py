"""Which hosts and addresses we may reach out to (pure)."""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# Python calls these global, and each leads to another address: NAT64, 6to4, Teredo, assignments.
_TUNNELS: tuple[Network, ...] = tuple(
    ipaddress.ip_network(each)
    for each in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "192.0.0.0/24")
)


class BadEntry(ValueError):
    """An entry that is neither a network nor the name of a host."""


def is_public(address: Address) -> bool:
    """Whether the address is one of the internet's, and leads to no other."""
    address = _plain(address)
    return (
        address.is_global
        and not address.is_multicast
        and not any(address.version == each.version and address in each for each in _TUNNELS)
    )


@dataclass(frozen=True, slots=True)
class Allowed:
    """Names (`hooks.example.com`, `*.example.com`) and networks (`10.20.0.0/16`, `10.20.1.5`).

    A name opens public addresses alone. Whatever is not public is reached only where a network names it, so
    that no name, ours or another's, ever leads to the plant or to this machine.
    """

    names: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()

    def by_name(self, host: str) -> bool:
        """Whether the name of the host is one that may be called."""
        name = host.lower().rstrip(".")
        if name in self.names:
            return True
        parents = name.split(".")[1:]
        return any(f"*.{'.'.join(parents[at:])}" in self.names for at in range(len(parents)))

    def by_network(self, address: Address) -> bool:
        """Whether the address lies in a network that may be called."""
        plain = _plain(address)
        return any(plain.version == each.version and plain in each for each in self.networks)

    def permits(self, host: str, address: Address) -> bool:
        """Whether a connection may be made to this address for the sake of this host."""
        return self.by_network(address) or (self.by_name(host) and is_public(address))


def allowed_of(entries: Iterable[str]) -> Allowed:
    """Return what the entries allow. Raises BadEntry."""
    names: set[str] = set()
    networks: list[Network] = []
    for entry in (each.strip() for each in entries):
        if not entry:
            continue
        try:
            networks.append(ipaddress.ip_network(entry))
            continue
        except ValueError as bad:
            if "/" in entry or entry.replace(".", "").isdigit():
                raise BadEntry(f"{entry} is no network: {bad}") from bad
        name = entry.lower().rstrip(".")
        bare = name.removeprefix("*.")
        if not bare or not all(_is_label(label) for label in bare.split(".")):
            raise BadEntry(f"{entry} is neither a network nor the name of a host")
        names.add(name)
    return Allowed(frozenset(names), tuple(networks))


def _is_label(text: str) -> bool:
    return (
        0 < len(text) <= 63
        and text.replace("-", "").isalnum()
        and text.isascii()
        and not text.startswith("-")
        and not text.endswith("-")
    )


def _plain(address: Address) -> Address:
    """Return the IPv4 address that is written as an IPv6 one."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address

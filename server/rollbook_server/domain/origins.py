"""Where guesses and refusals are counted: at an address, and at the addresses that come with it."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

_IPV4_NETWORK = 24
# One customer has the whole of a /64, and often of a /48: each is no more than an address.
_IPV6_SOURCE, _IPV6_NETWORK = 64, 48


@lru_cache(4096)
def origins(source: str) -> tuple[str, ...]:
    """Give the address (of IPv6 its /64) and the network around it; empty text if unknown.

    The address is that of the connection. Nobody is believed who says that a call comes
    from elsewhere: behind a proxy all callers are one.
    """
    try:
        address = ip_address(source)
    except ValueError:
        return ("",)
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if isinstance(address, IPv4Address):
        return str(address), _network(address, _IPV4_NETWORK)
    return _network(address, _IPV6_SOURCE), _network(address, _IPV6_NETWORK)


def _network(address: IPv4Address | IPv6Address, bits: int) -> str:
    return str(ip_network((address.packed, bits), strict=False))

"""Network addresses as people write them: HOST:PORT or [IPV6]:PORT."""

from __future__ import annotations

import ipaddress


def host_of(address: str) -> str:
    """Give the host; the whole text if it names no port."""
    host, colon, _ = address.rpartition(":")
    return (host if colon else address).strip("[]")


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach the host."""
    if host == "localhost":
        return True
    address = _numeric(host)
    return address is not None and address.is_loopback


def is_no_destination(host: str) -> bool:
    """Tell whether no other machine can call the host: loopback, or 0.0.0.0 and ::."""
    address = _numeric(host)
    return is_loopback(host) or (address is not None and address.is_unspecified)


def _numeric(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None

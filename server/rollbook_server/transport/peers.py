"""Where calls come from, as gRPC tells it."""

from __future__ import annotations

from urllib.parse import unquote


def source_of(peer: str) -> str:
    """Give the address of ipv4:ADDRESS:PORT or ipv6:[ADDRESS]:PORT; empty for any other."""
    kind, _, rest = peer.partition(":")
    if kind not in {"ipv4", "ipv6"}:
        return ""
    return unquote(rest.rpartition(":")[0]).strip("[]")

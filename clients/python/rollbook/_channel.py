"""From an address to a gRPC channel: TLS or plaintext, retries, keepalive."""

from __future__ import annotations

import ipaddress
import json
import re
from dataclasses import dataclass

import grpc
import grpc.aio

from rollbook._tls import NO_FILES, Tls

_DEFAULT_PORT = 7443
_LAST_PORT = 65_535

# Names that gRPC itself resolves; only it knows their rules.
_GRPC_SCHEMES = ("dns:", "ipv4:", "ipv6:", "unix:", "unix-abstract:", "xds:")

# A name or IPv4 address, or an IPv6 address in brackets, perhaps with its zone.
_HOST = re.compile(r"[^\s/:\[\]]+|\[[0-9A-Fa-f:.]+(%[\w.]+)?\]")

_SERVICES = (
    "AccessService",
    "AuditService",
    "DeviceService",
    "EnrollmentService",
    "ProfileService",
    "TokenService",
    "UserService",
)

# gRPC retries a stream only until its first answer and would replay it from memory;
# an upload is resumed at its committed position instead.
_NEVER_RETRIED = ("UploadDevices", "ExportDevices")

# Five is the most gRPC allows; all attempts together stay within the call's deadline. A server
# that stops answers CANCELLED to what reaches it in that moment; who cancels a call of their
# own is not heard again.
_RETRY_POLICY = {
    "maxAttempts": 5,
    "initialBackoff": "0.1s",
    "maxBackoff": "2s",
    "backoffMultiplier": 2,
    "retryableStatusCodes": ["UNAVAILABLE", "CANCELLED"],
}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the server is and how to speak to it."""

    address: str
    plaintext: bool
    tls: Tls = NO_FILES

    def __str__(self) -> str:
        return f"{self.address} ({'plaintext' if self.plaintext else 'TLS'})"

    def open_channel(self, *, apart: bool = False) -> grpc.Channel:
        """Give a channel; it connects with the first call, and its opener closes it.

        One that is `apart` has a connection of its own; others may share one.
        """
        options = self._options(apart=apart)
        if self.plaintext:
            return grpc.insecure_channel(self.address, options=options)
        return grpc.secure_channel(self.address, self.tls.credentials(), options=options)

    def open_asyncio_channel(self, *, apart: bool = False) -> grpc.aio.Channel:
        """Give one that belongs to the running event loop."""
        options = self._options(apart=apart)
        if self.plaintext:
            return grpc.aio.insecure_channel(self.address, options=options)
        return grpc.aio.secure_channel(self.address, self.tls.credentials(), options=options)

    def _options(self, *, apart: bool) -> list[tuple[str, str | int]]:
        return [
            ("grpc.service_config", json.dumps(service_config())),
            # The server refuses pings more often than every 30 s.
            ("grpc.keepalive_time_ms", 60_000),
            ("grpc.keepalive_timeout_ms", 20_000),
            # Pings, too, wait behind megabytes of an upload on a slow network. gRPC would
            # take a connection for dead after 60 s; one that is, Linux ends after the 20 s.
            ("grpc.http2.ping_timeout_ms", 300_000),
            # gRPC would wait up to 120 s before it looks for a restarted server.
            ("grpc.initial_reconnect_backoff_ms", 100),
            ("grpc.max_reconnect_backoff_ms", 5_000),
            # A proxy from the environment cannot reach this machine's loopback.
            ("grpc.enable_http_proxy", 0 if is_loopback(self.address) else 1),
            # Else channels of one process with the same options share their connections.
            ("grpc.use_local_subchannel_pool", int(apart)),
            *([] if self.plaintext else self.tls.options()),
        ]


def endpoint(address: str, *, tls: Tls = NO_FILES, plaintext: bool | None = None) -> Endpoint:
    """Decide between TLS and plaintext: plaintext by itself only on loopback."""
    if plaintext and tls:
        raise ValueError("certificates and server names are for TLS: leave out plaintext=True")
    address = _with_port(address)
    if plaintext is None:
        plaintext = not tls and is_loopback(address)
    return Endpoint(address, plaintext, tls)


def service_names() -> tuple[str, ...]:
    """Give the names of the services of a server, without their package."""
    return _SERVICES


def service_config() -> dict[str, object]:
    """Say which calls gRPC itself retries: every unary one, for each is safe to repeat."""
    retried = [{"service": f"rollbook.v1.{service}"} for service in _SERVICES]
    streams = [
        {"service": "rollbook.v1.DeviceService", "method": method} for method in _NEVER_RETRIED
    ]
    return {"methodConfig": [{"name": streams}, {"name": retried, "retryPolicy": _RETRY_POLICY}]}


def is_loopback(address: str) -> bool:
    """Tell whether what is sent to the address stays on this machine."""
    if address.startswith(("unix:", "unix-abstract:")):
        return True
    plain = address.rpartition("/")[2]
    for scheme in _GRPC_SCHEMES:
        plain = plain.removeprefix(scheme)
    host = plain.rpartition(":")[0].strip("[]")
    if host.casefold() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _with_port(address: str) -> str:
    """Complete `HOST` to `HOST:7443`; an IPv6 host may come without its brackets."""
    if not address or address.isspace():
        raise ValueError("the server's address is empty: write HOST:PORT")
    if address.startswith(_GRPC_SCHEMES):
        return address
    host, port = _split(address)
    if not _HOST.fullmatch(host) or not _is_port(port):
        raise ValueError(f"{address!r} is no address: write HOST:PORT, without http://")
    return f"{host}:{port}"


def _split(address: str) -> tuple[str, str]:
    if address.count(":") > 1 and not address.startswith("["):
        return f"[{address}]", str(_DEFAULT_PORT)
    if address.rpartition("]")[2].count(":") == 1:
        host, _, port = address.rpartition(":")
        return host, port
    return address, str(_DEFAULT_PORT)


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdecimal() and 0 < int(text[:6]) <= _LAST_PORT

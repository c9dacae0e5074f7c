"""Where a server listens: whether it can be had, and who has it."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from rollbook_server.config import ConfigError, split_address
from rollbook_server.tls import Certificates
from rollbook_server.tls_files import tls_files

if TYPE_CHECKING:
    from collections.abc import Callable

    import grpc

    from rollbook_server.config import Config
    from rollbook_server.domain.clock import Clock

_OPTIONS = (
    # Clients may ping every 30 s, the usual time after which middleboxes forget them.
    ("grpc.http2.min_ping_interval_without_data_ms", 30_000),
    ("grpc.keepalive_permit_without_calls", 1),
    # Every connection takes a file descriptor and 10 KiB, and strangers can make many. Who
    # has not said what it speaks within 20 s (2 min by default) goes, and who has had no call
    # under way for 5 min (never by default): clients connect again with their next call.
    ("grpc.server_handshake_timeout_ms", 20_000),
    ("grpc.max_connection_idle_ms", 300_000),
    # Of one connection so many calls are under way at a time (by default 2^31); a client
    # keeps further ones back by itself.
    ("grpc.max_concurrent_streams", 1024),
    # A client that vanished without a word gives its upload stream free in 40 s: Linux ends a
    # connection on which nothing is acknowledged for the second of these.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    # A client that is there answers pings behind what its own kernel holds of an upload, up
    # to 4 MiB, which at 15 KB/s take so long. gRPC gives it 60 s, by a name of its core's own.
    ("grpc.http2.ping_timeout_ms", 300_000),
)


def options(config: Config) -> list[tuple[str, int]]:
    """Give what a gRPC server is told of its connections."""
    # Two servers on one port share its calls, unseen unless it is meant so.
    return [*_OPTIONS, ("grpc.so_reuseport", int(config.shares_port))]


def _stay() -> None:
    """Leave nothing: there is nobody to leave."""


class Door:
    """The address of a server, open to one at a time, with the certificates that it shows.

    Raises ConfigError if there is no good certificate to begin with.
    """

    def __init__(self, config: Config, clock: Clock) -> None:
        files = self._files = tls_files(config)
        self.certificates = Certificates(files, clock) if files else None
        self._listen = config.listen
        self._leave: Callable[[], None] = _stay

    def open(self, server: grpc.Server, leave: Callable[[], None] = _stay) -> str:
        """Let the server listen, once who did before has left, and give the address.

        `leave` is called when another one is to have it. Port 0 takes a free one the first
        time, and that from then on. Raises ConfigError if the address cannot be used.
        """
        self.close()
        try:
            port = self._add_port(server)
        except RuntimeError:
            raise self._cause() from None
        self._leave = leave
        self._listen = f"{self._listen.rpartition(':')[0]}:{port}"
        return self._listen

    def close(self) -> None:
        """Let whoever has the address leave it."""
        leave, self._leave = self._leave, _stay
        leave()

    def _cause(self) -> ConfigError:
        """Tell why gRPC does not listen, which it does not say: the address, or the files."""
        try:
            check_free(self._listen)
        except ConfigError as error:
            return error
        if self._files is None:
            return ConfigError(
                f"--listen {self._listen}: the address cannot be used; another program may have "
                "the port, or this machine does not have the address."
            )
        return ConfigError(
            f"--tls-cert {self._files.certificate}: gRPC does not take certificate, key or "
            "client authorities, and does not say which; have them issued anew."
        )

    def _add_port(self, server: grpc.Server) -> int:
        if self.certificates is None:
            return server.add_insecure_port(self._listen)
        return server.add_secure_port(self._listen, self.certificates.credentials())


def check_free(address: str, option: str = "--listen") -> None:
    """Raise ConfigError if the address, which the option names, cannot be listened on.

    gRPC would find it as well, but writes a line of its own about it, which no
    variable silences once it is imported; and it does not say why.
    """
    host, port = split_address(address)
    try:
        family, *_, found = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)[0]
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as gRPC does
            probe.bind(found)
    except OSError as error:
        said = error.strerror or error
        raise ConfigError(f"{option} {address}: the address cannot be used: {said}.") from error

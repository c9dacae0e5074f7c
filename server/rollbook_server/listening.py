"""Whether an address can be listened on, found out before gRPC tries."""

from __future__ import annotations

import socket

from rollbook_server.config import ConfigError, split_address


def check_free(listen: str) -> None:
    """Raise ConfigError if the address cannot be listened on.

    gRPC would find it as well, but writes a line of its own about it, which no
    variable silences once it is imported; and it does not say why.
    """
    host, port = split_address(listen)
    try:
        family, *_, address = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)[0]
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as gRPC does
            probe.bind(address)
    except OSError as error:
        said = error.strerror or error
        raise ConfigError(f"--listen {listen}: the address cannot be used: {said}.") from error

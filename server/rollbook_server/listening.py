"""Whether an address can be listened on, found out before gRPC tries."""

from __future__ import annotations

import socket

from rollbook_server.config import ConfigError, split_address


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

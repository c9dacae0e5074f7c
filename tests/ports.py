"""Ports of this machine that are given to nobody else, whether anybody listens there or not.

What is free now another test may have in a moment: the suite starts servers all the time.
"""

from __future__ import annotations

import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def kept_port() -> socket.socket:
    """Take a port without listening; close it.

    Who calls it is refused. Who asks for it by its number can listen there, if that allows an
    address to be used again or to be shared, as gRPC and Rollbook do; who asks for any port
    gets another one.
    """
    kept = socket.socket()
    for name in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):
        kept.setsockopt(socket.SOL_SOCKET, name, 1)
    kept.bind(("127.0.0.1", 0))
    return kept


def address_of(kept: socket.socket) -> str:
    return f"127.0.0.1:{kept.getsockname()[1]}"


@contextmanager
def where_nobody_is() -> Iterator[str]:
    """Give an address on which nobody listens."""
    with kept_port() as kept:
        yield address_of(kept)

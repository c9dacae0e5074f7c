"""Ports that stay ours while nobody listens on them: the suite starts servers all the time."""

from __future__ import annotations

import os
import socket
import weakref
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class KeptPort:
    """A port of this machine for whoever listens on it, ends, and comes again.

    It is bound, and no more. So the system gives it to none of the many beside us who ask for
    any free port; and who asks for it by its number, as servers do with SO_REUSEADDR and
    their workers with SO_REUSEPORT, has it.
    """

    def __init__(self) -> None:
        with socket.socket() as kept:
            kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            kept.bind(("127.0.0.1", 0))
            self.number = kept.getsockname()[1]
            weakref.finalize(self, os.close, kept.detach())

    @property
    def address(self) -> str:
        """Give it with the address of this machine, as servers are told it."""
        return f"127.0.0.1:{self.number}"


@contextmanager
def where_nobody_is() -> Iterator[str]:
    """Give an address on which nobody listens: who calls it is refused."""
    kept = KeptPort()
    yield kept.address

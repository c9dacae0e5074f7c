"""A TCP proxy before a PostgreSQL that cuts connections where it is told to, in COMMIT too."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from contextlib import suppress
from enum import Enum, auto
from select import select
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

COMMIT = b"COMMIT\0"  # with its end: READ COMMITTED is no commit
_BLOCK = 65_536


class Cut(Enum):
    """What becomes of a piece that a client sent: where the connection is cut, if at all."""

    NOT = auto()
    BEFORE = auto()  # PostgreSQL never sees it
    BEHIND = auto()  # it sees it, or what is in it so far
    ANSWERED = auto()  # it has done it, and the client never hears of it


class CuttingProxy:
    """Stands before a socket of PostgreSQL on a port of its own; use it in a `with`.

    `decide` is asked about each piece that clients send; `cuts` counts what it said of
    those that commit, and of others.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.decide: Callable[[bytes], Cut] = lambda _: Cut.NOT
        self.cuts: Counter[tuple[Cut, bool]] = Counter()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.decide = lambda _: Cut.NOT
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                client, _ = self._listening.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as server, suppress(OSError):
            server.connect(str(self._path))
            self._carry(client, server)

    def _carry(self, client: socket.socket, server: socket.socket) -> None:
        """Carry to and fro until one end is gone, or the connection is to be cut."""
        is_deaf = False  # in a pipeline an answer comes only after more was sent
        while True:
            for source in select([client, server], [], [])[0]:
                data = source.recv(_BLOCK)
                if not data or (source is server and is_deaf):
                    return
                if source is server:
                    client.sendall(data)
                    continue
                cut = Cut.NOT if is_deaf else self._decided(data)
                if cut is not Cut.BEFORE:
                    server.sendall(data)
                if cut in (Cut.BEFORE, Cut.BEHIND):
                    return
                is_deaf = is_deaf or cut is Cut.ANSWERED

    def _decided(self, data: bytes) -> Cut:
        cut = self.decide(data)
        self.cuts[cut, COMMIT in data] += 1
        return cut

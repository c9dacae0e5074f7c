"""A way to a PostgreSQL that can be cut, at the moments that matter most."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from enum import Enum, auto
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_COMMIT = b"COMMIT\0"


class Cut(Enum):
    """When the next COMMIT is cut off."""

    NEVER = auto()
    BEFORE = auto()  # the server never hears of it
    BEHIND = auto()  # the server does it, and its answer is lost


class Proxy:
    """Passes on what is said to a PostgreSQL's socket; close it."""

    def __init__(self, folder: Path) -> None:
        self._target = str(folder / ".s.PGSQL.5432")
        self.cut, self.refuses = Cut.NEVER, False
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)  # or the thread would wait on for one more
        self._listener.close()
        self.cut_all()

    def cut_all(self) -> None:
        """Break every connection."""
        open_now, self._open = self._open, []
        for each in open_now:
            _end(each)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self.refuses:
                    client.close()
                else:
                    self._join(client)

    def _join(self, client: socket.socket) -> None:
        server = socket.socket(socket.AF_UNIX)
        server.connect(self._target)
        self._open += (client, server)
        muted = threading.Event()
        ways = ((self._ask, client, server, muted), (self._answer, server, client, muted))
        for way in ways:
            threading.Thread(target=_quietly, args=way, daemon=True).start()

    def _ask(self, client: socket.socket, server: socket.socket, muted: threading.Event) -> None:
        while data := client.recv(1 << 16):
            if self.cut is not Cut.NEVER and _COMMIT in data:
                cut, self.cut = self.cut, Cut.NEVER
                if cut is Cut.BEFORE:
                    break
                muted.set()
            server.sendall(data)
        _end(client)
        _end(server)

    def _answer(self, server: socket.socket, client: socket.socket, muted: threading.Event) -> None:
        while data := server.recv(1 << 16):
            if muted.is_set():
                break
            client.sendall(data)
        _end(client)
        _end(server)


def _quietly(way: object, *arguments: object) -> None:
    with suppress(OSError):
        way(*arguments)  # type: ignore[operator]


def _end(each: socket.socket) -> None:
    with suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    each.close()

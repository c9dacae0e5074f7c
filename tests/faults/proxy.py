"""A TCP proxy that cuts a connection after so many bytes, and lets none through until mended.

Or never cuts any: then it only lets calls come from another address than one's own.
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import Self

BLOCK = 4096


class Proxy:
    """Stands before a server on a port of its own; close it. `source` is where it calls from."""

    def __init__(self, address: str, cut_after: int | None, source: str = "") -> None:
        host, _, port = address.rpartition(":")
        self._source = (source, 0) if source else None
        self._server = (host, int(port))
        self._left = cut_after
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listening.getsockname()[1]}"
        self.cut = threading.Event()
        self._open = threading.Event()
        self._open.set()
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def mend(self) -> None:
        """Let connections through from now on, as many bytes as they like."""
        self._left = None
        self._open.set()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:  # closed
                return
            if self._open.is_set():
                self._join(client)
            else:
                client.close()

    def _join(self, client: socket.socket) -> None:
        server = socket.create_connection(self._server, source_address=self._source)
        ends = ((client, server, True), (server, client, False))
        for source, sink, counted in ends:
            threading.Thread(target=self._carry, args=(source, sink, counted), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket, counted: bool) -> None:
        try:
            while data := source.recv(BLOCK):
                sink.sendall(self._let_through(data) if counted else self._let_back(data))
                if self.cut.is_set() and not self._open.is_set():
                    break
        except OSError:
            pass  # the other direction was cut
        for end in (source, sink):
            _drop(end)

    def _let_through(self, data: bytes) -> bytes:
        """Give what may still pass of what the client sent."""
        if self._left is None:
            return data
        passing, self._left = data[: self._left], max(0, self._left - len(data))
        if not self._left:
            self._open.clear()
            self.cut.set()
        return passing

    def _let_back(self, data: bytes) -> bytes:
        """Give what may pass of what the server sent."""
        return data


class AnswersLost(Proxy):
    """Lets every call through, and from `lose` on no answer, until it is cut and mended."""

    def __init__(self, address: str) -> None:
        self._clients: list[socket.socket] = []
        self._losing = False
        super().__init__(address, cut_after=0)
        self.mend()

    def lose(self) -> None:
        """Keep back what the server says."""
        self._losing = True

    def cut_and_mend(self) -> None:
        """End all connections; those who connect again are answered."""
        self._losing = False
        clients, self._clients = self._clients, []
        for client in clients:
            _drop(client)

    def _join(self, client: socket.socket) -> None:
        self._clients.append(client)
        super()._join(client)

    def _let_back(self, data: bytes) -> bytes:
        return b"" if self._losing else data


class Stuck(Proxy):
    """Takes no more than so many bytes of the first connection until it is let on."""

    def __init__(self, address: str, after: int) -> None:
        self._after, self.joined, self.ended = after, 0, 0
        self.let_on = threading.Event()
        super().__init__(address, cut_after=None)

    def __exit__(self, *_: object) -> None:
        self.let_on.set()
        super().__exit__()

    def _join(self, client: socket.socket) -> None:
        self.joined += 1
        super()._join(client)

    def _carry(self, source: socket.socket, sink: socket.socket, counted: bool) -> None:
        if counted and self.joined == 1:
            self._carry_some(source, sink)
            self.let_on.wait()
        super()._carry(source, sink, counted)
        self.ended += counted

    def _carry_some(self, source: socket.socket, sink: socket.socket) -> None:
        left = self._after
        while left and (data := source.recv(min(BLOCK, left))):
            sink.sendall(data)
            left -= len(data)


def _drop(end: socket.socket) -> None:
    with suppress(OSError):  # it may be gone already
        end.shutdown(socket.SHUT_RDWR)
    end.close()

"""What stands for a PostgreSQL that lets nobody in, and says why in its own language."""

from __future__ import annotations

import multiprocessing
import socket
from contextlib import suppress
from typing import Self

_SPAWN = multiprocessing.get_context("spawn")
_NO_TLS, _TLS_LENGTH = b"N", 8


class RefusingServer:
    """Answers whoever connects with a SQLSTATE and a message; use it in a `with`.

    In a process of its own: libpq keeps Python's lock while it asks how a server is.
    """

    def __init__(self, state: str, message: str) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self.url = f"postgresql://rollbook:s3cret@127.0.0.1:{self.port}/roll?gssencmode=disable"
        work = (self._listening, refusal(state, message))
        self._process = _SPAWN.Process(target=refuse_all, args=work, daemon=True)

    def __enter__(self) -> Self:
        self._process.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.join()
        self._listening.close()


def refusal(state: str, message: str) -> bytes:
    """Give the message of the protocol that refuses a connection."""
    fields = ("SFATAL", "VFATAL", f"C{state}", f"M{message}", "")
    said = b"".join(field.encode() + b"\0" for field in fields)
    return b"E" + (len(said) + 4).to_bytes(4) + said


def refuse_all(listening: socket.socket, said: bytes) -> None:
    """Refuse whoever comes, for ever."""
    while True:
        client, _ = listening.accept()
        with client, suppress(OSError):
            while len(client.recv(1024)) == _TLS_LENGTH:
                client.sendall(_NO_TLS)
            client.sendall(said)

"""HTTP/2 as strangers write it, byte by byte: frames, right and wrong, over a bare socket."""

from __future__ import annotations

import socket
import struct
from typing import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH, PING, GOAWAY, WINDOW, CONTINUATION = range(10)
END_STREAM, END_HEADERS, ACK = 0x1, 0x4, 0x1
CANCEL, ENHANCE_YOUR_CALM = 8, 11
ENROLL = "/rollbook.v1.EnrollmentService/EnrollDevice"

_SECONDS = 120  # bounds a hang


class Frame(NamedTuple):
    kind: int
    flags: int = 0
    stream: int = 0
    payload: bytes = b""

    def encode(self) -> bytes:
        head = struct.pack(">I", len(self.payload))[1:] + bytes([self.kind, self.flags])
        return head + struct.pack(">I", self.stream) + self.payload


def headers(
    stream: int,
    path: str = ENROLL,
    flags: int = END_HEADERS,
    more: Mapping[str, bytes] | None = None,
) -> Frame:
    """Begin a call."""
    fields = {
        ":method": b"POST", ":scheme": b"http", ":path": path.encode(), ":authority": b"rollbook",
        "te": b"trailers", "content-type": b"application/grpc", **(more or {}),
    }  # fmt: skip
    block = b"".join(b"\0" + _text(name.encode()) + _text(value) for name, value in fields.items())
    return Frame(HEADERS, flags, stream, block)


def message(stream: int, content: bytes) -> Frame:
    """Send one message and end the call's sending."""
    return Frame(DATA, END_STREAM, stream, b"\0" + struct.pack(">I", len(content)) + content)


def reset(stream: int) -> Frame:
    return Frame(RST_STREAM, 0, stream, struct.pack(">I", CANCEL))


def _text(text: bytes) -> bytes:
    assert len(text) < 127
    return bytes([len(text)]) + text


class Wire:
    """A connection that sends what it is told to; close it."""

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self._socket = socket.create_connection((host, int(port)), timeout=_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def greet(self) -> None:
        """Say what every client says first."""
        self.send(PREFACE + Frame(SETTINGS).encode())

    def send(self, content: bytes) -> bool:
        """Send bytes; False if the server has hung up."""
        try:
            self._socket.sendall(content)
        except ConnectionError:
            return False
        return True

    def send_frames(self, *frames: Frame) -> bool:
        return self.send(b"".join(frame.encode() for frame in frames))

    def hear(self) -> bytes:
        """Give what the server says next; nothing if it has hung up."""
        try:
            return self._socket.recv(65_536)
        except ConnectionError:
            return b""

    def finish(self) -> bytes:
        """Say nothing more, and give all that the server says until it has hung up."""
        try:
            self._socket.shutdown(socket.SHUT_WR)
        except OSError:
            return b""  # it has
        return self.rest()

    def rest(self) -> bytes:
        """Give all that the server says until it hangs up."""
        said = b""
        while piece := self.hear():
            said += piece
        return said


def decode(said: bytes) -> Iterator[Frame]:
    """Give the whole frames of what the server said."""
    while len(said) >= 9:
        length = int.from_bytes(said[:3], "big")
        (stream,) = struct.unpack(">I", said[5:9])
        yield Frame(said[3], said[4], stream, said[9 : 9 + length])
        said = said[9 + length :]

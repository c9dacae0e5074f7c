"""Reads the pixels of a PNG, as far as segno's need it: a picture library is a large guest."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# By filter type: 0 leaves a row as it is, 2 stores the difference to the row above.
_UNFILTERED: dict[int, Callable[[bytes, bytes], bytes]] = {
    0: lambda row, _: row,
    2: lambda row, above: bytes(a + b & 255 for a, b in zip(row, above, strict=True)),
}


class Pixels(NamedTuple):
    """A picture in shades of grey: one byte a pixel, row by row, 255 is white."""

    width: int
    height: int
    shades: bytes


def read_png(data: bytes) -> Pixels:
    """Decode a greyscale PNG of 1, 2, 4 or 8 bits; every checksum must be right."""
    assert data.startswith(_SIGNATURE)
    chunks = list(_chunks(data))
    assert chunks[0][0] == b"IHDR"
    assert chunks[-1] == (b"IEND", b"")
    width, height, depth, colour, _, _, interlace = struct.unpack(">IIBBBBB", chunks[0][1])
    assert (colour, interlace) == (0, 0), "not a plain greyscale PNG"
    assert not [kind for kind, _ in chunks if kind == b"tRNS"], "partly transparent"
    packed = zlib.decompress(b"".join(body for kind, body in chunks if kind == b"IDAT"))
    rows = _rows(packed, (width * depth + 7) // 8, height)
    return Pixels(width, height, b"".join(_unpacked(row, depth)[:width] for row in rows))


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    position = len(_SIGNATURE)
    while position < len(data):
        (length,) = struct.unpack_from(">I", data, position)
        kind_and_body = data[position + 4 : position + 8 + length]
        (checksum,) = struct.unpack_from(">I", data, position + 8 + length)
        assert checksum == zlib.crc32(kind_and_body)
        yield kind_and_body[:4], kind_and_body[4:]
        position += 12 + length


def _rows(packed: bytes, row_bytes: int, height: int) -> Iterator[bytes]:
    assert len(packed) == height * (row_bytes + 1)
    above = bytes(row_bytes)
    for start in range(0, len(packed), row_bytes + 1):
        row = packed[start + 1 : start + 1 + row_bytes]
        above = _UNFILTERED[packed[start]](row, above)
        yield above


def _unpacked(row: bytes, depth: int) -> bytes:
    highest = (1 << depth) - 1
    shifts = range(8 - depth, -1, -depth)
    return bytes((byte >> shift & highest) * 255 // highest for byte in row for shift in shifts)

"""Counts the rows of an upload's message before it is read.

An empty row takes two bytes on the wire and a hundred in memory: two million of them
pass as one message, and would take 200 MiB.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from rollbook.v1 import device_service_pb2
from rollbook_server.domain.errors import FieldsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MOST_ROWS = 20_000
_TOO_MANY = f"more than {MOST_ROWS:,} rows in one message; send them in several, of 1,000 each"
_METHOD = "/rollbook.v1.DeviceService/UploadDevices"
_ROWS = device_service_pb2.UploadDevicesRequest.ROWS_FIELD_NUMBER
_ROW = device_service_pb2.UploadRows.ROWS_FIELD_NUMBER
# How the tag of a row begins, at its shortest and where it is drawn out.
_WITH_LENGTH = 2
_TAG = (_ROW << 3) | _WITH_LENGTH
_TAGS = (bytes([_TAG]), bytes([_TAG | 0x80]))
# What follows a tag of these other wire types has one size, a varint none.
_SIZES = {1: 8, 3: 0, 4: 0, 5: 4}


def counted(
    method: str, deserialize: Callable[[bytes], Any] | None
) -> Callable[[bytes], Any] | None:
    """Give what reads the messages of a method; too many rows raise RollbookError."""
    if deserialize is None or method != _METHOD:
        return deserialize

    def read(data: bytes) -> Any:
        if has_too_many_rows(data):
            raise FieldsError({"rows.rows": _TOO_MANY})
        return deserialize(data)

    return read


def has_too_many_rows(data: bytes) -> bool:
    """Tell whether the bytes of an UploadDevicesRequest hold more than `MOST_ROWS` rows."""
    if sum(map(data.count, _TAGS)) <= MOST_ROWS:  # of all but odd messages it is known at once
        return False
    try:
        return next(islice(_rows(data), MOST_ROWS, None), None) is not None
    except IndexError:
        return False  # broken off, which the parser refuses


def _rows(data: bytes) -> Iterator[int]:
    """Give where each row begins."""
    for number, begin, end in _fields(data, 0, len(data)):
        if number == _ROWS:
            yield from (at for inner, at, _ in _fields(data, begin, end) if inner == _ROW)


def _fields(data: bytes, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Give the number of each field with a length, and where its content begins and ends."""
    while at < end:
        tag, at = _varint(data, at)
        kind = tag & 7
        if kind == _WITH_LENGTH:
            length, at = _varint(data, at)
            yield (tag & 0xFFFF_FFFF) >> 3, at, at + length
            at += length
        else:
            at = at + _SIZES[kind] if kind in _SIZES else _varint(data, at)[1]


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Give a number and where it ends."""
    value = shift = 0
    while data[at] & 0x80:
        value |= (data[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
    return value | data[at] << shift, at + 1

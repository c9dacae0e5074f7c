"""Reads ASN.1 values in DER (X.690), as far as it takes to look into a certificate file."""

from __future__ import annotations

from typing import NamedTuple

SEQUENCE, INTEGER, OCTETS, OID = 0x30, 0x02, 0x04, 0x06
_LONG_FORM = 0x80


class Value(NamedTuple):
    """A value: its tag, and the bytes that it holds."""

    tag: int
    content: bytes

    def inside(self) -> list[Value]:
        """Give the values that stand in this one; raises ValueError."""
        return values(self.content)


def values(data: bytes) -> list[Value]:
    """Give the values that follow each other; raises ValueError if one is cut off."""
    found = []
    while data:
        value, data = _first(data)
        found.append(value)
    return found


def _first(data: bytes) -> tuple[Value, bytes]:
    if len(data) < 2 or data[1] == _LONG_FORM:  # noqa: PLR2004 - a tag and a length
        raise ValueError("no DER")
    width = max(0, data[1] - _LONG_FORM)
    begin = 2 + width
    end = begin + (int.from_bytes(data[2:begin], "big") if width else data[1])
    if end > len(data):
        raise ValueError("cut off")
    return Value(data[0], data[begin:end]), data[end:]

"""Devices between messages and the domain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollbook_server.domain.sources import TypedRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rollbook.v1 import device_pb2


def typed_rows(rows: Sequence[device_pb2.DeviceRow]) -> list[TypedRow]:
    """Read rows that a service sent as fields."""
    return [
        TypedRow(
            row.imei,
            row.imei2,
            row.serial_number,
            row.manufacturer,
            dict(row.attributes),
            row.source_line,
        )
        for row in rows
    ]

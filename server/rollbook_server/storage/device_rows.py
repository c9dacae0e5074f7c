"""Devices between the domain's form and the database's: pure conversion."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rollbook_server.domain import clock
from rollbook_server.domain.devices import Device, DeviceState
from rollbook_server.storage.attribute_texts import attribute_text
from rollbook_server.storage.upload_ranges import OUTSIDE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

_PREFIX = "dev-"

DEVICE_COLUMNS = (
    "d.id, p.profile_id, d.imei, d.imei2, d.serial_number, d.manufacturer, d.attributes,"
    " u.upload_id, d.source_row, d.source_line, d.create_time, d.update_time,"
    " d.register_time, d.user_id, d.revision, d.last_request_id, p.tokenless"
)
DEVICE_TABLES = (
    "devices d JOIN profiles p ON p.id = d.profile LEFT JOIN uploads u ON u.id = d.upload"
)
# Uploads whose PENDING devices are as good as not there: those that ended and wait to be
# swept up, and those of one that is all or nothing until it ends, see `domain.preparing`.
# Devices that such an upload only changed lie outside its ranges, and stay.
CLOSED = "u.state = 'OPEN' AND u.on_invalid_row = 'FAIL'"
HIDES = f"(u.state IN ('FAILED', 'DISCARDED') OR {CLOSED})"
STAYS = f"""(
    d.register_time IS NOT NULL OR u.state IS NULL OR NOT {HIDES} OR {OUTSIDE}
)"""


def device_id(number: int) -> str:
    """Give the name under which the contract knows a device."""
    return f"{_PREFIX}{number}"


def device_number(name: str) -> int | None:
    """Give the key of a device, or None if no device has such a name."""
    digits = name.removeprefix(_PREFIX)
    plain = digits.isascii() and digits.isdigit() and len(digits) <= 18  # noqa: PLR2004 - fits 64 bits
    return int(digits) if plain and device_id(int(digits)) == name else None


def device(columns: Sequence[Any]) -> Device:
    """Give the device of a row of DEVICE_COLUMNS."""
    return Device(
        device_id=device_id(columns[0]),
        profile_id=columns[1],
        imei=columns[2] or "",
        imei2=columns[3] or "",
        serial_number=columns[4] or "",
        manufacturer=columns[5] or "",
        attributes=json.loads(columns[6]),
        state=DeviceState.PENDING if columns[12] is None else DeviceState.REGISTERED,
        upload_id=columns[7] or "",
        source_row=columns[8],
        source_line=columns[9],
        create_time=clock.instant(columns[10]),
        update_time=clock.instant(columns[11]),
        register_time=_instant(columns[12]),
        user_id=columns[13],
        revision=columns[14],
        last_request_id=columns[15],
        tokenless=bool(columns[16]),
    )


def changed_columns(device: Device) -> tuple[Any, ...]:
    """Give what `Devices.change` writes, in its order, but for profile and upload."""
    key = device.manufacturer_key if device.serial_number else ""
    return (
        device.imei or None,
        device.imei2 or None,
        device.serial_number or None,
        device.manufacturer or None,
        key or None,
        attribute_text(device.attributes),
        device.source_row,
        device.source_line,
        clock.microseconds(device.update_time),
        device.revision,
    )


def registered_columns(device: Device) -> tuple[Any, ...]:
    """Give what `Devices.write_registered` writes, in its order, and the key."""
    assert device.register_time is not None
    time, number = clock.microseconds(device.register_time), device_number(device.device_id)
    return time, device.last_request_id, device.revision, number


def _instant(stored: int | None) -> datetime | None:
    return None if stored is None else clock.instant(stored)

"""What a device of the roll becomes when a row is written over it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollbook_server.domain import serial_numbers

if TYPE_CHECKING:
    from rollbook_server.domain.devices import Device, DeviceRow

CONTENT = ("imei", "imei2", "serial_number", "manufacturer", "attributes")


def merged(row: DeviceRow, device: Device) -> Device:
    """Give the device with the row's content; identifiers the row lacks are kept."""
    imei, imei2 = _imeis(row, device)
    return device._replace(
        imei=imei,
        imei2=imei2,
        serial_number=row.serial_number or device.serial_number,
        manufacturer=_manufacturer(row, device),
        attributes=dict(row.attributes),
    )


def differing(one: Device, other: Device) -> list[str]:
    """Name the fields in which two devices differ, of those a row can say."""
    return [name for name in CONTENT if getattr(one, name) != getattr(other, name)]


def _manufacturer(row: DeviceRow, device: Device) -> str:
    """Give the row's, unless it lacks one or differs in case alone."""
    same = serial_numbers.manufacturer_key(row.manufacturer) == device.manufacturer_key
    return device.manufacturer if same or not row.manufacturer else row.manufacturer


def _imeis(row: DeviceRow, device: Device) -> tuple[str, str]:
    """Give both IMEIs; which of them is called the second makes no difference."""
    swapped = {row.imei, row.imei2} == {device.imei, device.imei2}
    if swapped or (not row.imei2 and row.imei in ("", device.imei2)):
        return device.imei, device.imei2
    return row.imei, row.imei2 or device.imei2

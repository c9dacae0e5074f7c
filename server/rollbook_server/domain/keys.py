"""The identity keys of devices and rows: no two devices of the roll share one."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from rollbook_server.domain.devices import Device, DeviceRow


class Key(NamedTuple):
    """An identity key and the field that holds it; keys are compared by `value`."""

    field: str
    value: str


def keys_of(thing: DeviceRow | Device) -> list[Key]:
    """Give the keys of a device or a row.

    Both IMEIs live in one space; the separator of the other kind can stand in no
    serial number.
    """
    keys = []
    if thing.imei:
        keys.append(Key("imei", thing.imei))
    if thing.imei2:
        keys.append(Key("imei2", thing.imei2))
    if thing.serial_number and thing.manufacturer_key:
        value = f"{thing.serial_number}\x1f{thing.manufacturer_key}"
        keys.append(Key("serial_number", value))
    return keys


def values_of(thing: DeviceRow | Device) -> set[str]:
    """Give what the keys of a device or a row are compared by."""
    return {key.value for key in keys_of(thing)}


def holds(device: Device, key: Key) -> bool:
    """Tell whether a device has the key, in whichever field."""
    return key.value in values_of(device)

"""Why a row is refused for the sake of other devices, in words for the uploader."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rollbook_server.domain.errors import RowReason
from rollbook_server.domain.keys import holds, keys_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rollbook_server.domain.devices import Device, DeviceRow
    from rollbook_server.domain.keys import Key

_WORDS = {
    "imei": "IMEI",
    "imei2": "second IMEI",
    "serial_number": "serial number",
    "manufacturer": "manufacturer",
    "attributes": "custom attributes",
}


class Refusal(NamedTuple):
    """A cause, our name of the field it lies in, and the device in the way, if any."""

    reason: RowReason
    field: str
    message: str
    device_id: str = ""


def duplicate(field: str, line: int) -> Refusal:
    """Refuse a row for an earlier one of its upload, which has the same key in that field."""
    return Refusal(RowReason.DUPLICATE_IN_FILE, field, duplicate_text(field, line))


def duplicate_text(field: str, line: int) -> str:
    """Say that an earlier row of the same upload has the key."""
    return (
        f"line {line} of the same upload has this {_WORDS[field]} already; keep one of the two rows"
    )


def several_devices(keys: Iterable[Key], devices: Sequence[Device]) -> Refusal:
    """Refuse a row whose keys belong to different devices."""
    owners = [
        f"{_WORDS[key.field]} of {device.device_id}"
        for key in keys
        for device in devices
        if holds(device, key)
    ]
    text = (
        f"the row mixes devices of the roll: {', '.join(owners)}; correct the identifiers, "
        "or delete the device that is wrong"
    )
    return Refusal(RowReason.KEYS_OF_SEVERAL_DEVICES, "", text, devices[0].device_id)


def taken_in_request(key: Key, where: str) -> str:
    """Say that an earlier device of the same request has the key."""
    return f"{where} has this {_WORDS[key.field]} already; keep one of the two"


def taken_on_roll(key: Key, device: Device) -> str:
    """Say that a device of the roll has the key."""
    return (
        f"device {device.device_id} of profile {device.profile_id} has this {_WORDS[key.field]} "
        "already; edit that one, or delete it first"
    )


def other_profile(row: DeviceRow, device: Device) -> Refusal:
    """Refuse a row whose device belongs to another profile."""
    text = (
        f"the device stands on the roll of profile {device.profile_id}; delete it there, "
        "or upload with the conflict policy MOVE"
    )
    return Refusal(
        RowReason.DEVICE_IN_OTHER_PROFILE, _shared_field(row, device), text, device.device_id
    )


def other_content(row: DeviceRow, device: Device, fields: Iterable[str]) -> Refusal:
    """Refuse a row whose device is on the roll and differs in these fields."""
    words = " and ".join(_WORDS[field] for field in fields)
    text = (
        f"the device is on the roll already, and its {words} differ; make the row equal, "
        "or upload with the conflict policy UPDATE or KEEP"
    )
    return Refusal(RowReason.DEVICE_ON_ROLL, _shared_field(row, device), text, device.device_id)


def _shared_field(row: DeviceRow, device: Device) -> str:
    return next((key.field for key in keys_of(row) if holds(device, key)), "")

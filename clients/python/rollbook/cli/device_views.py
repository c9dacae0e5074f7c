"""How devices are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rollbook import Device

COLUMNS = (
    "Device ID",
    "IMEI",
    "IMEI2",
    "Serial Number",
    "Manufacturer",
    "State",
    "Attributes",
    "Upload",
    "Line",
)
# To be copied, so never cut.
IDENTIFIERS = ("Device ID", "IMEI", "IMEI2")


def row(one: Device) -> tuple[object, ...]:
    """Give the device as a line of a table under COLUMNS."""
    return (
        one.device_id,
        one.imei,
        one.imei2,
        one.serial_number,
        one.manufacturer,
        one.state,
        ", ".join(f"{name}={value}" for name, value in one.attributes.items()),
        one.upload_id,
        one.source_line or "",
    )


def properties(one: Device) -> dict[str, object]:
    """Give all that is known of the device."""
    attributes = {f"  {name}": value for name, value in one.attributes.items()}
    upload = {"Upload": one.upload_id, "  line": one.source_line} if one.upload_id else {}
    return {
        "Device ID": one.device_id,
        "Profile ID": one.profile_id,
        "IMEI": one.imei,
        "IMEI2": one.imei2,
        "Serial Number": one.serial_number,
        "Manufacturer": one.manufacturer,
        "State": one.state,
        "Registered": one.register_time,
        "User ID": one.user_id,
        "Attributes": f"{len(attributes)}",
        **attributes,
        **(upload or {"Upload": "none: added by hand"}),
        "Created": one.create_time,
        "Last modified": one.update_time,
    }


def identifiers(one: Device) -> str:
    """Name a device by what is printed on it."""
    serial = f"{one.manufacturer} {one.serial_number}".strip() if one.serial_number else ""
    return one.imei or serial or one.imei2

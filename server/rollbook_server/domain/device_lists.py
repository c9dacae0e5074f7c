"""Which devices an administrator looks at: one, or a list with filters."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rollbook_server.domain import profiles, uploads
from rollbook_server.domain.errors import FieldsError, Reason, RollbookError
from rollbook_server.domain.identifiers import LONGEST_NAME
from rollbook_server.domain.pages import Page, fitting, page_of
from rollbook_server.domain.partial_identifiers import imei_prefix, serial_number_prefix

if TYPE_CHECKING:
    from rollbook_server.domain.devices import Device, DeviceState
    from rollbook_server.domain.pages import PageRequest
    from rollbook_server.domain.ports import Roll

CHARACTERS = 524_288  # in a page: gRPC takes 4 MiB, and attributes may be long


@dataclass(frozen=True, slots=True)
class DeviceQuery:
    """Which devices to list: those for which all holds that is not empty.

    Of the two prefixes, in normal form, one that holds is enough.
    """

    profile_id: str = ""
    state: DeviceState | None = None
    upload_id: str = ""
    imei_prefix: str = ""
    serial_prefix: str = ""

    def beginning(self, text: str) -> DeviceQuery:
        """Give the query for devices with an identifier that begins so in some spelling.

        Raises FieldsError if no identifier can.
        """
        imei, serial = imei_prefix(text), serial_number_prefix(text)
        if text.strip() and not (imei or serial):
            raise FieldsError(
                {
                    "identifier_prefix": "begins no identifier: it is too long for a serial "
                    f"number ({LONGEST_NAME} characters), or holds a control character"
                }
            )
        return replace(self, imei_prefix=imei, serial_prefix=serial)


def get(roll: Roll, device_id: str) -> Device:
    """Give the device, or raise RollbookError with DEVICE_NOT_FOUND."""
    device = roll.devices.find([device_id]).get(device_id)
    if device is None:
        raise RollbookError(
            Reason.DEVICE_NOT_FOUND,
            f"There is no device {device_id!r}; list the devices to find it.",
            device_id=device_id,
        )
    return device


def list_page(roll: Roll, query: DeviceQuery, request: PageRequest) -> Page[Device]:
    """Give one page of devices in the order of their numbers, a shorter one if they are long.

    Raises RollbookError with PROFILE_NOT_FOUND or UPLOAD_NOT_FOUND.
    """
    if query.profile_id:
        profiles.get(roll, query.profile_id)
    if query.upload_id:
        uploads.get(roll, query.upload_id)
    after = str(request.after[0]) if request.after else ""
    found = roll.devices.list(query, after=after, limit=request.size + 1)
    fits, behind = fitting(found, _length, CHARACTERS)
    shorter = replace(request, size=min(request.size, len(fits)))
    return page_of([*fits, *behind], shorter, lambda device: (device.device_id,))


def _length(device: Device) -> int:
    return sum(len(name) + len(value) for name, value in device.attributes.items())

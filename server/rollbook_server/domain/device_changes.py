"""Puts single devices on the roll and takes them off: all of a request or none."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollbook_server.domain import audit, profiles
from rollbook_server.domain.audit import Action, Subject
from rollbook_server.domain.device_choices import chosen
from rollbook_server.domain.device_faults import Faults, check_count
from rollbook_server.domain.device_keys import find_taken
from rollbook_server.domain.devices import DeviceRow, DeviceState
from rollbook_server.domain.errors import Reason
from rollbook_server.domain.single_rows import check_typed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from rollbook_server.domain.device_choices import Choice
    from rollbook_server.domain.devices import Device
    from rollbook_server.domain.ports import Roll
    from rollbook_server.domain.typed_rows import TypedRow


@dataclass(frozen=True, slots=True)
class _ByHand:
    """Where rows come from that no upload brought."""

    profile_id: str
    upload_id: str = ""


def create(
    roll: Roll, profile_id: str, wanted: Sequence[TypedRow], now: datetime
) -> Sequence[Device]:
    """Put devices on the roll of a profile; gives them in the order of the request.

    Raises RollbookError with FIELD_INVALID, TOO_MANY_DEVICES, PROFILE_NOT_FOUND, or
    DEVICES_INVALID, which names every bad one.
    """
    check_count(len(wanted), "devices")
    profiles.get(roll, profile_id)
    rows = _good_rows(roll, wanted)
    left = roll.devices.insert(_ByHand(profile_id), roll.devices.pack(rows), now)
    if left:
        raise AssertionError("a device that was found to be new met one of the roll")
    roll.profiles.move_counts(profile_id, now, pending=len(rows), registered=0)
    created = [device for (device,) in roll.devices.holders(rows)]
    for device in created:
        audit.tell(roll, Action.CREATE_DEVICES, now, Subject(profile_id, device.device_id))
    return created


def _good_rows(roll: Roll, wanted: Sequence[TypedRow]) -> list[DeviceRow]:
    faults, rows = Faults("devices"), {}
    for index, typed in enumerate(wanted):
        result = check_typed(typed, index + 1)
        if isinstance(result, DeviceRow):
            rows[index] = result._replace(row=0, line=0)
        else:
            faults.add_row(index, result, line=typed.source_line)
    roll.leftovers.evict(rows.values())
    find_taken(roll, rows, faults)
    faults.check(Reason.DEVICES_INVALID, "of the devices cannot be taken, so none was.")
    return list(rows.values())


def delete(roll: Roll, choices: Sequence[Choice], now: datetime) -> int:
    """Take devices off the roll; gives how many.

    Raises RollbookError as `chosen` does.
    """
    devices = chosen(roll, choices, "devices")
    roll.devices.remove(devices)
    gone = Counter((device.profile_id, device.state) for device in devices)
    for profile_id in {device.profile_id for device in devices}:
        roll.profiles.move_counts(
            profile_id,
            now,
            pending=-gone[profile_id, DeviceState.PENDING],
            registered=-gone[profile_id, DeviceState.REGISTERED],
        )
    for device in devices:
        subject = Subject(device.profile_id, device.device_id)
        audit.tell(roll, Action.DELETE_DEVICES, now, subject, {"state": device.state})
    return len(devices)

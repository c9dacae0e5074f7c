"""Changes devices of the roll: all of a request or none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollbook_server.domain import audit, imeis, masks
from rollbook_server.domain.audit import Action, Subject
from rollbook_server.domain.device_choices import Choice, chosen
from rollbook_server.domain.device_faults import Faults
from rollbook_server.domain.device_keys import find_taken
from rollbook_server.domain.devices import DeviceRow
from rollbook_server.domain.errors import Reason
from rollbook_server.domain.merging import CONTENT, differing
from rollbook_server.domain.single_rows import check_typed
from rollbook_server.domain.typed_rows import TypedRow

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from rollbook_server.domain.devices import Device
    from rollbook_server.domain.ports import Roll

_LIST, _PREFIX = "updates", "device."


@dataclass(frozen=True, slots=True)
class DeviceUpdate:
    """New values for one device, of which `paths` tell those that are meant.

    They name fields of `merging.CONTENT`, or all with "*"; without paths it is each
    value that is not empty.
    """

    choice: Choice
    values: TypedRow
    paths: Collection[str] = ()

    @property
    def fields(self) -> Collection[str]:
        """Name the fields that change."""
        if masks.EVERYTHING in self.paths:
            return CONTENT
        return self.paths or [name for name in CONTENT if getattr(self.values, name)]


def update(roll: Roll, updates: Sequence[DeviceUpdate], now: datetime) -> list[Device]:
    """Change devices, which may exchange identifiers; gives them in the order of the request.

    One that is already as it shall be keeps its etag. Raises RollbookError as
    `chosen` does, then with FIELD_INVALID for masks with a path that there is not, then
    with DEVICES_INVALID; each names every bad one.
    """
    before = chosen(roll, [each.choice for each in updates], _LIST, _PREFIX)
    _check_paths(updates)
    rows = _good_rows(roll, updates, before)
    after = [_written(device, rows[index], now) for index, device in enumerate(before)]
    changed = [new for new, old in zip(after, before, strict=True) if new is not old]
    roll.devices.release(changed)
    roll.devices.change(changed)
    for profile_id in {device.profile_id for device in changed}:
        roll.profiles.move_counts(profile_id, now, pending=0, registered=0)
    for new, old in zip(after, before, strict=True):
        if new is not old:
            subject, fields = Subject(new.profile_id, new.device_id), ",".join(differing(new, old))
            audit.tell(roll, Action.UPDATE_DEVICES, now, subject, {"fields": fields})
    return after


def _check_paths(updates: Sequence[DeviceUpdate]) -> None:
    faults = Faults(_LIST)
    for index, each in enumerate(updates):
        unknown = sorted(set(each.paths) - {*CONTENT, masks.EVERYTHING})
        if unknown:
            text = f"there is no {unknown[0]!r} to change; use {', '.join(CONTENT)} or *"
            faults.add(index, "update_mask", text)
    faults.check(Reason.FIELD_INVALID, "of the updates name a field that cannot be changed.")


def _good_rows(
    roll: Roll, updates: Sequence[DeviceUpdate], before: Sequence[Device]
) -> Mapping[int, DeviceRow]:
    """Give what the devices shall be, as rows by their index."""
    faults, rows = Faults(_LIST), {}
    for index, (wanted, device) in enumerate(zip(updates, before, strict=True)):
        result = check_typed(_merged(wanted, device), index + 1)
        if isinstance(result, DeviceRow):
            rows[index] = result
        else:
            faults.add_row(index, result, prefix=_PREFIX)
    roll.leftovers.evict(rows.values())
    find_taken(roll, rows, faults, standing=before, prefix=_PREFIX)
    faults.check(Reason.DEVICES_INVALID, "of the changes cannot be made, so none was.")
    return rows


def _merged(wanted: DeviceUpdate, device: Device) -> TypedRow:
    """Give the row that device and update make; what the device has already is no news.

    Its IMEIs get their check digit, so that none is taken for one that lost a zero.
    """
    new = {
        name: getattr(wanted.values if name in wanted.fields else device, name) for name in CONTENT
    }
    for name in ("imei", "imei2"):
        if new[name] == getattr(device, name):
            new[name] = imeis.spelled_out(new[name])
    return TypedRow(**new)


def _written(device: Device, row: DeviceRow, now: datetime) -> Device:
    after = device._replace(**{name: getattr(row, name) for name in CONTENT})
    if not differing(after, device):
        return device
    return after._replace(update_time=now, revision=device.revision + 1)

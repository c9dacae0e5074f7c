"""Finds the devices of a request whose identity keys belong to another device."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollbook_server.domain import refusals
from rollbook_server.domain.keys import holds, keys_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rollbook_server.domain.device_faults import Faults
    from rollbook_server.domain.devices import Device, DeviceRow
    from rollbook_server.domain.ports import Roll


def find_taken(
    roll: Roll,
    rows: Mapping[int, DeviceRow],
    faults: Faults,
    *,
    standing: Sequence[Device] = (),
    prefix: str = "",
) -> None:
    """Note every row that wants a key of an earlier row, or of a device of the roll.

    `standing` are the devices that the request changes: rows may want what these give
    up, but not what they keep.
    """
    owners = _kept(rows, standing)
    changing = {device.device_id for device in standing}
    holders = roll.devices.holders(list(rows.values()))
    for (index, row), devices in zip(rows.items(), holders, strict=True):
        others = [device for device in devices if device.device_id not in changing]
        for key in keys_of(row):
            owner = owners.setdefault(key.value, index)
            holder = next((device for device in others if holds(device, key)), None)
            if owner != index:
                text = refusals.taken_in_request(key, faults.place(owner))
                faults.add(index, prefix + key.field, text)
            elif holder is not None:
                faults.add(index, prefix + key.field, refusals.taken_on_roll(key, holder))


def _kept(rows: Mapping[int, DeviceRow], standing: Sequence[Device]) -> dict[str, int]:
    """Give the keys that changing devices have and keep, with their places in the request."""
    return {
        key.value: index
        for index, device in enumerate(standing)
        if index in rows
        for key in keys_of(rows[index])
        if holds(device, key)
    }

"""Devices that a request names, each perhaps with the etag it must still have."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rollbook_server.domain.device_faults import Faults, check_count
from rollbook_server.domain.errors import Reason
from rollbook_server.domain.etags import etag

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rollbook_server.domain.devices import Device
    from rollbook_server.domain.ports import Roll


class Choice(NamedTuple):
    """A device by its id; an empty etag takes it as it stands."""

    device_id: str
    etag: str = ""


def chosen(roll: Roll, choices: Sequence[Choice], list_name: str, prefix: str = "") -> list[Device]:
    """Give the devices in the order of the request.

    `list_name` and `prefix` say where in the request the fields are. Raises
    RollbookError with FIELD_INVALID (none, or one twice), TOO_MANY_DEVICES,
    DEVICE_NOT_FOUND or ETAG_MISMATCH, which name every bad one.
    """
    check_count(len(choices), list_name)
    _check_distinct(choices, Faults(list_name), prefix)
    found = roll.devices.find(choice.device_id for choice in choices)
    missing, changed = Faults(list_name), Faults(list_name)
    for index, choice in enumerate(choices):
        device = found.get(choice.device_id)
        if device is None:
            missing.add(index, f"{prefix}device_id", f"there is no device {choice.device_id!r}")
        elif choice.etag and choice.etag != etag(device.revision):
            changed.add(
                index,
                f"{prefix}etag",
                f"{device.device_id} changed since it was read; read it again",
            )
    missing.check(Reason.DEVICE_NOT_FOUND, "of the devices are not on the roll; nothing was done.")
    changed.check(
        Reason.ETAG_MISMATCH,
        "of the devices changed since their etags were read, so nothing was done; read them "
        "again, then decide anew.",
    )
    return [found[choice.device_id] for choice in choices]


def _check_distinct(choices: Sequence[Choice], faults: Faults, prefix: str) -> None:
    first: dict[str, int] = {}
    for index, choice in enumerate(choices):
        before = first.setdefault(choice.device_id, index)
        if before != index:
            text = f"names the same device as {faults.place(before)}; name each once"
            faults.add(index, f"{prefix}device_id", text)
    faults.check(Reason.FIELD_INVALID, "of the devices are named twice; nothing was done.")

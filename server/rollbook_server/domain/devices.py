"""Devices, the rows they come from, and what can be wrong with a row."""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, cast

from rollbook_server.domain import serial_numbers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from rollbook_server.domain.errors import RowReason


class DeviceState(StrEnum):
    """Where a device stands; see `DeviceState` in the contract."""

    PENDING = "PENDING"
    REGISTERED = "REGISTERED"


class Record(NamedTuple):
    """One row as it came: not judged yet.

    `row` counts from 1 without the header, `line` from 1 with it. `values` are
    the cells in the order of the file's columns.
    """

    row: int
    line: int
    values: Sequence[str]


class DeviceRow(NamedTuple):
    """One row that holds what a device needs, in normal form.

    `imei` and `imei2` are 14-character cores or empty; `manufacturer` is as the
    uploader wrote it, `manufacturer_key` what it is compared by (empty without a
    serial number: a manufacturer alone is no key). A named tuple, not a
    dataclass: an upload makes 200,000 of them, and this is made in C.
    """

    row: int
    line: int
    imei: str
    imei2: str
    serial_number: str
    manufacturer: str
    manufacturer_key: str
    attributes: Mapping[str, str]
    values: Sequence[str]


class RowError(NamedTuple):
    """What was wrong with one row; see `RowError` in the contract."""

    row: int
    line: int
    column: str
    reason: RowReason
    message: str
    device_id: str = ""
    values: Sequence[str] = ()
    suggestion: str = ""

    @property
    def length(self) -> int:
        """How many characters the error holds."""
        return sum(map(len, (self.column, self.message, self.suggestion, *self.values)))


# A named tuple's own constructor is written in Python; this takes all fields as one tuple.
new_row_error = cast("Callable[[tuple[object, ...]], RowError]", partial(tuple.__new__, RowError))


class Device(NamedTuple):
    """One line of the roll. Times are aware and in UTC.

    A named tuple, for to enroll a device makes two of them; a dataclass took four times as long.

    `source_row` and `source_line` are those of `upload_id`, the upload that last
    wrote the device; `last_request_id` is that of its last enrollment; `tokenless` is
    whether the profile was under which it was read.
    """

    device_id: str
    profile_id: str
    imei: str
    imei2: str
    serial_number: str
    manufacturer: str
    state: DeviceState
    upload_id: str
    source_row: int
    source_line: int
    create_time: datetime
    update_time: datetime
    register_time: datetime | None
    revision: int
    attributes: Mapping[str, str] = MappingProxyType({})
    user_id: str = ""
    last_request_id: str = ""
    tokenless: bool = False

    @property
    def manufacturer_key(self) -> str:
        """What the manufacturer is compared by."""
        return serial_numbers.manufacturer_key(self.manufacturer)


def registered(device: Device, request_id: str, now: datetime) -> Device:
    """Give the device REGISTERED, since now if it was PENDING; it remembers the request."""
    return device._replace(
        state=DeviceState.REGISTERED,
        register_time=device.register_time or now,
        last_request_id=request_id,
        revision=device.revision + 1,
    )

"""Devices of the roll, and how one would be matched."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from rollbook.words import DeviceState, EnrollOutcome, MatchRule


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """What an uploader knows of one device.

    It needs an IMEI, or a serial number and a manufacturer; the server checks.
    `source_line` is where it stands in your own source, repeated in errors about
    it; 0 makes the server use the ordinal of the row.
    """

    imei: str = ""
    imei2: str = ""
    serial_number: str = ""
    manufacturer: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    source_line: int = 0


@dataclass(frozen=True, slots=True)
class Device:
    """One line of the roll.

    IMEIs are 14-digit cores, without check digit. `source_line` is that of the file
    of `upload_id`, 0 if no upload wrote the device.
    """

    device_id: str
    profile_id: str
    imei: str
    imei2: str
    serial_number: str
    manufacturer: str
    attributes: Mapping[str, str]
    state: DeviceState
    upload_id: str
    source_line: int
    create_time: datetime | None
    update_time: datetime | None
    register_time: datetime | None
    etag: str
    user_id: str


@dataclass(frozen=True, slots=True)
class DeviceUpdate:
    """What shall become of one device: None leaves a field as it is, "" clears it.

    `attributes` are all of them together. An empty etag changes the device whatever
    happened to it since it was read.
    """

    device_id: str
    imei: str | None = None
    imei2: str | None = None
    serial_number: str | None = None
    manufacturer: str | None = None
    attributes: Mapping[str, str] | None = None
    etag: str = ""


@dataclass(frozen=True, slots=True)
class NearMiss:
    """A device that matches in part, and why it was not taken."""

    device: Device
    matching_fields: tuple[str, ...]
    differing_fields: tuple[str, ...]
    message: str


@dataclass(frozen=True, slots=True)
class MatchExplanation:
    """What a device would be told, by which rule, and what comes near; at most 10."""

    outcome: EnrollOutcome
    rule: MatchRule
    device: Device | None
    near_misses: tuple[NearMiss, ...]

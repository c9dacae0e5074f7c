"""The things Rollbook keeps, as plain immutable values.

Field names are those of the contract, without protobuf: times are aware and in
UTC, or None if the thing has not happened; an identifier that is unknown is "".
`dataclasses.asdict` gives what can be printed as JSON but for the times.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rollbook import _extras

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from rollbook.words import (
        DeviceState,
        EnrollOutcome,
        MatchRule,
        OnConflict,
        OnInvalidRow,
        ProfileOrigin,
        ProfileType,
        TokenState,
        UploadState,
    )


@dataclass(frozen=True, slots=True)
class Configuration:
    """What a device is given when it is set up: three groups of keys.

    `system_extras` are the keys that Android itself defines, by their names in the
    contract and with words for enums: `{"wifi_ssid": "Depot", "wifi_security_type":
    "WPA"}`. A name or value it cannot hold raises ValueError that names the nearest
    right one. The other two groups take what JSON can say; of numbers, those that a
    double holds exactly.
    """

    vendor_keys: Mapping[str, object] = field(default_factory=dict)
    system_extras: Mapping[str, object] = field(default_factory=dict)
    custom_system_keys: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _extras.struct(self.vendor_keys, "vendor_keys")
        _extras.system_extras(self.system_extras)
        _extras.struct(self.custom_system_keys, "custom_system_keys")


@dataclass(frozen=True, slots=True)
class Profile:
    """A bulk enrollment profile with its counts as they stood in one instant."""

    profile_id: str
    name: str
    description: str
    type: ProfileType
    origin: ProfileOrigin
    tokenless: bool
    user_id: str
    device_count: int
    registered_count: int
    pending_count: int
    configuration: Configuration
    create_time: datetime | None
    update_time: datetime | None
    devices_update_time: datetime | None
    etag: str
    user_name: str


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


@dataclass(frozen=True, slots=True)
class RowError:
    """What was wrong with one row, in words for the person who has to mend it.

    `row` 1 is the first row after the header, `line` 1 the first line of the file.
    `values` are the cells as they were uploaded.
    """

    row: int
    line: int
    column: str
    reason: str
    message: str
    device_id: str
    values: tuple[str, ...]
    suggestion: str


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """How one column of the file was understood."""

    column: str
    field: str


@dataclass(frozen=True, slots=True)
class Upload:
    """One CSV file, or stream of rows, on its way into a profile.

    The `committed_*` fields say how much is durable. `errors` are the first row
    errors, at most 100; `AdminClient.list_upload_errors` gives all.
    """

    upload_id: str
    profile_id: str
    file_name: str
    state: UploadState
    validate_only: bool
    row_count: int
    created_count: int
    updated_count: int
    unchanged_count: int
    rejected_count: int
    committed_offset: int
    committed_rows: int
    committed_crc32: int
    errors: tuple[RowError, ...]
    create_time: datetime | None
    update_time: datetime | None
    on_invalid_row: OnInvalidRow
    on_conflict: OnConflict
    columns: tuple[ColumnMapping, ...]
    dialect: str
    failure_reason: str


@dataclass(frozen=True, slots=True)
class DiscardedUpload:
    """An upload that was taken back; registered devices stay."""

    upload: Upload
    removed_count: int
    kept_count: int


@dataclass(frozen=True, slots=True)
class UploadProgress:
    """How far an upload is.

    `sent_*` counts what was handed to the connection, which flow control keeps near
    what the server took in; `committed_*` is what the server last said is durable.
    Bytes are 0 for typed rows; totals are None where nothing knows them beforehand.
    `streams` counts the streams used so far: above 1, the upload was resumed.
    """

    upload_id: str
    sent_bytes: int
    total_bytes: int | None
    sent_rows: int
    total_rows: int | None
    committed_bytes: int
    committed_rows: int
    streams: int


@dataclass(frozen=True, slots=True)
class Token:
    """The enrollment secret of a profile, without the secret."""

    token_id: str
    profile_id: str
    obfuscated_value: str
    state: TokenState
    create_time: datetime | None
    expire_time: datetime | None
    use_count: int
    last_use_time: datetime | None


@dataclass(frozen=True, slots=True)
class QrCode:
    """A picture for Android's setup wizard; it and `payload` hold the token.

    `warnings` say what Android would ignore or misread, one sentence each.
    """

    image: bytes = field(repr=False)
    media_type: str
    payload: str = field(repr=False)
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class User:
    """Someone to whom devices are given and who may sign in on them."""

    user_id: str
    user_name: str
    display_name: str
    email: str
    disabled: bool
    create_time: datetime | None
    update_time: datetime | None
    etag: str
    can_sign_in: bool


@dataclass(frozen=True, slots=True)
class EnrolledUser:
    """The user a device is given to."""

    user_id: str
    display_name: str
    email: str


@dataclass(frozen=True, slots=True)
class Enrollment:
    """The server's decision about a device.

    Unless the outcome is REGISTERED, all is empty but `sign_in_available`.
    """

    outcome: EnrollOutcome
    device_id: str
    profile_id: str
    attributes: Mapping[str, str]
    user: EnrolledUser | None
    configuration: Configuration | None
    sign_in_available: bool

"""The things Rollbook keeps, as plain immutable values.

Field names are those of the contract, without protobuf: times are aware and in
UTC, or None if the thing has not happened; an identifier that is unknown is "".
`dataclasses.asdict` gives what can be printed as JSON but for the times.
"""

from __future__ import annotations

from rollbook.resources.api_keys import ApiKey, CreatedApiKey
from rollbook.resources.audit import AuditBreak, AuditCheck, AuditEvent
from rollbook.resources.devices import Device, DeviceRow, DeviceUpdate, MatchExplanation, NearMiss
from rollbook.resources.enrollments import Enrollment
from rollbook.resources.profiles import Configuration, Profile
from rollbook.resources.tokens import QrCode, SealingKeyRotation, Token
from rollbook.resources.uploads import (
    ColumnMapping,
    DiscardedUpload,
    RowError,
    Upload,
    UploadProgress,
)
from rollbook.resources.users import EnrolledUser, User

__all__ = [
    "ApiKey",
    "AuditBreak",
    "AuditCheck",
    "AuditEvent",
    "ColumnMapping",
    "Configuration",
    "CreatedApiKey",
    "Device",
    "DeviceRow",
    "DeviceUpdate",
    "DiscardedUpload",
    "EnrolledUser",
    "Enrollment",
    "MatchExplanation",
    "NearMiss",
    "Profile",
    "QrCode",
    "RowError",
    "SealingKeyRotation",
    "Token",
    "Upload",
    "UploadProgress",
    "User",
]

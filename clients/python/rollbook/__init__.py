"""Client library of Rollbook.

`AdminClient` puts devices on the roll, `EnrollmentAgent` speaks for a device that
switches on. What they take and give are plain values; what they raise is in
`rollbook.errors`.
"""

from __future__ import annotations

from rollbook.admin import AdminClient
from rollbook.agent import EnrollmentAgent
from rollbook.errors import (
    AbortedError,
    AlreadyExistsError,
    DeadlineExceededError,
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    OutOfRangeError,
    PermissionDeniedError,
    ResourceExhaustedError,
    RollbookError,
    ServerError,
    SourceChangedError,
    UnauthenticatedError,
    UnavailableError,
    UnimplementedError,
    UploadIncompleteError,
)
from rollbook.resources import (
    ColumnMapping,
    Configuration,
    DeviceRow,
    EnrolledUser,
    Enrollment,
    Profile,
    QrCode,
    RowError,
    Token,
    Upload,
    UploadProgress,
)
from rollbook.words import (
    EnrollOutcome,
    OnConflict,
    OnInvalidRow,
    ProfileOrder,
    ProfileOrigin,
    ProfileType,
    QrCodeFormat,
    TokenState,
    UploadState,
)

__all__ = [
    "AbortedError",
    "AdminClient",
    "AlreadyExistsError",
    "ColumnMapping",
    "Configuration",
    "DeadlineExceededError",
    "DeviceRow",
    "EnrollOutcome",
    "EnrolledUser",
    "Enrollment",
    "EnrollmentAgent",
    "FailedPreconditionError",
    "InvalidArgumentError",
    "NotFoundError",
    "OnConflict",
    "OnInvalidRow",
    "OutOfRangeError",
    "PermissionDeniedError",
    "Profile",
    "ProfileOrder",
    "ProfileOrigin",
    "ProfileType",
    "QrCode",
    "QrCodeFormat",
    "ResourceExhaustedError",
    "RollbookError",
    "RowError",
    "ServerError",
    "SourceChangedError",
    "Token",
    "TokenState",
    "UnauthenticatedError",
    "UnavailableError",
    "UnimplementedError",
    "Upload",
    "UploadIncompleteError",
    "UploadProgress",
    "UploadState",
]

"""Client library of Rollbook.

`AdminClient` puts devices on the roll, `EnrollmentAgent` speaks for a device that
switches on:

    >>> from rollbook import AdminClient, EnrollmentAgent
    >>> with AdminClient(address, api_key=key) as admin, EnrollmentAgent(address) as agent:
    ...     profile = admin.create_profile("Spring tablets")
    ...     upload = admin.upload_devices(profile.profile_id, "devices.csv")
    ...     token = admin.reveal_token(profile.profile_id)
    ...     enrollment = agent.enroll_device(token=token, imeis=["490154203237518"])
    >>> upload.created_count, upload.rejected_count, enrollment.outcome.name
    (1, 0, 'REGISTERED')

`AsyncAdminClient` and `AsyncEnrollmentAgent` of `rollbook.aio` do the same in asyncio. What
the clients take and give are plain values, described in `rollbook.resources`; words such as
states and formats are in `rollbook.words`. What is called `list_...` fetches page after page
by itself. Every failed call raises one of `rollbook.errors`, with the server's reason;
UNAVAILABLE was retried by then, within the deadline.

Begin with `help(rollbook.AdminClient)`; `examples/` in the source has whole programs.

Names are imported when they are first asked for, so that `rollbook.cli`, which is
below this package, is reached before grpc is loaded.
"""

from __future__ import annotations

# Type checkers take it for the one of typing, which takes longer to load than all of this.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from rollbook.admin import AdminClient
    from rollbook.agent import EnrollmentAgent
    from rollbook.aio import AsyncAdminClient, AsyncEnrollmentAgent
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
        ApiKey,
        AuditBreak,
        AuditCheck,
        AuditEvent,
        ColumnMapping,
        Configuration,
        CreatedApiKey,
        Device,
        DeviceRow,
        DeviceUpdate,
        DiscardedUpload,
        EnrolledUser,
        Enrollment,
        MatchExplanation,
        NearMiss,
        Profile,
        QrCode,
        RowError,
        SealingKeyRotation,
        Token,
        Upload,
        UploadProgress,
        User,
    )
    from rollbook.words import (
        AuditFault,
        DeviceState,
        EnrollOutcome,
        MatchRule,
        OnConflict,
        OnInvalidRow,
        ProfileOrder,
        ProfileOrigin,
        ProfileType,
        QrCodeFormat,
        Right,
        Role,
        TokenState,
        UploadState,
    )

__all__ = [
    "AbortedError",
    "AdminClient",
    "AlreadyExistsError",
    "ApiKey",
    "AsyncAdminClient",
    "AsyncEnrollmentAgent",
    "AuditBreak",
    "AuditCheck",
    "AuditEvent",
    "AuditFault",
    "ColumnMapping",
    "Configuration",
    "CreatedApiKey",
    "DeadlineExceededError",
    "Device",
    "DeviceRow",
    "DeviceState",
    "DeviceUpdate",
    "DiscardedUpload",
    "EnrollOutcome",
    "EnrolledUser",
    "Enrollment",
    "EnrollmentAgent",
    "FailedPreconditionError",
    "InvalidArgumentError",
    "MatchExplanation",
    "MatchRule",
    "NearMiss",
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
    "Right",
    "Role",
    "RollbookError",
    "RowError",
    "SealingKeyRotation",
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
    "User",
]

# In the order in which a name is looked for: what loads little goes first.
_MODULES = ("words", "errors", "resources", "agent", "admin", "aio")


def __getattr__(name: str) -> object:
    """Import what is asked for."""
    from importlib import import_module  # noqa: PLC0415 - see above

    if name in _MODULES:
        return import_module(f"rollbook.{name}")
    if name not in __all__:
        raise AttributeError(f"module 'rollbook' has no attribute {name!r}")
    for module in _MODULES:
        found = vars(import_module(f"rollbook.{module}"))
        if name in found:
            globals()[name] = found[name]
            break
    return globals()[name]


def __dir__() -> list[str]:
    """Give the names that can be asked for, for `help` and completion."""
    return sorted({*globals(), *__all__, *_MODULES})

"""The words of the contract: each enum of `rollbook.v1` as strings.

A member equals its word without the enum's prefix: `UploadState.OPEN == "OPEN"`.
UNSPECIFIED is what the server says of a value that this client is too old to
know; sent in a request, it asks for the default. A test holds these enums against
the contract.
"""

from __future__ import annotations

from enum import StrEnum


class ProfileType(StrEnum):
    """Who maintains the devices of a profile."""

    UNSPECIFIED = "UNSPECIFIED"
    SELF_MAINTAINED = "SELF_MAINTAINED"


class ProfileOrigin(StrEnum):
    """How a profile was begun; only a SINGLE_DEVICE one can be renamed later."""

    UNSPECIFIED = "UNSPECIFIED"
    CSV = "CSV"
    SINGLE_DEVICE = "SINGLE_DEVICE"


class ProfileOrder(StrEnum):
    """Orders in which profiles can be listed."""

    UNSPECIFIED = "UNSPECIFIED"
    NAME = "NAME"
    NEWEST = "NEWEST"
    LAST_UPDATED = "LAST_UPDATED"


class DeviceState(StrEnum):
    """Whether a device has taken its place."""

    UNSPECIFIED = "UNSPECIFIED"
    PENDING = "PENDING"
    REGISTERED = "REGISTERED"


class UploadState(StrEnum):
    """Where an upload stands; only an OPEN one takes more rows."""

    UNSPECIFIED = "UNSPECIFIED"
    OPEN = "OPEN"
    FINISHED = "FINISHED"
    FAILED = "FAILED"
    DISCARDED = "DISCARDED"


class OnInvalidRow(StrEnum):
    """What one invalid row does: SKIP reports it, FAIL takes the whole upload back."""

    UNSPECIFIED = "UNSPECIFIED"
    SKIP = "SKIP"
    FAIL = "FAIL"


class OnConflict(StrEnum):
    """What happens to a row whose device is on the roll with other content."""

    UNSPECIFIED = "UNSPECIFIED"
    REJECT = "REJECT"
    KEEP = "KEEP"
    UPDATE = "UPDATE"
    MOVE = "MOVE"


class TokenState(StrEnum):
    """Whether a token opens its profile now."""

    UNSPECIFIED = "UNSPECIFIED"
    ACTIVE = "ACTIVE"
    EXPIRED = "EXPIRED"
    REVOKED = "REVOKED"


class QrCodeFormat(StrEnum):
    """Forms of a QR code; TERMINAL is text in half-block characters."""

    UNSPECIFIED = "UNSPECIFIED"
    PNG = "PNG"
    SVG = "SVG"
    PDF = "PDF"
    TERMINAL = "TERMINAL"


class Right(StrEnum):
    """What the holder of an API key may do."""

    UNSPECIFIED = "UNSPECIFIED"
    CREATE = "CREATE"
    UPDATE = "UPDATE"
    ASSIGN_USER = "ASSIGN_USER"
    VIEW = "VIEW"
    DELETE = "DELETE"
    REVEAL_TOKEN = "REVEAL_TOKEN"  # noqa: S105 - a word
    MANAGE_ACCESS = "MANAGE_ACCESS"


class Role(StrEnum):
    """A usual bundle of rights; UNSPECIFIED for a set of its own."""

    UNSPECIFIED = "UNSPECIFIED"
    ADMINISTRATOR = "ADMINISTRATOR"
    OPERATOR = "OPERATOR"
    VIEWER = "VIEWER"


class EnrollOutcome(StrEnum):
    """What the server decided about a device."""

    UNSPECIFIED = "UNSPECIFIED"
    REGISTERED = "REGISTERED"
    NOT_REGISTERED = "NOT_REGISTERED"
    SIGN_IN_REQUIRED = "SIGN_IN_REQUIRED"


class MatchRule(StrEnum):
    """The rule that decides about a device; TOKEN if its token opens no profile."""

    UNSPECIFIED = "UNSPECIFIED"
    IMEI = "IMEI"
    SERIAL_AND_MANUFACTURER = "SERIAL_AND_MANUFACTURER"
    NONE = "NONE"
    AMBIGUOUS = "AMBIGUOUS"
    TOKEN = "TOKEN"  # noqa: S105 - a word


class AuditFault(StrEnum):
    """What can be wrong with an event of the audit log, or with its end."""

    UNSPECIFIED = "UNSPECIFIED"
    EVENT_MISSING = "EVENT_MISSING"
    EVENT_CHANGED = "EVENT_CHANGED"
    SEAL_INVALID = "SEAL_INVALID"
    END_UNKNOWN = "END_UNKNOWN"
    ANCHOR_DIFFERS = "ANCHOR_DIFFERS"

"""The audit log: what was done or refused, by whom, in a chain that shows what is done to it.

Every change, reveal, registration and refusal is told in the transaction of what it
tells, so that neither can be without the other; `audit_chain` has the rule of the chain.
"""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from rollbook_server.domain import callers
from rollbook_server.domain.audit_chain import json_text
from rollbook_server.domain.redaction import redacted

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from rollbook_server.domain.ports import Roll

DONE = "DONE"
DEVICE_AGENT = "device"
NOTHING: Mapping[str, object] = MappingProxyType({})
# Bounds what one event takes, whatever a file is called or however many keys change.
_TEXT_LIMIT = 300  # characters of a detail


class Action(StrEnum):
    """What can be done; the name of the RPC but for alarms, restores and the steps of an upload."""

    CREATE_PROFILE = "CreateProfile"
    UPDATE_PROFILE = "UpdateProfile"
    ASSIGN_USER = "AssignUser"
    UPDATE_CONFIGURATION = "UpdateConfiguration"
    DELETE_PROFILE = "DeleteProfile"
    OPEN_UPLOAD = "OpenUpload"
    FINISH_UPLOAD = "FinishUpload"
    FAIL_UPLOAD = "FailUpload"
    DISCARD_UPLOAD = "DiscardUpload"
    CREATE_DEVICES = "CreateDevices"
    UPDATE_DEVICES = "UpdateDevices"
    DELETE_DEVICES = "DeleteDevices"
    EXPORT_DEVICES = "ExportDevices"
    REVEAL_TOKEN = "RevealToken"  # noqa: S105 - the name of an RPC
    GENERATE_QR_CODE = "GenerateQrCode"
    REFRESH_TOKEN = "RefreshToken"  # noqa: S105
    EXTEND_TOKEN = "ExtendToken"  # noqa: S105
    REVOKE_TOKEN = "RevokeToken"  # noqa: S105
    REVOKE_ALL_TOKENS = "RevokeAllTokens"
    ROTATE_SEALING_KEY = "RotateSealingKey"
    ENROLL_DEVICE = "EnrollDevice"
    SIGN_IN_DEVICE = "SignInDevice"
    RAISE_ALARM = "RaiseAlarm"
    CREATE_USER = "CreateUser"
    UPDATE_USER = "UpdateUser"
    DELETE_USER = "DeleteUser"
    CREATE_API_KEY = "CreateApiKey"
    REVOKE_API_KEY = "RevokeApiKey"
    RESTORE_DATABASE = "RestoreDatabase"


class Subject(NamedTuple):
    """What a deed was about, by ids; `resource_id` is a token, upload, user or key."""

    profile_id: str = ""
    device_id: str = ""
    resource_id: str = ""


class Deed(NamedTuple):
    """One thing that was done or refused, before it has a place in the chain.

    `details` is the JSON text that is hashed; see `details_of`.
    """

    event_time: datetime
    action: str
    actor: str
    source: str
    subject: Subject
    reason: str
    details: str


class AuditEvent(NamedTuple):
    """A deed in its place in the chain; the first has sequence 1."""

    sequence: int
    deed: Deed
    digest: bytes


def tell(  # noqa: PLR0913 - what an event tells
    roll: Roll,
    action: str,
    now: datetime,
    subject: Subject,
    details: Mapping[str, object] = NOTHING,
    *,
    reason: str = DONE,
) -> None:
    """Record in the transaction of the roll what was done in it, or refused.

    The caller is whoever handed the work over; only device agents have no API key.
    Details that are empty are left out; none may hold a secret or a full identifier.
    """
    caller = callers.current()
    actor = DEVICE_AGENT if action in _OF_DEVICES else caller.api_key_id
    told = details_of(details)
    roll.audit.record(Deed(now, action, actor, caller.source, subject, reason, told))


_OF_DEVICES = frozenset({Action.ENROLL_DEVICE, Action.SIGN_IN_DEVICE})


def details_of(details: Mapping[str, object]) -> str:
    """Give the one text that stands for these details, without secrets that a name may hold."""
    if not details:
        return "{}"
    told = {name: redacted(str(value))[:_TEXT_LIMIT] for name, value in details.items()}
    return json_text({name: text for name, text in told.items() if text})

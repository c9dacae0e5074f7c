"""What the holder of an API key may do: rights, their usual bundles, and which method needs which.

`NEEDED` is the one table of it; the contract says the same in the comment of every
method, and a test holds the two against each other.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from rollbook_server.domain.errors import Reason, RollbookError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rollbook_server.domain.callers import Caller


class Right(StrEnum):
    """What one may do; see `Right` in the contract. The first five are the seed's."""

    CREATE = "CREATE"
    UPDATE = "UPDATE"
    ASSIGN_USER = "ASSIGN_USER"
    VIEW = "VIEW"
    DELETE = "DELETE"
    REVEAL_TOKEN = "REVEAL_TOKEN"  # noqa: S105 - a word
    MANAGE_ACCESS = "MANAGE_ACCESS"


class Role(StrEnum):
    """A usual bundle of rights."""

    ADMINISTRATOR = "ADMINISTRATOR"
    OPERATOR = "OPERATOR"
    VIEWER = "VIEWER"


EVERY_RIGHT = frozenset(Right)

BUNDLES: Mapping[Role, frozenset[Right]] = {
    Role.ADMINISTRATOR: EVERY_RIGHT,
    Role.OPERATOR: EVERY_RIGHT - {Right.MANAGE_ACCESS},
    Role.VIEWER: frozenset({Right.VIEW}),
}

Rule = Right | tuple[Right, ...]
"""A right that is needed, or several of which any one will do; none means any valid key."""

NEEDED: Mapping[str, Rule] = {
    "ProfileService/CreateProfile": Right.CREATE,
    "ProfileService/GetProfile": Right.VIEW,
    "ProfileService/ListProfiles": Right.VIEW,
    "ProfileService/UpdateProfile": Right.UPDATE,
    "ProfileService/AssignUser": Right.ASSIGN_USER,
    "ProfileService/UpdateConfiguration": Right.UPDATE,
    "ProfileService/DeleteProfile": Right.DELETE,
    "DeviceService/UploadDevices": Right.CREATE,
    # Who may write uploads is told how far they are, or could not take one up again.
    "DeviceService/GetUpload": (Right.VIEW, Right.CREATE),
    "DeviceService/ListUploads": Right.VIEW,
    "DeviceService/ListUploadErrors": Right.VIEW,
    "DeviceService/DiscardUpload": Right.DELETE,
    "DeviceService/GetUploadTemplate": Right.VIEW,
    "DeviceService/CreateDevices": Right.CREATE,
    "DeviceService/GetDevice": Right.VIEW,
    "DeviceService/ListDevices": Right.VIEW,
    "DeviceService/UpdateDevices": Right.UPDATE,
    "DeviceService/DeleteDevices": Right.DELETE,
    "DeviceService/ExportDevices": Right.VIEW,
    "DeviceService/ExplainMatch": Right.VIEW,
    "TokenService/GetToken": Right.VIEW,
    "TokenService/RevealToken": Right.REVEAL_TOKEN,
    "TokenService/RefreshToken": Right.UPDATE,
    "TokenService/ExtendToken": Right.UPDATE,
    "TokenService/RevokeToken": Right.UPDATE,
    "TokenService/RevokeAllTokens": Right.MANAGE_ACCESS,
    "TokenService/RotateSealingKey": Right.MANAGE_ACCESS,
    "TokenService/GenerateQrCode": Right.REVEAL_TOKEN,
    "UserService/CreateUser": Right.CREATE,
    "UserService/ListUsers": Right.VIEW,
    "UserService/UpdateUser": Right.UPDATE,
    "UserService/DeleteUser": Right.DELETE,
    "AccessService/CreateApiKey": Right.MANAGE_ACCESS,
    "AccessService/ListApiKeys": Right.MANAGE_ACCESS,
    "AccessService/GetOwnApiKey": (),
    "AccessService/RevokeApiKey": Right.MANAGE_ACCESS,
    "AuditService/ListAuditEvents": Right.MANAGE_ACCESS,
    "AuditService/VerifyAuditLog": Right.MANAGE_ACCESS,
}
"""What each method for administrators needs, whatever it is asked for.

Some requests need another one besides, which the method asks for with `require`.
"""


def require(caller: Caller, rule: Rule) -> None:
    """Raise RollbookError with RIGHT_MISSING unless the caller has the right, or one of several.

    The error's metadata names the first of several, its message all.
    """
    rights = (rule,) if isinstance(rule, Right) else rule
    if rights and caller.rights.isdisjoint(rights):
        raise RollbookError(
            Reason.RIGHT_MISSING,
            f"This needs the right {' or '.join(rights)}, which the API key {caller.api_key_id} "
            "does not have; call with a key that has it. Who has the right MANAGE_ACCESS can "
            "create one.",
            right=rights[0],
            api_key_id=caller.api_key_id,
        )

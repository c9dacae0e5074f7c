"""Users: to whom profiles and devices are given, and who may sign in on a device."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollbook_server.domain.errors import Reason, RollbookError

if TYPE_CHECKING:
    from datetime import datetime

    from rollbook_server.domain.ports import Roll


@dataclass(frozen=True, slots=True)
class User:
    """Someone who is given devices. Times are aware and in UTC.

    `password_hash` is what `PasswordHasher` made, empty for a user who has no
    password; `revision` counts the changes.
    """

    user_id: str
    user_name: str
    create_time: datetime
    update_time: datetime
    display_name: str = ""
    email: str = ""
    password_hash: str = ""
    disabled: bool = False
    revision: int = 1

    @property
    def can_sign_in(self) -> bool:
        """Tell whether there is a password that opens anything."""
        return bool(self.password_hash) and not self.disabled


def get(roll: Roll, user_id: str) -> User:
    """Give the user, or raise RollbookError with USER_NOT_FOUND."""
    user = roll.users.get(user_id)
    if user is None:
        raise RollbookError(
            Reason.USER_NOT_FOUND,
            f"There is no user {user_id!r}; list the users to find the right user_id.",
            user_id=user_id,
        )
    return user

"""Users, to whom devices are given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


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

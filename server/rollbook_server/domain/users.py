"""Users: to whom profiles and devices are given, and who may sign in on a device."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from rollbook_server.domain import etags, names
from rollbook_server.domain.errors import FieldsError, Reason, RollbookError
from rollbook_server.domain.ids import new_id
from rollbook_server.domain.names import name_key
from rollbook_server.domain.pages import Page, page_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from rollbook_server.domain.pages import Kinds, PageRequest
    from rollbook_server.domain.ports import Roll

DISPLAY_NAME_LIMIT = 128  # characters
EMAIL_LIMIT = 254  # characters; the longest address that SMTP can carry (RFC 5321)
SHORTEST_PASSWORD, LONGEST_PASSWORD = 8, 256  # characters
# Before normalisation; see names.TYPED_LIMIT.
_TYPED_PASSWORD_LIMIT = 4 * LONGEST_PASSWORD
# What mistyping gives is caught; whether mail arrives only mail can tell.
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")

SORT_KINDS: Kinds = (str, str)
"""The types of the keys by which the list is sorted."""


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
    password_hash: str = field(default="", repr=False)
    disabled: bool = False
    revision: int = 1

    @property
    def can_sign_in(self) -> bool:
        """Tell whether there is a password that opens anything."""
        return bool(self.password_hash) and not self.disabled


@dataclass(frozen=True, slots=True)
class UserQuery:
    """Which users to list."""

    name_contains: str = ""


@dataclass(frozen=True, slots=True)
class UserChange:
    """What an administrator wants of a user: new values by field, all of them checked.

    `values` may hold user_name, display_name, email and disabled; an empty
    `password_hash` leaves the password as it is.
    """

    values: Mapping[str, str | bool]
    password_hash: str = field(default="", repr=False)


def checked_values(values: Mapping[str, str | bool]) -> dict[str, str | bool]:
    """Give the values of a new or changed user in normal form.

    Raises RollbookError with USER_NAME_INVALID, or FieldsError.
    """
    found = dict(values)
    if "user_name" in found:
        typed = str(found["user_name"])
        found["user_name"] = names.checked(typed, Reason.USER_NAME_INVALID, "user")
    faults = {name: _fault(name, str(found[name])) for name in _RULES if name in found}
    if any(faults.values()):
        raise FieldsError({f"user.{name}": text for name, text in faults.items() if text})
    return found


_RULES = {"display_name": DISPLAY_NAME_LIMIT, "email": EMAIL_LIMIT}


def _fault(name: str, text: str) -> str:
    if len(text) > _RULES[name]:
        return f"has more than {_RULES[name]} characters"
    if names.holds_control_character(text):
        return "holds a control character; take it out"
    if name == "email" and text and not _EMAIL.fullmatch(text):
        return "is no address of the form NAME@DOMAIN"
    return ""


def checked_password(password: str) -> str:
    """Give a new password in normal form; raises RollbookError with PASSWORD_INVALID."""
    normal = presented_password(password)
    if not SHORTEST_PASSWORD <= len(normal) <= LONGEST_PASSWORD:
        raise RollbookError(
            Reason.PASSWORD_INVALID,
            f"A password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters; "
            "choose another one.",
        )
    return normal


def presented_password(password: str) -> str:
    """Give a password in the form in which it was hashed; empty for one too long to be any."""
    too_long = len(password) > _TYPED_PASSWORD_LIMIT
    return "" if too_long else unicodedata.normalize("NFC", password)


def create(roll: Roll, wanted: UserChange, now: datetime) -> User:
    """Add a user; raises RollbookError with USER_NAME_TAKEN."""
    nobody = User(new_id("usr"), "", now, now)
    user = _changed(nobody, wanted)
    _check_free(roll, user)
    roll.users.add(user)
    return user


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


def list_page(roll: Roll, query: UserQuery, request: PageRequest) -> Page[User]:
    """Give one page of users by name; raises FieldsError."""
    names.check_part(query.name_contains)
    found = roll.users.list(query, after=request.after, limit=request.size + 1)
    return page_of(found, request, lambda user: (name_key(user.user_name), user.user_id))


def update(roll: Roll, user_id: str, etag: str, wanted: UserChange, now: datetime) -> User:
    """Change a user; one that is as wanted already does not change.

    Raises RollbookError with USER_NOT_FOUND, ETAG_MISMATCH or USER_NAME_TAKEN.
    """
    before = get(roll, user_id)
    etags.check(etag, before.revision, "The user")
    after = _changed(before, wanted)
    if after == before:
        return before
    _check_free(roll, after)
    after = replace(after, update_time=now, revision=before.revision + 1)
    roll.users.change(after)
    return after


def delete(roll: Roll, user_id: str, etag: str, now: datetime) -> None:
    """Delete a user; profiles and devices given to them are given to none.

    Raises RollbookError with USER_NOT_FOUND or ETAG_MISMATCH.
    """
    user = get(roll, user_id)
    etags.check(etag, user.revision, "The user")
    roll.profiles.take_from(user_id, now)
    roll.devices.take_from(user_id)
    roll.users.delete(user_id)


def _changed(user: User, wanted: UserChange) -> User:
    values: dict[str, object] = dict(wanted.values)
    if wanted.password_hash:
        values["password_hash"] = wanted.password_hash
    return replace(user, **values)  # type: ignore[arg-type]  # each checked by its name


def _check_free(roll: Roll, user: User) -> None:
    holder = roll.users.find(name_key(user.user_name))
    if holder is not None and holder.user_id != user.user_id:
        raise RollbookError(
            Reason.USER_NAME_TAKEN,
            f"A user named {user.user_name!r} exists already; choose another name.",
            user_name=user.user_name,
        )

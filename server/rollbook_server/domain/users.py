"""Users: to whom profiles and devices are given, and who may sign in on a device."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from rollbook_server.domain import audit, etags, masks, names
from rollbook_server.domain.audit import Action, Subject
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
    """What an administrator wants of a user: new values by field, none of them checked.

    `values` may hold user_name, display_name, email and disabled, of which `paths`
    tell those that are meant; see `_meant`. An empty `password` stays as it is; one
    that may be one comes with its `password_hash`.
    """

    values: Mapping[str, str | bool]
    paths: tuple[str, ...] = ()
    password: str = field(default="", repr=False)
    password_hash: str = field(default="", repr=False)


def _checked(values: Mapping[str, str | bool]) -> dict[str, object]:
    """Give the values of a new or changed user in normal form."""
    found: dict[str, object] = dict(values)
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


def new_password(password: str) -> str:
    """Give a new password in the form in which it is hashed; empty if it cannot be one."""
    normal = presented_password(password)
    return normal if SHORTEST_PASSWORD <= len(normal) <= LONGEST_PASSWORD else ""


def _check_password(password: str) -> None:
    if not new_password(password):
        raise RollbookError(
            Reason.PASSWORD_INVALID,
            f"A password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters; "
            "choose another one.",
        )


def presented_password(password: str) -> str:
    """Give a password in the form in which it was hashed; empty for one too long to be any."""
    too_long = len(password) > _TYPED_PASSWORD_LIMIT
    return "" if too_long else unicodedata.normalize("NFC", password)


def create(roll: Roll, wanted: UserChange, now: datetime) -> User:
    """Add a user.

    Raises RollbookError with USER_NAME_INVALID, FIELD_INVALID, PASSWORD_INVALID or
    USER_NAME_TAKEN, in this order.
    """
    nobody = User(new_id("usr"), "", now, now)
    user = _changed(nobody, wanted, wanted.values)
    _check_free(roll, user)
    roll.users.add(user)
    audit.tell(roll, Action.CREATE_USER, now, Subject(resource_id=user.user_id))
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

    Raises RollbookError with USER_NOT_FOUND, ETAG_MISMATCH, FIELD_INVALID,
    USER_NAME_INVALID, PASSWORD_INVALID or USER_NAME_TAKEN.
    """
    before = get(roll, user_id)
    etags.check(etag, before.revision, "The user")
    after = _changed(before, wanted, _meant(wanted))
    if after == before:
        return before
    _check_free(roll, after)
    after = replace(after, update_time=now, revision=before.revision + 1)
    roll.users.change(after)
    told = {"fields": _differing(before, after)}
    audit.tell(roll, Action.UPDATE_USER, now, Subject(resource_id=user_id), told)
    return after


def _differing(before: User, after: User) -> str:
    """Name what changed of a user, for the audit log."""
    names = ("user_name", "display_name", "email", "disabled")
    found = [name for name in names if getattr(after, name) != getattr(before, name)]
    found += ["password"] if after.password_hash != before.password_hash else []
    return ",".join(found)


def delete(roll: Roll, user_id: str, etag: str, now: datetime) -> None:
    """Delete a user; profiles and devices given to them are given to none.

    Raises RollbookError with USER_NOT_FOUND or ETAG_MISMATCH.
    """
    user = get(roll, user_id)
    etags.check(etag, user.revision, "The user")
    roll.profiles.take_from(user_id, now)
    roll.devices.take_from(user_id)
    roll.users.delete(user_id)
    audit.tell(roll, Action.DELETE_USER, now, Subject(resource_id=user_id))


def _meant(wanted: UserChange) -> dict[str, str | bool]:
    """Give the values that the mask names, without one each that is not empty."""
    values = wanted.values
    named = masks.named(wanted.paths, tuple(values))
    if not wanted.paths:
        named = frozenset(name for name in values if values[name])
    return {name: values[name] for name in values if name in named}


def _changed(user: User, wanted: UserChange, values: Mapping[str, str | bool]) -> User:
    new = _checked(values)
    if wanted.password:
        _check_password(wanted.password)
        new["password_hash"] = wanted.password_hash
    return replace(user, **new)  # type: ignore[arg-type]  # each checked by its name


def _check_free(roll: Roll, user: User) -> None:
    holder = roll.users.find(name_key(user.user_name))
    if holder is not None and holder.user_id != user.user_id:
        raise RollbookError(
            Reason.USER_NAME_TAKEN,
            f"A user named {user.user_name!r} exists already; choose another name.",
            user_name=user.user_name,
        )

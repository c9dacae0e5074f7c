"""What an older database would bring back to life, and how it is kept from that.

Whoever puts a backup back wants the devices of that time, and hardly ever the tokens, API
keys and passwords that somebody voided since, because they had leaked or a person had left.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from rollbook_server.domain import api_keys, audit, tokens
from rollbook_server.domain.audit import Action, Subject
from rollbook_server.domain.users import UserQuery

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from rollbook_server.domain.ports import Roll

_KEYS_AT_ONCE = 200


class RevivedToken(NamedTuple):
    """A token of the backup that was voided since, or whose profile is gone."""

    token_id: str
    profile_id: str
    profile_name: str
    void_time: datetime


class RevivedKey(NamedTuple):
    """An API key of the backup that was revoked since."""

    api_key_id: str
    display_name: str


class RevivedUser(NamedTuple):
    """A user of the backup whose password was changed since, or who was disabled or deleted."""

    user_id: str
    user_name: str
    password_hash: str
    disabled: bool


@dataclass(frozen=True, slots=True)
class Revivals:
    """All that was voided since a backup; new devices have ids from `next_device` on."""

    tokens: Sequence[RevivedToken] = ()
    api_keys: Sequence[RevivedKey] = ()
    users: Sequence[RevivedUser] = field(default=(), repr=False)
    next_device: int = 0

    def __bool__(self) -> bool:
        """Tell whether anything would work again."""
        return bool(self.tokens or self.api_keys or self.users)


def holds_keys_or_users(roll: Roll) -> bool:
    """Tell whether there is an API key besides that of the server's file, or a user."""
    keys = roll.api_keys.list(after=None, limit=2)
    others = [key for key in keys if key.api_key_id != api_keys.ADMIN_KEY_ID]
    return bool(others or roll.users.list(UserQuery(), after=None, limit=1))


def void_again(roll: Roll, revivals: Revivals, now: datetime) -> None:
    """Void in the backup what was voided since, each with its event."""
    for token in revivals.tokens:
        roll.tokens.end(token.token_id, token.void_time)
        subject = Subject(profile_id=token.profile_id, resource_id=token.token_id)
        audit.tell(roll, Action.REVOKE_TOKEN, now, subject)
    for key in revivals.api_keys:
        api_keys.revoke(roll, key.api_key_id, now)
    for user in revivals.users:
        _put_down(roll, user, now)


def void_all_tokens(roll: Roll, now: datetime) -> int:
    """Void every token; gives how many would have worked."""
    return tokens.revoke_all(roll, now)


def void_all_keys(roll: Roll, now: datetime) -> int:
    """Revoke every API key but that of the server's file; gives how many would have worked."""
    count, after = 0, None
    while found := roll.api_keys.list(after=after, limit=_KEYS_AT_ONCE):
        for key in found:
            if key.revoke_time is None and key.api_key_id != api_keys.ADMIN_KEY_ID:
                api_keys.revoke(roll, key.api_key_id, now)
                count += 1
        after = api_keys.cursor_of(found[-1])
    return count


def tell(roll: Roll, now: datetime, details: Mapping[str, object]) -> None:
    """Record that the database was put back."""
    audit.tell(roll, Action.RESTORE_DATABASE, now, Subject(), details)


def _put_down(roll: Roll, revived: RevivedUser, now: datetime) -> None:
    user = roll.users.get(revived.user_id)
    assert user is not None, "it was found in the backup"
    changed = replace(
        user,
        password_hash=revived.password_hash,
        disabled=revived.disabled,
        update_time=now,
        revision=user.revision + 1,
    )
    roll.users.change(changed)
    told = {"fields": "password,disabled"}
    audit.tell(roll, Action.UPDATE_USER, now, Subject(resource_id=user.user_id), told)

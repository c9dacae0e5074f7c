"""API keys: how one is made, given rights, listed and voided.

A value is shown once, when its key is created; what is stored is a digest. It has 256
random bits, so nobody finds it by trying values against a stolen digest, and plain
SHA-256 keeps it as well as a slow hash would.
"""

from __future__ import annotations

import secrets
import unicodedata
from dataclasses import dataclass, field, replace
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

from rollbook_server.domain import audit, names, rights
from rollbook_server.domain.audit import Action, Subject
from rollbook_server.domain.clock import microseconds
from rollbook_server.domain.errors import FieldsError, Reason, RollbookError
from rollbook_server.domain.ids import new_id
from rollbook_server.domain.pages import Page, page_of
from rollbook_server.domain.rights import BUNDLES, EVERY_RIGHT, Right, Role

if TYPE_CHECKING:
    from datetime import datetime

    from rollbook_server.domain.callers import Caller
    from rollbook_server.domain.pages import Kinds, PageRequest
    from rollbook_server.domain.ports import Roll, Store

ADMIN_KEY_ID = "admin"
"""The key that the server keeps in a file of its data directory."""

NAME_LIMIT = names.NAME_LIMIT  # characters of a display_name

SORT_KINDS: Kinds = (int, str)  # create_time, api_key_id
"""The types of the keys by which the list is sorted."""

CLOCKS_DIFFER = timedelta(minutes=5)
"""By more no two servers' clocks do: a last use that lies further ahead is of a wrong one."""

_PREFIX = "rbk_"  # so that secret scanners and people know one when they see it
_BYTES = 32


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key with which administrators and their services call. Times are aware and in UTC.

    `role` is the bundle it was created with, None for a set of its own. From
    `expire_time` and from `revoke_time` on it opens nothing.
    """

    api_key_id: str
    digest: bytes = field(repr=False)
    display_name: str
    role: Role | None
    rights: frozenset[Right]
    create_time: datetime
    expire_time: datetime | None = None
    last_use_time: datetime | None = None
    revoke_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """What an administrator says of a new key, none of it checked."""

    display_name: str
    role: Role | None = None
    rights: frozenset[Right] = frozenset()
    expire_time: datetime | None = None

    @property
    def all_rights(self) -> frozenset[Right]:
        """Give what its holder may do."""
        return self.rights if self.role is None else BUNDLES[self.role]


def new_value() -> str:
    """Make the secret of a key."""
    return _PREFIX + secrets.token_urlsafe(_BYTES)


def digest_of(value: str) -> bytes:
    """Give what a key is looked up by."""
    return sha256(value.encode()).digest()


def check_rights(wanted: NewApiKey, caller: Caller) -> None:
    """See to it that nobody gives rights which they do not have.

    Raises FieldsError, or RollbookError with RIGHT_MISSING.
    """
    if (wanted.role is None) == (not wanted.rights):
        raise FieldsError({"role": "must be given, or else rights, and not both"})
    for right in Right:
        if right in wanted.all_rights:
            rights.require(caller, right)


def create(roll: Roll, wanted: NewApiKey, value: str, now: datetime) -> ApiKey:
    """Add a key with that value; `check_rights` is to be asked before. Raises FieldsError."""
    if wanted.expire_time is not None and wanted.expire_time <= now:
        raise FieldsError({"expire_time": "has passed already; leave it out for no end"})
    key = ApiKey(
        api_key_id=new_id("key"),
        digest=digest_of(value),
        display_name=_checked_name(wanted.display_name),
        role=wanted.role,
        rights=wanted.all_rights,
        create_time=now,
        expire_time=wanted.expire_time,
    )
    roll.api_keys.add(key)
    told = {"role": key.role or "", "rights": "" if key.role else ",".join(sorted(key.rights))}
    audit.tell(roll, Action.CREATE_API_KEY, now, Subject(resource_id=key.api_key_id), told)
    return key


def _checked_name(name: str) -> str:
    name = name.strip()
    if len(name) <= names.TYPED_LIMIT:
        name = unicodedata.normalize("NFC", name)
    fault = _fault(name)
    if fault:
        raise FieldsError({"display_name": fault})
    return name


def _fault(name: str) -> str:
    if not name:
        return "is empty; say what the key is for"
    if len(name) > NAME_LIMIT:
        return f"has more than {NAME_LIMIT} characters"
    held = names.holds_control_character(name)
    return "holds a control character; take it out" if held else ""


def list_page(roll: Roll, request: PageRequest) -> Page[ApiKey]:
    """Give one page of all keys, oldest first."""
    found = roll.api_keys.list(after=request.after, limit=request.size + 1)
    return page_of(found, request, cursor_of)


def cursor_of(key: ApiKey) -> tuple[int, str]:
    """Give the place of a key in the list of all."""
    return microseconds(key.create_time), key.api_key_id


def get(roll: Roll, api_key_id: str) -> ApiKey:
    """Give a key, whatever became of it; raises RollbookError with API_KEY_NOT_FOUND."""
    key = roll.api_keys.get(api_key_id)
    if key is None:
        raise RollbookError(
            Reason.API_KEY_NOT_FOUND,
            f"There is no API key {api_key_id!r}; list the keys to find the right api_key_id.",
            api_key_id=api_key_id,
        )
    return key


def revoke(roll: Roll, api_key_id: str, now: datetime) -> ApiKey:
    """Void a key; one that is void already stays as it is.

    Whoever remembers keys has to forget this one, see `KeyRing.forget`. Raises
    RollbookError with ADMIN_KEY_NOT_REVOCABLE or API_KEY_NOT_FOUND.
    """
    if api_key_id == ADMIN_KEY_ID:
        raise RollbookError(
            Reason.ADMIN_KEY_NOT_REVOCABLE,
            "The administrator key is kept in a file, admin.key of the server's data directory. "
            "To replace it, remove that file and start the server again: it makes another one.",
        )
    key = get(roll, api_key_id)
    if key.revoke_time is not None:
        return key
    roll.api_keys.revoke(api_key_id, now)
    audit.tell(roll, Action.REVOKE_API_KEY, now, Subject(resource_id=api_key_id))
    return replace(key, revoke_time=now)


def has_admin_key(store: Store) -> bool:
    """Tell whether there is an administrator key, whoever has the file that holds it."""
    return store.read(lambda roll: roll.api_keys.get(ADMIN_KEY_ID)) is not None


def keep_admin_key(store: Store, value: str, now: datetime) -> None:
    """Let this value be that of the administrator key, and no value that it had before.

    A value in the place of another is told. The first comes with the database, and is not.
    """
    key = ApiKey(ADMIN_KEY_ID, digest_of(value), "admin.key", Role.ADMINISTRATOR, EVERY_RIGHT, now)
    kept = store.read(lambda roll: roll.api_keys.get(ADMIN_KEY_ID))
    if kept is None or (kept.digest, kept.rights) != (key.digest, key.rights):
        store.write(lambda roll: _put_admin_key(roll, key))


def _put_admin_key(roll: Roll, key: ApiKey) -> None:
    """Put it in the place of the one before, and of one that had its value, if any."""
    before = (roll.api_keys.get(ADMIN_KEY_ID), roll.api_keys.find(key.digest))
    same = (ADMIN_KEY_ID, key.digest)
    gone = [each for each in before if each and (each.api_key_id, each.digest) != same]
    roll.api_keys.put(key)
    for each in gone:
        audit.tell(
            roll, Action.REVOKE_API_KEY, key.create_time, Subject(resource_id=each.api_key_id)
        )
    if gone:
        about, told = Subject(resource_id=ADMIN_KEY_ID), {"role": Role.ADMINISTRATOR}
        audit.tell(roll, Action.CREATE_API_KEY, key.create_time, about, told)

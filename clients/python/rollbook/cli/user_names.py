"""Finds the user that was meant: by user_id, or else by the name to sign in with."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from rollbook import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rollbook import AdminClient, User

# What every user_id begins with. A name may too, so the id is only looked for first:
# it takes a walk through all users, of which the contract has no look-up by id.
_ID_PREFIX = "usr-"
_LONGEST_PAGE = 1000


def find_user(client: AdminClient, wanted: str) -> User:
    """Give the user with this id, else the one with this name, whatever its case.

    Raises NotFoundError with USER_NOT_FOUND.
    """
    found = None
    if wanted.startswith(_ID_PREFIX):
        everyone = client.list_users(page_size=_LONGEST_PAGE)
        found = _first(everyone, lambda user: user.user_id == wanted)
    return found or _find_by_name(client, wanted)


def _find_by_name(client: AdminClient, wanted: str) -> User:
    same = _folded(wanted)
    fitting = client.list_users(name_contains=wanted.strip(), page_size=_LONGEST_PAGE)
    found = _first(fitting, lambda user: _folded(user.user_name) == same)
    if found is None:
        raise NotFoundError(
            f"There is no user with the id or the name {wanted!r}.",
            reason="USER_NOT_FOUND",
            code="NOT_FOUND",
        )
    return found


def _first(users: Iterator[User], fits: Callable[[User], bool]) -> User | None:
    return next(filter(fits, users), None)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name.strip()).casefold()

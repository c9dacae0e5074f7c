"""Finds the profile that was meant: by its id, or else by its name."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Protocol

from rollbook import NotFoundError
from rollbook.cli.output import clean

if TYPE_CHECKING:
    from rollbook import AdminClient, Profile, Token


# How a server makes them. What looks otherwise is a name: to ask for it as an id first would be
# a failed call in the server's log and metrics for every command.
_LIKE_AN_ID = re.compile(r"[a-z]+-[0-9a-z]+")


class Named(Protocol):
    """A profile, or what stands for one."""

    @property
    def profile_id(self) -> str:
        """The id."""

    @property
    def name(self) -> str:
        """The name."""


def typed(profile: Named) -> str:
    """Give what is typed to mean the profile: its name, unless not all of that can be seen."""
    return profile.name if clean(profile.name) == profile.name else profile.profile_id


def find_profile(client: AdminClient, wanted: str) -> Profile:
    """Give the profile with this id, else the one with this name, whatever its case."""
    return find_profile_with_token(client, wanted)[0]


def find_profile_with_token(client: AdminClient, wanted: str) -> tuple[Profile, Token | None]:
    """Give the profile as `find_profile` does, and its token, None if it is tokenless."""
    if not _LIKE_AN_ID.fullmatch(wanted) and (found := _find_by_name(client, wanted)):
        return found
    try:
        return client.get_profile_with_token(wanted)
    except NotFoundError as error:
        if found := _find_by_name(client, wanted):
            return found
        raise _not_found(wanted, error) from error


def _find_by_name(client: AdminClient, wanted: str) -> tuple[Profile, Token | None] | None:
    """Give the profile with its exact counts, which a list need not have."""
    same = _folded(wanted)
    for profile in client.list_profiles(name_contains=wanted.strip()):
        if _folded(profile.name) == same:
            return client.get_profile_with_token(profile.profile_id)
    return None


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name.strip()).casefold()


def _not_found(wanted: str, error: NotFoundError) -> NotFoundError:
    return NotFoundError(
        f"There is no profile with the id or the name {wanted!r}.",
        reason=error.reason,
        code=error.code,
        metadata=error.metadata,
    )

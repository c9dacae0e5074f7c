"""Profiles: what they hold, how they are named, created and listed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from rollbook_server.domain import (
    audit,
    configuration_linter,
    configurations,
    free_texts,
    names,
    tokens,
    users,
)
from rollbook_server.domain.audit import Action, Subject
from rollbook_server.domain.clock import microseconds
from rollbook_server.domain.configurations import EMPTY, Configuration
from rollbook_server.domain.errors import Reason, RollbookError
from rollbook_server.domain.ids import new_id
from rollbook_server.domain.names import name_key
from rollbook_server.domain.pages import Page, page_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from rollbook_server.domain.pages import Kinds, PageRequest
    from rollbook_server.domain.ports import Roll
    from rollbook_server.domain.tokens import Token, TokenMaker

DESCRIPTION_LIMIT = 1024  # characters


class ProfileType(StrEnum):
    """Who maintains the devices; the seed's TYPE column."""

    SELF_MAINTAINED = "SELF_MAINTAINED"


class ProfileOrigin(StrEnum):
    """How the profile was begun; decides whether it can be edited."""

    CSV = "CSV"
    SINGLE_DEVICE = "SINGLE_DEVICE"


class ProfileOrder(StrEnum):
    """Orders of a list of profiles."""

    NAME = "NAME"
    NEWEST = "NEWEST"
    LAST_UPDATED = "LAST_UPDATED"


@dataclass(frozen=True, slots=True)
class Profile:
    """A bulk enrollment profile. Times are aware and in UTC.

    `user_name` is that of the user as it stands. `revision` counts the changes of what
    `update_time` covers; the counts and `devices_update_time` move without it.
    """

    profile_id: str
    name: str
    create_time: datetime
    update_time: datetime
    description: str = ""
    type: ProfileType = ProfileType.SELF_MAINTAINED
    origin: ProfileOrigin = ProfileOrigin.CSV
    tokenless: bool = False
    user_id: str = ""
    user_name: str = ""
    registered_count: int = 0
    pending_count: int = 0
    configuration: Configuration = EMPTY
    devices_update_time: datetime | None = None
    revision: int = 1

    @property
    def device_count(self) -> int:
        """Devices on the roll, seen or not."""
        return self.registered_count + self.pending_count


@dataclass(frozen=True, slots=True)
class NewProfile:
    """What an administrator says of a profile to be made; not checked yet."""

    name: str
    description: str = ""
    type: ProfileType = ProfileType.SELF_MAINTAINED
    origin: ProfileOrigin = ProfileOrigin.CSV
    tokenless: bool = False
    user_id: str = ""
    configuration: Configuration = EMPTY


@dataclass(frozen=True, slots=True)
class ProfileQuery:
    """Which profiles to list, and in which order."""

    name_contains: str = ""
    user_id: str = ""
    order: ProfileOrder = ProfileOrder.NAME


def create(roll: Roll, wanted: NewProfile, maker: TokenMaker, now: datetime) -> Profile:
    """Put a profile on the roll, and its first token unless it is tokenless.

    Raises RollbookError with PROFILE_NAME_INVALID, PROFILE_NAME_TAKEN,
    USER_NOT_FOUND, FIELD_INVALID or CONFIGURATION_INVALID.
    """
    checked = _checked(wanted)
    user_name = users.get(roll, wanted.user_id).user_name if wanted.user_id else ""
    profile = Profile(
        profile_id=new_id("prf"),
        name=checked.name,
        description=checked.description,
        type=checked.type,
        origin=checked.origin,
        tokenless=checked.tokenless,
        user_id=checked.user_id,
        user_name=user_name,
        configuration=checked.configuration,
        create_time=now,
        update_time=now,
    )
    if not roll.profiles.add(profile):
        raise name_taken(profile.name)
    token = None if profile.tokenless else tokens.create(maker, profile.profile_id, now)
    if token is not None:
        roll.tokens.add(token)
    subject = Subject(profile.profile_id, resource_id=token.token_id if token else "")
    audit.tell(roll, Action.CREATE_PROFILE, now, subject, {"name": profile.name})
    return profile


def name_taken(name: str) -> RollbookError:
    """Give what is raised if another profile has the name."""
    return RollbookError(
        Reason.PROFILE_NAME_TAKEN,
        f"A profile named {name!r} exists already; choose another name.",
        name=name,
    )


def _checked(wanted: NewProfile) -> NewProfile:
    check_description(wanted.description, "description")
    configurations.check(wanted.configuration)
    name = names.checked(wanted.name, Reason.PROFILE_NAME_INVALID, "profile")
    return replace(wanted, name=name)


def check_description(description: str, path: str) -> None:
    """Raise FieldsError, naming that path, if no profile may have the description."""
    free_texts.check(description, DESCRIPTION_LIMIT, path)


def warnings(configuration: Configuration) -> list[str]:
    """Say what Android would not understand of it; nothing of one that is empty."""
    return [] if configuration == EMPTY else configuration_linter.warnings(configuration)


def get(roll: Roll, profile_id: str) -> Profile:
    """Give the profile, or raise RollbookError with PROFILE_NOT_FOUND."""
    profile = roll.profiles.get(profile_id)
    if profile is None:
        raise RollbookError(
            Reason.PROFILE_NOT_FOUND,
            f"There is no profile {profile_id!r}; list the profiles to find it.",
            profile_id=profile_id,
        )
    return profile


def with_token(roll: Roll, profile_id: str) -> tuple[Profile, Token | None]:
    """Give the profile and its token, None if it is tokenless; raises PROFILE_NOT_FOUND."""
    return get(roll, profile_id), roll.tokens.current(profile_id)


def list_page(roll: Roll, query: ProfileQuery, request: PageRequest) -> Page[Profile]:
    """Give one page of profiles in the order of the query; raises FieldsError."""
    names.check_part(query.name_contains)
    found = roll.profiles.list(query, after=request.after, limit=request.size + 1)
    return page_of(
        found, request, lambda profile: (_SORT_KEYS[query.order](profile), profile.profile_id)
    )


def sort_kinds(query: ProfileQuery) -> Kinds:
    """Give the types of the keys by which the list is sorted."""
    return (str if query.order is ProfileOrder.NAME else int, str)


_SORT_KEYS: Mapping[ProfileOrder, Callable[[Profile], str | int]] = {
    ProfileOrder.NAME: lambda profile: name_key(profile.name),
    ProfileOrder.NEWEST: lambda profile: microseconds(profile.create_time),
    ProfileOrder.LAST_UPDATED: lambda profile: microseconds(profile.update_time),
}

"""Changes of profiles: name and description, user, configuration.

Each gives the profile as it stands afterwards. Only what differs counts as a change:
without a difference revision and `update_time` stay, so that no etag grows stale.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rollbook_server.domain import audit, configurations, etags, masks, names, profiles, users
from rollbook_server.domain.audit import Action, Subject
from rollbook_server.domain.errors import Reason, RollbookError
from rollbook_server.domain.profiles import ProfileOrigin

if TYPE_CHECKING:
    from datetime import datetime

    from rollbook_server.domain.configurations import Configuration
    from rollbook_server.domain.ports import Roll
    from rollbook_server.domain.profiles import Profile

_EDITABLE = ("name", "description")


@dataclass(frozen=True, slots=True)
class ProfileEdit:
    """New values of a profile, of which `paths` tell those that are meant.

    Without paths it is each that is not empty. `etag` may be empty.
    """

    profile_id: str
    name: str = ""
    description: str = ""
    paths: tuple[str, ...] = ()
    etag: str = ""


@dataclass(frozen=True, slots=True)
class ConfigurationEdit:
    """New values of a configuration, of which `paths` tell those that are meant; see `masks`."""

    profile_id: str
    configuration: Configuration
    paths: tuple[str, ...] = ()
    etag: str = ""


def edit(roll: Roll, wanted: ProfileEdit, now: datetime, *, csv_editable: bool) -> Profile:
    """Change name and description.

    Raises RollbookError with PROFILE_NOT_FOUND, PROFILE_NOT_EDITABLE, ETAG_MISMATCH,
    FIELD_INVALID, PROFILE_NAME_INVALID or PROFILE_NAME_TAKEN, in this order.
    """
    profile = profiles.get(roll, wanted.profile_id)
    if not csv_editable:
        _check_editable(profile)
    etags.check(wanted.etag, profile.revision, _subject(profile))
    meant = masks.named(wanted.paths, _EDITABLE)
    if not wanted.paths:
        meant = frozenset(name for name in _EDITABLE if getattr(wanted, name))
    edited = _edited(profile, wanted, meant)
    changed = _write(roll, profile, edited, now)
    if changed is not profile:
        fields = [name for name in _EDITABLE if getattr(changed, name) != getattr(profile, name)]
        told = {"fields": ",".join(fields), "name": changed.name}
        audit.tell(roll, Action.UPDATE_PROFILE, now, Subject(profile.profile_id), told)
    return changed


def _check_editable(profile: Profile) -> None:
    # The seed: "Edit is available only when the single device option is selected".
    if profile.origin is not ProfileOrigin.SINGLE_DEVICE:
        raise RollbookError(
            Reason.PROFILE_NOT_EDITABLE,
            f"Profile {profile.name!r} was made for CSV files: name and description stay as they "
            "are, unless the server was started with --allow-csv-profile-edit.",
            profile_id=profile.profile_id,
        )


def _edited(profile: Profile, wanted: ProfileEdit, meant: frozenset[str]) -> Profile:
    if "description" in meant:
        profiles.check_description(wanted.description, "profile.description")
        profile = replace(profile, description=wanted.description)
    if "name" in meant:
        profile = replace(
            profile, name=names.checked(wanted.name, Reason.PROFILE_NAME_INVALID, "profile")
        )
    return profile


def assign_user(roll: Roll, profile_id: str, user_id: str, etag: str, now: datetime) -> Profile:
    """Give the profile to a user, to none if the id is empty.

    Raises RollbookError with PROFILE_NOT_FOUND, ETAG_MISMATCH or USER_NOT_FOUND.
    """
    profile = profiles.get(roll, profile_id)
    etags.check(etag, profile.revision, _subject(profile))
    user_name = users.get(roll, user_id).user_name if user_id else ""
    given = _write(roll, profile, replace(profile, user_id=user_id, user_name=user_name), now)
    if given is not profile:
        subject = Subject(profile_id, resource_id=user_id)
        audit.tell(roll, Action.ASSIGN_USER, now, subject, {"before": profile.user_id})
    return given


def configure(roll: Roll, wanted: ConfigurationEdit, now: datetime) -> Profile:
    """Change what the devices of the profile are given.

    Raises RollbookError with PROFILE_NOT_FOUND, ETAG_MISMATCH, FIELD_INVALID or
    CONFIGURATION_INVALID.
    """
    profile = profiles.get(roll, wanted.profile_id)
    etags.check(wanted.etag, profile.revision, _subject(profile))
    configuration = masks.configuration(profile.configuration, wanted.configuration, wanted.paths)
    configurations.check(configuration)
    configured = _write(roll, profile, replace(profile, configuration=configuration), now)
    if configured is not profile:
        fields = ",".join(configurations.differing(profile.configuration, configuration))
        subject = Subject(profile.profile_id)
        audit.tell(roll, Action.UPDATE_CONFIGURATION, now, subject, {"fields": fields})
    return configured


def _write(roll: Roll, before: Profile, after: Profile, now: datetime) -> Profile:
    if _content(before) == _content(after):
        return before
    changed = replace(after, update_time=now, revision=before.revision + 1)
    if not roll.profiles.change(changed):
        raise profiles.name_taken(changed.name)
    return changed


def _content(profile: Profile) -> tuple[str, ...]:
    # As text: for Python 1 equals true, for Android it does not.
    return profile.name, profile.description, profile.user_id, profile.configuration.to_json()


def _subject(profile: Profile) -> str:
    return f"Profile {profile.name!r}"

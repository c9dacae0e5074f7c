"""Profiles in the database.

What every enrollment and every batch of an upload passes is written out as SQL, here and
in the rooms beside: peewee takes ten times as long to compose such a statement as SQLite
takes to run it, and holds Python's lock meanwhile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from peewee import JOIN

from rollbook_server.domain import clock
from rollbook_server.domain.configurations import Configuration
from rollbook_server.domain.names import name_key
from rollbook_server.domain.profiles import (
    Profile,
    ProfileOrder,
    ProfileOrigin,
    ProfileQuery,
    ProfileType,
)
from rollbook_server.storage.counters import NEXT_PROFILE, reserve
from rollbook_server.storage.recent import Recent
from rollbook_server.storage.tables import ProfileTable, UserTable, stored

if TYPE_CHECKING:
    from datetime import datetime

    from rollbook_server.domain.pages import Cursor
    from rollbook_server.storage.engine import RollDatabase

_ORDERS = {
    ProfileOrder.NAME: (ProfileTable.name_key, False),
    ProfileOrder.NEWEST: (ProfileTable.create_time, True),
    ProfileOrder.LAST_UPDATED: (ProfileTable.update_time, True),
}


_CHANGEABLE = frozenset(
    ("name", "name_key", "description", "user_id", "configuration", "update_time", "revision")
)
KEY = "SELECT id FROM profiles WHERE profile_id = ?"
_GET = """
SELECT p.*, u.user_name FROM profiles p LEFT JOIN users u ON u.user_id = p.user_id
WHERE p.profile_id = ?
"""
_MOVE_COUNTS = """
UPDATE profiles SET pending_count = pending_count + ?, registered_count = registered_count + ?,
    devices_update_time = ?
WHERE profile_id = ?
"""
_TAKE_FROM = """
UPDATE profiles SET user_id = '', revision = revision + 1, update_time = ? WHERE user_id = ?
"""


class StoredProfiles:
    """The profiles as one transaction sees them."""

    def __init__(self, database: RollDatabase) -> None:
        self._database, self._recent = database, Recent()

    def add(self, profile: Profile) -> bool:
        """Add the profile; False if its name is taken."""
        key = reserve(self._database, NEXT_PROFILE)
        added = ProfileTable.insert(id=key, **_values(profile)).on_conflict_ignore()
        return bool(added.as_rowcount().execute(self._database))

    def change(self, profile: Profile) -> bool:
        """Write name, description, user and configuration; False if its name is taken.

        Looked for, not tried: there is one writer, and an UPDATE that breaks a rule of
        the table tells no two rules apart.
        """
        other = ProfileTable.profile_id != profile.profile_id
        taken = ProfileTable.select().where(
            (ProfileTable.name_key == name_key(profile.name)) & other
        )
        if taken.exists(self._database):
            return False
        values = {name: value for name, value in _values(profile).items() if name in _CHANGEABLE}
        ProfileTable.update(values).where(ProfileTable.profile_id == profile.profile_id).execute(
            self._database
        )
        return True

    def get(self, profile_id: str) -> Profile | None:
        """Give the profile."""
        self._recent.note(profile_id)
        found = self._database.execute_sql(_GET, (profile_id,)).fetchone()
        if not found:
            return None
        *columns, user_name = found
        return _profile({**stored(ProfileTable, columns), "user_name": user_name})

    def foresee(self) -> None:
        """Be told that profiles are read next, such as were read last."""
        self._database.look_ahead((_GET, (key,)) for key in self._recent.keys)

    def key(self, profile_id: str) -> int:
        """Give the integer under which other tables refer to a profile that exists."""
        return int(self._database.execute_sql(KEY, (profile_id,)).fetchone()[0])

    def list(self, query: ProfileQuery, *, after: Cursor | None, limit: int) -> list[Profile]:
        """Give at most `limit` profiles behind `after` (sort key, profile_id)."""
        column, descending = _ORDERS[query.order]
        first = column.desc() if descending else column.asc()
        wanted = (
            ProfileTable.select(ProfileTable, UserTable.user_name)
            .join(UserTable, JOIN.LEFT_OUTER, on=(UserTable.user_id == ProfileTable.user_id))
            .where(*_conditions(query, after))
            .order_by(first, ProfileTable.profile_id)
            .limit(limit)
        )
        return [_profile(row) for row in wanted.dicts().execute(self._database)]

    def move_counts(self, profile_id: str, now: datetime, *, pending: int, registered: int) -> None:
        """Add to the device counts, and note that devices changed."""
        parameters = (pending, registered, clock.microseconds(now), profile_id)
        self._database.hand_over(_MOVE_COUNTS, parameters)

    def take_from(self, user_id: str, now: datetime) -> None:
        """Give every profile that was given to the user to none."""
        self._database.execute_sql(_TAKE_FROM, (clock.microseconds(now), user_id))


def _conditions(query: ProfileQuery, after: Cursor | None) -> list[Any]:
    conditions = [ProfileTable.id.is_null(is_null=False)]
    if query.name_contains:
        conditions.append(ProfileTable.name_key.contains(name_key(query.name_contains)))
    if query.user_id:
        conditions.append(ProfileTable.user_id == query.user_id)
    if after is not None:
        conditions.append(_behind(query.order, after))
    return conditions


def _behind(order: ProfileOrder, after: Cursor) -> Any:
    column, descending = _ORDERS[order]
    sort_key, profile_id = after
    beyond = column < sort_key if descending else column > sort_key
    return beyond | ((column == sort_key) & (ProfileTable.profile_id > profile_id))


def _values(profile: Profile) -> dict[str, Any]:
    return {
        "profile_id": profile.profile_id,
        "name": profile.name,
        "name_key": name_key(profile.name),
        "description": profile.description,
        "type": str(profile.type),
        "origin": str(profile.origin),
        "tokenless": profile.tokenless,
        "user_id": profile.user_id,
        "configuration": profile.configuration.to_json(),
        "create_time": profile.create_time,
        "update_time": profile.update_time,
        "revision": profile.revision,
    }


def _profile(row: dict[str, Any]) -> Profile:
    return Profile(
        profile_id=row["profile_id"],
        name=row["name"],
        description=row["description"],
        type=ProfileType(row["type"]),
        origin=ProfileOrigin(row["origin"]),
        tokenless=row["tokenless"],
        user_id=row["user_id"],
        user_name=row["user_name"] or "",
        registered_count=row["registered_count"],
        pending_count=row["pending_count"],
        configuration=Configuration.from_json(row["configuration"]),
        create_time=row["create_time"],
        update_time=row["update_time"],
        devices_update_time=row["devices_update_time"],
        revision=row["revision"],
    )

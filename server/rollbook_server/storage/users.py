"""Users in the database.

What enrollments pass is written out as SQL, as in `profiles`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rollbook_server.domain.names import name_key
from rollbook_server.domain.users import User
from rollbook_server.storage.recent import Recent
from rollbook_server.storage.tables import UserTable, stored

if TYPE_CHECKING:
    from rollbook_server.domain.pages import Cursor
    from rollbook_server.domain.users import UserQuery
    from rollbook_server.storage.engine import RollDatabase

_FIELDS = (
    "user_id",
    "user_name",
    "create_time",
    "update_time",
    "display_name",
    "email",
    "password_hash",
    "disabled",
    "revision",
)

_GET = "SELECT * FROM users WHERE user_id = ?"
_FIND = "SELECT * FROM users WHERE name_key = ?"


class StoredUsers:
    """The users as one transaction sees them."""

    def __init__(self, database: RollDatabase) -> None:
        self._database, self._recent = database, Recent()

    def get(self, user_id: str) -> User | None:
        """Give the user."""
        self._recent.note(user_id)
        return self._first(_GET, user_id)

    def foresee(self) -> None:
        """Be told that users are read next, such as were read last."""
        self._database.look_ahead((_GET, (key,)) for key in self._recent.keys)

    def find(self, key: str) -> User | None:
        """Give the user whose name has this key."""
        return self._first(_FIND, key)

    def list(self, query: UserQuery, *, after: Cursor | None, limit: int) -> list[User]:
        """Give at most `limit` users by name behind `after` (name key, user_id)."""
        wanted = (
            UserTable.select()
            .where(*_conditions(query, after))
            .order_by(UserTable.name_key)
            .limit(limit)
        )
        return [_user(row) for row in wanted.dicts().execute(self._database)]

    def add(self, user: User) -> None:
        """Add a new user."""
        UserTable.insert(**_values(user)).execute(self._database)

    def change(self, user: User) -> None:
        """Write a changed user."""
        changed = UserTable.update(**_values(user)).where(UserTable.user_id == user.user_id)
        changed.execute(self._database)

    def rehash(self, user: User, password_hash: str) -> None:
        """Write the same password hashed anew, unless it changed."""
        same = (UserTable.user_id == user.user_id) & (UserTable.password_hash == user.password_hash)
        UserTable.update(password_hash=password_hash).where(same).execute(self._database)

    def delete(self, user_id: str) -> None:
        """Remove the user."""
        UserTable.delete().where(UserTable.user_id == user_id).execute(self._database)

    def _first(self, sql: str, value: str) -> User | None:
        row = self._database.execute_sql(sql, (value,)).fetchone()
        return _user(stored(UserTable, row)) if row else None


def _conditions(query: UserQuery, after: Cursor | None) -> list[Any]:
    conditions = [UserTable.id.is_null(is_null=False)]
    if query.name_contains:
        conditions.append(UserTable.name_key.contains(name_key(query.name_contains)))
    if after is not None:
        conditions.append(UserTable.name_key > after[0])  # unique: no two are level
    return conditions


def _values(user: User) -> dict[str, Any]:
    fields = {name: getattr(user, name) for name in _FIELDS}
    return {**fields, "name_key": name_key(user.user_name)}


def _user(row: dict[str, Any]) -> User:
    return User(**{name: row[name] for name in _FIELDS})

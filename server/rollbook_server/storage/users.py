"""Users in the database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rollbook_server.domain.users import User
from rollbook_server.storage.tables import UserTable

if TYPE_CHECKING:
    from peewee import Database

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


class StoredUsers:
    """The users as one transaction sees them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, user_id: str) -> User | None:
        """Give the user."""
        return self._first(UserTable.user_id == user_id)

    def _first(self, condition: Any) -> User | None:
        row = UserTable.select().where(condition).dicts().first(self._database)
        return _user(row) if row else None


def _user(row: dict[str, Any]) -> User:
    return User(**{name: row[name] for name in _FIELDS})

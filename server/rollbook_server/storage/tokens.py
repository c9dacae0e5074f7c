"""Tokens in the database: digests and sealed values only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rollbook_server.domain.tokens import Token
from rollbook_server.storage.tables import ProfileTable, TokenTable

if TYPE_CHECKING:
    from datetime import datetime

    from peewee import Database

    from rollbook_server.storage.profiles import StoredProfiles

_FIELDS = (
    "token_id",
    "digest",
    "sealed_value",
    "obfuscated_value",
    "create_time",
    "expire_time",
    "revoke_time",
    "use_count",
    "last_use_time",
)


class StoredTokens:
    """The tokens as one transaction sees them."""

    def __init__(self, database: Database, profiles: StoredProfiles) -> None:
        self._database, self._profiles = database, profiles

    def add(self, token: Token) -> None:
        """Add the token as the current one of its profile."""
        profile = self._profiles.key(token.profile_id)
        values = {name: getattr(token, name) for name in _FIELDS}
        TokenTable.update(current=False).where(
            (TokenTable.profile == profile) & TokenTable.current
        ).execute(self._database)
        TokenTable.insert(profile=profile, current=True, **values).execute(self._database)

    def current(self, profile_id: str) -> Token | None:
        """Give a profile's current token."""
        return self._first((ProfileTable.profile_id == profile_id) & TokenTable.current)

    def find(self, digest: bytes) -> Token | None:
        """Give the token with that digest, whatever its state."""
        return self._first(TokenTable.digest == digest)

    def count_use(self, token_id: str, now: datetime) -> None:
        """Note that the token was used."""
        TokenTable.update(use_count=TokenTable.use_count + 1, last_use_time=now).where(
            TokenTable.token_id == token_id
        ).execute(self._database)

    def exist(self) -> bool:
        """Tell whether there is any token."""
        return bool(TokenTable.select().exists(self._database))

    def _first(self, condition: Any) -> Token | None:
        query = TokenTable.select(TokenTable, ProfileTable.profile_id).join(
            ProfileTable, on=(ProfileTable.id == TokenTable.profile)
        )
        row = query.where(condition).dicts().first(self._database)
        return _token(row) if row else None


def _token(row: dict[str, Any]) -> Token:
    values = {name: row[name] for name in _FIELDS}
    values |= {name: bytes(row[name]) for name in ("digest", "sealed_value")}
    return Token(profile_id=row["profile_id"], **values)

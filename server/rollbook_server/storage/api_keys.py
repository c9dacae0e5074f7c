"""API keys in the database: digests of their values only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rollbook_server.domain.api_keys import CLOCKS_DIFFER, ApiKey
from rollbook_server.domain.rights import Right, Role
from rollbook_server.storage.tables import ApiKeyTable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from rollbook_server.domain.pages import Cursor
    from rollbook_server.storage.engine import RollDatabase

_PLAIN = (
    "api_key_id",
    "digest",
    "display_name",
    "create_time",
    "expire_time",
    "last_use_time",
    "revoke_time",
)


class StoredApiKeys:
    """The API keys as one transaction sees them."""

    def __init__(self, database: RollDatabase) -> None:
        self._database = database

    def get(self, api_key_id: str) -> ApiKey | None:
        """Give the key."""
        return self._first(ApiKeyTable.api_key_id == api_key_id)

    def find(self, digest: bytes) -> ApiKey | None:
        """Give the key with that digest, whether it opens anything or not."""
        return self._first(ApiKeyTable.digest == digest)

    def list(self, *, after: Cursor | None, limit: int) -> list[ApiKey]:
        """Give at most `limit` keys behind `after` (create_time, api_key_id), oldest first."""
        order = (ApiKeyTable.create_time, ApiKeyTable.api_key_id)
        wanted = ApiKeyTable.select().order_by(*order).limit(limit)
        if after is not None:
            wanted = wanted.where(_behind(*after))
        return [_api_key(row) for row in wanted.dicts().execute(self._database)]

    def add(self, key: ApiKey) -> None:
        """Add a new key."""
        ApiKeyTable.insert(**_values(key)).execute(self._database)

    def put(self, key: ApiKey) -> None:
        """Put a key in the place of those that have its api_key_id or its digest."""
        is_same = (ApiKeyTable.api_key_id == key.api_key_id) | (ApiKeyTable.digest == key.digest)
        ApiKeyTable.delete().where(is_same).execute(self._database)
        self.add(key)

    def revoke(self, api_key_id: str, now: datetime) -> None:
        """Note when the key was revoked."""
        revoked = ApiKeyTable.update(revoke_time=now).where(ApiKeyTable.api_key_id == api_key_id)
        revoked.execute(self._database)

    def note_uses(self, uses: Mapping[str, datetime], now: datetime) -> None:
        """Note when keys were used last, no earlier time than before unless that lies ahead."""
        before = ApiKeyTable.last_use_time
        for api_key_id, used in uses.items():
            gives_way = before.is_null() | (before < used) | (before > now + CLOCKS_DIFFER)
            noted = ApiKeyTable.update(last_use_time=used)
            noted.where((ApiKeyTable.api_key_id == api_key_id) & gives_way).execute(self._database)

    def _first(self, condition: Any) -> ApiKey | None:
        row = ApiKeyTable.select().where(condition).dicts().execute(self._database)
        return next(map(_api_key, row), None)


def _behind(create_time: str | int, api_key_id: str | int) -> Any:
    is_level = (ApiKeyTable.create_time == create_time) & (ApiKeyTable.api_key_id > api_key_id)
    return (ApiKeyTable.create_time > create_time) | is_level


def _values(key: ApiKey) -> dict[str, Any]:
    role = "" if key.role is None else key.role
    return {name: getattr(key, name) for name in _PLAIN} | {
        "role": role,
        "rights": " ".join(right for right in Right if right in key.rights),
    }


def _api_key(row: dict[str, Any]) -> ApiKey:
    return ApiKey(
        **{name: row[name] for name in _PLAIN} | {"digest": bytes(row["digest"])},
        role=Role(row["role"]) if row["role"] else None,
        rights=frozenset(map(Right, row["rights"].split())),
    )

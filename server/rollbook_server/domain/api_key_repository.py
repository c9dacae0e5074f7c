"""What is stored of API keys, as a Protocol that a store fulfils; see `repositories`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from rollbook_server.domain.api_keys import ApiKey
    from rollbook_server.domain.pages import Cursor


class ApiKeys(Protocol):
    """The API keys, of whose values only digests are stored."""

    def get(self, api_key_id: str) -> ApiKey | None:
        """Give the key."""

    def find(self, digest: bytes) -> ApiKey | None:
        """Give the key with that digest, whether it opens anything or not."""

    def list(self, *, after: Cursor | None, limit: int) -> list[ApiKey]:
        """Give at most `limit` keys behind `after` (create_time, api_key_id), oldest first."""

    def add(self, key: ApiKey) -> None:
        """Add a new key."""

    def put(self, key: ApiKey) -> None:
        """Put a key in the place of those that have its api_key_id or its digest, if any."""

    def revoke(self, api_key_id: str, now: datetime) -> None:
        """Note when the key was revoked."""

    def note_uses(self, uses: Mapping[str, datetime], now: datetime) -> None:
        """Note when keys were used last, by api_key_id; no earlier time than before.

        But a time that lies ahead of now is of a clock that went wrong, and gives way.
        """

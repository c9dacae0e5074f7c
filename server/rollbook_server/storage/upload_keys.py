"""The integers under which other tables refer to uploads."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rollbook_server.storage.engine import RollDatabase

KEY = "SELECT id FROM uploads WHERE upload_id = ?"


def upload_key(database: RollDatabase, upload_id: str) -> int | None:
    """Give the key of an upload, or None if there is no such one."""
    found = database.execute_sql(KEY, (upload_id,)).fetchone()
    return found[0] if found else None

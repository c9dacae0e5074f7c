"""What a roll holds, counted: to tell one copy of it from another, and a whole from a torn one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollbook_server.domain import clock
from rollbook_server.storage.device_rows import STAYS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from rollbook_server.storage.engine import RollDatabase

_COUNTS = """
SELECT (SELECT count(*) FROM profiles),
    (SELECT coalesce(sum(pending_count + registered_count), 0) FROM profiles),
    (SELECT coalesce(sum(registered_count), 0) FROM profiles),
    (SELECT count(*) FROM tokens), (SELECT count(*) FROM api_keys), (SELECT count(*) FROM users),
    (SELECT count(*) FROM audit_events)
"""
_NEWEST = "SELECT event_time FROM audit_events ORDER BY sequence DESC LIMIT 1"
_WRONG_COUNTS = f"""
SELECT p.profile_id FROM profiles p LEFT JOIN (
    SELECT d.profile, count(*) AS devices, count(d.register_time) AS registered
    FROM devices d LEFT JOIN uploads u ON u.id = d.upload WHERE {STAYS} GROUP BY d.profile
) d ON d.profile = p.id
WHERE p.registered_count <> coalesce(d.registered, 0)
    OR p.pending_count <> coalesce(d.devices, 0) - coalesce(d.registered, 0)
ORDER BY p.profile_id
"""


@dataclass(frozen=True, slots=True)
class Contents:
    """How much of each; `newest_event_time` is None where nothing was ever told."""

    profile_count: int
    device_count: int
    registered_count: int
    token_count: int
    api_key_count: int
    user_count: int
    event_count: int
    newest_event_time: datetime | None


def look(database: RollDatabase) -> Contents:
    """Count what there is; the schema must be this program's."""
    counts = [int(each) for each in database.execute_sql(_COUNTS).fetchone()]
    profiles, devices, registered, tokens, keys, users, events = counts
    newest = newest_event_time(database)
    return Contents(profiles, devices, registered, tokens, keys, users, events, newest)


def newest_event_time(database: RollDatabase) -> datetime | None:
    """Give when the newest event was told."""
    found = database.execute_sql(_NEWEST).fetchone()
    return clock.instant(int(found[0])) if found else None


def wrong_counts(database: RollDatabase) -> Sequence[str]:
    """Name the profiles whose counts are not those of their devices; reads all devices."""
    return [profile_id for (profile_id,) in database.execute_sql(_WRONG_COUNTS).fetchall()]

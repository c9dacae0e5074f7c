"""The figures of the roll, counted where they are stored; see `domain.figures`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollbook_server.domain import clock
from rollbook_server.domain.devices import DeviceState
from rollbook_server.domain.figures import HORIZONS, Figures
from rollbook_server.domain.tokens import TokenState

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from typing import Any

    from rollbook_server.storage.engine import RollDatabase

# Profiles hold the counts of their devices.
_PROFILES = """
SELECT count(*), coalesce(sum(pending_count), 0), coalesce(sum(registered_count), 0) FROM profiles
"""
_OPEN_UPLOADS = "SELECT count(*) FROM uploads WHERE state = 'OPEN'"
_REVOKED = "t.revoke_time IS NOT NULL AND t.revoke_time <= ?"
_TOKENS = f"""
SELECT {"count(*) FILTER (WHERE active AND expire_time < ?), " * len(HORIZONS)}
    count(*) FILTER (WHERE active), count(*) FILTER (WHERE revoked),
    count(*) FILTER (WHERE NOT active AND NOT revoked),
    min(expire_time) FILTER (WHERE active)
FROM (
    SELECT t.expire_time, {_REVOKED} AS revoked, NOT ({_REVOKED}) AND t.expire_time > ? AS active
    FROM tokens t WHERE t.current
) told
"""
_KEYS = "SELECT min(expire_time) FROM api_keys WHERE revoke_time IS NULL AND expire_time > ?"


class StoredFigures:
    """The figures as one transaction sees them."""

    def __init__(self, database: RollDatabase) -> None:
        self._database = database

    def at(self, now: datetime) -> Figures:
        """Give the figures as of an instant."""
        instant = clock.microseconds(now)
        ahead = [clock.microseconds(now + horizon) for horizon in HORIZONS]
        profiles, pending, registered = self._row(_PROFILES)
        *expiring, active, revoked, expired, first = self._row(_TOKENS, (*ahead, *[instant] * 3))
        return Figures(
            profiles,
            {DeviceState.PENDING: int(pending), DeviceState.REGISTERED: int(registered)},
            self._row(_OPEN_UPLOADS)[0],
            dict(zip(_STATES, (active, revoked, expired), strict=True)),
            dict(zip(HORIZONS, expiring, strict=True)),
            _instant(first),
            _instant(self._row(_KEYS, (instant,))[0]),
        )

    def _row(self, sql: str, parameters: Sequence[Any] = ()) -> Sequence[Any]:
        row: Sequence[Any] = self._database.execute_sql(sql, parameters).fetchone()
        return row


_STATES = (TokenState.ACTIVE, TokenState.REVOKED, TokenState.EXPIRED)


def _instant(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else clock.instant(microseconds)

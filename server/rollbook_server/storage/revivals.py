"""Compares a backup with the database that it is to replace: what was voided since."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rollbook_server.domain import clock
from rollbook_server.domain.revivals import Revivals, RevivedKey, RevivedToken, RevivedUser
from rollbook_server.domain.tokens import AT_ONCE
from rollbook_server.storage.audit import StoredAudit
from rollbook_server.storage.counters import NEXT_DEVICE, next_number

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from rollbook_server.storage.engine import RollDatabase

_TOKENS = """
SELECT t.token_id, t.revoke_time, p.profile_id, p.name
FROM tokens t JOIN profiles p ON p.id = t.profile ORDER BY p.name, t.id
"""
_KEYS = "SELECT api_key_id, revoke_time, expire_time, display_name FROM api_keys ORDER BY id"
_USERS = "SELECT user_id, user_name, password_hash, disabled, revision FROM users ORDER BY name_key"
_DIGEST = "SELECT digest FROM audit_events WHERE sequence = ?"


def goes_on_from(database: RollDatabase, backup: RollDatabase) -> bool:
    """Tell whether a database is what became of a backup: its audit log goes on from there.

    Only then is what it lacks gone, and not of another roll.
    """
    newest = StoredAudit(backup).newest()
    if not newest.sequence:
        return True  # nothing was ever done, so there is nothing to void
    found = database.execute_sql(_DIGEST, (newest.sequence,)).fetchone()
    return found is not None and bytes(found[0]) == newest.digest


def find(database: RollDatabase, backup: RollDatabase, now: datetime) -> Revivals:
    """Find what works in a backup and no longer in the database that became of it."""
    instant = clock.microseconds(now)
    return Revivals(
        tokens=tuple(_tokens(database, backup, instant)),
        api_keys=tuple(_keys(database, backup, instant)),
        users=tuple(_users(database, backup)),
        next_device=next_number(database, NEXT_DEVICE),
    )


def _tokens(database: RollDatabase, backup: RollDatabase, now: int) -> Iterator[RevivedToken]:
    since = {token_id: end for token_id, end, *_ in _rows(database, _TOKENS)}
    at_once = clock.microseconds(AT_ONCE)
    for token_id, end, profile_id, name in _rows(backup, _TOKENS):
        void = since.get(token_id, at_once)
        # One that has expired works again once somebody extends it.
        if _lasts(end, now) and void is not None and void != end:
            yield RevivedToken(token_id, profile_id, name, clock.instant(void))


def _keys(database: RollDatabase, backup: RollDatabase, now: int) -> Iterator[RevivedKey]:
    valid = {key for key, revoked, *_ in _rows(database, _KEYS) if revoked is None}
    for key, revoked, expiry, name in _rows(backup, _KEYS):
        if _lasts(revoked, now) and _lasts(expiry, now) and key not in valid:
            yield RevivedKey(key, name)


def _users(database: RollDatabase, backup: RollDatabase) -> Iterator[RevivedUser]:
    since = {row[0]: row for row in _rows(database, _USERS)}
    for user_id, name, password, disabled, revision in _rows(backup, _USERS):
        if not password:
            continue
        gone = (user_id, name, password, True, revision + 1)
        _, _, later, disabled_since, revised = since.get(user_id, gone)
        # The old password of one who is disabled works again once somebody enables them.
        if revised > revision and (later != password or disabled_since > disabled):
            yield RevivedUser(user_id, name, later, disabled=bool(disabled_since or disabled))


def _lasts(end: int | None, now: int) -> bool:
    return end is None or end > now


def _rows(database: RollDatabase, sql: str) -> Any:
    return database.execute_sql(sql).fetchall()

"""Tokens in the database: digests and sealed values only."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Any

from peewee import fn

from rollbook_server.domain import clock
from rollbook_server.domain.tokens import Token
from rollbook_server.storage import counters
from rollbook_server.storage.tables import TokenTable, stored

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from rollbook_server.storage.engine import RollDatabase
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


_COUNT_USE = "UPDATE tokens SET use_count = use_count + ?, last_use_time = ? WHERE token_id = ?"
_OWNED = "SELECT t.*, p.profile_id FROM tokens t JOIN profiles p ON p.id = t.profile"
# Where there is none, the newest token is read in its place, and thrown away: else a token
# that was revoked or has expired would take 20 microseconds longer than one that never was.
_FIND = f"""
{_OWNED} WHERE t.id = coalesce(
    (SELECT id FROM tokens WHERE digest = ?), (SELECT max(id) FROM tokens)
)
"""
_SEALED_OTHERWISE = f"""
{_OWNED} WHERE t.token_id > ? AND substr(t.sealed_value, 1, ?) <> ? ORDER BY t.token_id LIMIT ?
"""
_OUTERMOST = f"""
{_OWNED} WHERE t.id IN (
    SELECT min(id) FROM tokens UNION SELECT max(id) FROM tokens
    UNION SELECT id FROM tokens WHERE token_id = (SELECT min(token_id) FROM tokens)
    UNION SELECT id FROM tokens WHERE token_id = (SELECT max(token_id) FROM tokens)
)
"""
_CURRENT = f"{_OWNED} WHERE p.profile_id = ? AND t.current"


class StoredTokens:
    """The tokens as one transaction sees them."""

    def __init__(self, database: RollDatabase, profiles: StoredProfiles) -> None:
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
        return self._first(_CURRENT, profile_id)

    def find(self, digest: bytes) -> Token | None:
        """Give the token with that digest, whatever its state; takes as long if there is none."""
        found = self._first(_FIND, digest)
        return found if found and hmac.compare_digest(found.digest, digest) else None

    def foresee(self, digests: Iterable[bytes]) -> None:
        """Be told which digests `find` is given next."""
        self._database.look_ahead((_FIND, (digest,)) for digest in digests)

    def count_use(self, token_id: str, now: datetime, count: int = 1) -> None:
        """Note that the token was used."""
        self._database.hand_over(_COUNT_USE, (count, clock.microseconds(now), token_id))

    def void(self, profile_id: str, instant: datetime) -> None:
        """Let no token of the profile work from that instant on; those that end earlier stay."""
        works_then = TokenTable.revoke_time.is_null() | (TokenTable.revoke_time > instant)
        TokenTable.update(revoke_time=instant).where(
            (TokenTable.profile == self._profiles.key(profile_id)) & works_then
        ).execute(self._database)
        counters.rise(self._database, counters.TOKEN_EPOCH)

    def void_all(self, instant: datetime) -> int:
        """Let no token at all work from that instant on; gives how many would have."""
        works_then = TokenTable.revoke_time.is_null() | (TokenTable.revoke_time > instant)
        query = TokenTable.update(revoke_time=instant).where(works_then)
        counters.rise(self._database, counters.TOKEN_EPOCH)
        return int(query.execute(self._database))

    def end(self, token_id: str, instant: datetime) -> None:
        """Let one token work no longer than to that instant."""
        query = TokenTable.update(revoke_time=instant)
        query.where(TokenTable.token_id == token_id).execute(self._database)
        counters.rise(self._database, counters.TOKEN_EPOCH)

    def sealing_mark(self, mark: int) -> int:
        """Give the mark of the key that all is sealed with; the first that was asked with."""
        return counters.first_kept(self._database, counters.SEALING_MARK, mark)

    def epoch(self) -> int:
        """Count how often tokens were voided or removed: an older database counts less."""
        return counters.next_number(self._database, counters.TOKEN_EPOCH)

    def sealed_otherwise(self, mark: bytes, *, after: str, limit: int) -> list[Token]:
        """Give at most `limit` tokens behind the id `after` whose sealed value begins otherwise."""
        wanted = (after, len(mark), mark, limit)
        rows = self._database.execute_sql(_SEALED_OTHERWISE, wanted).fetchall()
        return [_token(row) for row in rows]

    def outermost(self) -> list[Token]:
        """Give the first and the last one, by when they were made and by id, however many are."""
        return [_token(row) for row in self._database.execute_sql(_OUTERMOST).fetchall()]

    def count_sealed_otherwise(self, mark: bytes) -> int:
        """Give how many tokens have a sealed value that begins otherwise."""
        otherwise = fn.substr(TokenTable.sealed_value, 1, len(mark)) != mark
        return int(TokenTable.select().where(otherwise).count(self._database))

    def reseal(self, token_id: str, sealed_value: bytes) -> None:
        """Replace the sealed value."""
        query = TokenTable.update(sealed_value=sealed_value)
        query.where(TokenTable.token_id == token_id).execute(self._database)

    def extend(self, token_id: str, expire_time: datetime) -> None:
        """Set when the token expires."""
        TokenTable.update(expire_time=expire_time).where(TokenTable.token_id == token_id).execute(
            self._database
        )

    def exist(self) -> bool:
        """Tell whether there is any token."""
        return bool(TokenTable.select().exists(self._database))

    def _first(self, sql: str, parameter: object) -> Token | None:
        row = self._database.execute_sql(sql, (parameter,)).fetchone()
        return _token(row) if row else None


def _token(row: Sequence[Any]) -> Token:
    *columns, profile_id = row
    found = stored(TokenTable, columns)
    values = {name: found[name] for name in _FIELDS}
    values |= {name: bytes(found[name]) for name in ("digest", "sealed_value")}
    return Token(profile_id=profile_id, **values)

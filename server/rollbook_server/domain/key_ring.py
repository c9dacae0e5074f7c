"""Knows API keys by their values, as fast as every call needs it.

A key that was found once is remembered until any key is revoked, so that most calls
ask no database; but where other servers may revoke keys, every call asks. When it was
used last is remembered, too, and written once in a while: nobody waits for that.
"""

from __future__ import annotations

import hmac
import threading
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from rollbook_server.domain.api_keys import CLOCKS_DIFFER, digest_of
from rollbook_server.domain.errors import Reason, RollbookError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from rollbook_server.domain.api_keys import ApiKey
    from rollbook_server.domain.clock import Clock
    from rollbook_server.domain.ports import Store

WRITTEN_EVERY = timedelta(minutes=1)
"""What is stored of a key's last use lags behind by this at most, after a crash too."""


class KeyRing:
    """Checks the values of API keys. Thread-safe; `flush` it before its store is closed."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._lock = threading.Lock()
        self._known: dict[bytes, ApiKey] = {}
        self._forgotten = 0  # times
        self._uses: dict[str, datetime] = {}
        self._written: dict[str, datetime] = {}

    def check(self, value: str) -> ApiKey:
        """Give the key that has this value now, and note that it is used.

        Raises RollbookError with API_KEY_INVALID, API_KEY_EXPIRED or API_KEY_REVOKED, or
        what Store.read raises.
        """
        key, now = self._find(digest_of(value)), self._clock()
        if key is None:
            raise RollbookError(
                Reason.API_KEY_INVALID, "The API key is unknown; check it for missing characters."
            )
        _check_valid(key, now)
        self._note_use(key.api_key_id, now)
        return key

    def forget(self) -> None:
        """Ask the store for every key anew: one was revoked, and that is committed."""
        with self._lock:
            self._forgotten += 1
            self._known.clear()

    def freshened(self, key: ApiKey) -> ApiKey:
        """Give a stored key with its last use as it is known here."""
        used, stored = self._uses.get(key.api_key_id), key.last_use_time
        if used is None or (stored and used <= stored <= self._clock() + CLOCKS_DIFFER):
            return key
        return replace(key, last_use_time=used)

    def flush(self) -> None:
        """Write all that is known of last uses, unless the store cannot."""
        with self._lock:
            uses = dict(self._uses)
        if uses:
            with suppress(RollbookError):
                self._store.write(lambda roll: roll.api_keys.note_uses(uses, self._clock()))

    def _find(self, digest: bytes) -> ApiKey | None:
        key = self._known.get(digest)
        if key is not None:
            return key
        forgotten = self._forgotten
        key = self._store.read(lambda roll: roll.api_keys.find(digest))
        if key is None or not hmac.compare_digest(key.digest, digest):
            return None
        if self._store.has_other_servers:  # one of them may revoke it, and could not tell us
            return key
        with self._lock:
            if forgotten == self._forgotten:  # else it may have been revoked since it was read
                self._known[digest] = key
        return key

    def _note_use(self, api_key_id: str, now: datetime) -> None:
        with self._lock:
            self._uses[api_key_id] = now
            written = self._written.get(api_key_id)
            # The clock may have been set back, too.
            is_due = written is None or abs(now - written) >= WRITTEN_EVERY
            if is_due:
                self._written[api_key_id] = now
        if is_due:
            self._write({api_key_id: now}, now)

    def _write(self, uses: Mapping[str, datetime], now: datetime) -> None:
        with suppress(RollbookError):  # the server is stopping; `flush` comes
            self._store.submit(lambda roll: roll.api_keys.note_uses(uses, now))


def _check_valid(key: ApiKey, now: datetime) -> None:
    if key.revoke_time is not None:
        raise RollbookError(
            Reason.API_KEY_REVOKED,
            f"The API key {key.api_key_id} was revoked; call with another one.",
            api_key_id=key.api_key_id,
        )
    if key.expire_time is not None and now >= key.expire_time:
        raise RollbookError(
            Reason.API_KEY_EXPIRED,
            f"The API key {key.api_key_id} expired; call with another one.",
            api_key_id=key.api_key_id,
            expire_time=key.expire_time.isoformat(),
        )

"""Hashes passwords with Argon2id, a few at a time.

Each hashing takes tens of milliseconds of a core and 19 MiB, so strangers who sign
in could keep the server busy: two run at once, a few more sign-ins wait, the rest
are sent away. This module knows neither users nor storage.
"""

from __future__ import annotations

import logging
import secrets
import threading
from functools import cache

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from rollbook_server.domain.errors import Reason, RollbookError

_log = logging.getLogger(__name__)

AT_ONCE = 2  # 38 MiB
SIGN_INS_WAITING = 8  # each holds a thread that serves calls; half a second of waiting
RETRY_SECONDS = 1

# OWASP's Password Storage Cheat Sheet, the first it names; the memory is in KiB.
_ARGON2 = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1, type=Type.ID)


class Argon2Passwords:
    """A `domain.ports.PasswordHasher`."""

    def __init__(self) -> None:
        self._running = threading.BoundedSemaphore(AT_ONCE)
        self._sign_ins = threading.BoundedSemaphore(AT_ONCE + SIGN_INS_WAITING)
        self._nobodys = _nobodys()  # now, so that the first sign-in does not take longer

    def hash(self, password: str) -> str:
        """Give Argon2's encoded form; waits for its turn."""
        with self._running:
            return _ARGON2.hash(password.encode())

    def verify(self, password: str, password_hash: str) -> bool:
        """Tell whether the password fits; an empty or damaged hash takes as long and fits none.

        Waits for its turn; raises RollbookError with TOO_MANY_SIGN_INS if too many wait.
        """
        if not self._sign_ins.acquire(blocking=False):
            raise RollbookError(
                Reason.TOO_MANY_SIGN_INS,
                "More people sign in than this server can check at once; try again.",
            ).retry_after(RETRY_SECONDS)
        try:
            with self._running:
                return _fits(password, password_hash or self._nobodys) and bool(password_hash)
        finally:
            self._sign_ins.release()

    def is_outdated(self, password_hash: str) -> bool:
        """Tell whether the hash was made with other parameters than `hash` takes."""
        return _ARGON2.check_needs_rehash(password_hash)


@cache
def _nobodys() -> str:
    """Give what a user without a password is verified against, so that it takes as long."""
    return _ARGON2.hash(secrets.token_bytes(32))


def _fits(password: str, password_hash: str) -> bool:
    try:
        return _ARGON2.verify(password_hash, password.encode())
    except VerifyMismatchError:
        return False
    except (VerificationError, InvalidHashError, UnicodeError) as error:
        _log.warning(
            "the stored hash of a password is damaged (%s): its user cannot sign in before the "
            "password is set anew with `rollbook user edit --password`",
            error,
        )
        _fits(password, _nobodys())  # so that it takes as long
        return False

"""The administrator key: made at the first start, kept in a file, never stored elsewhere."""

from __future__ import annotations

import hmac
import secrets
from hashlib import sha256
from typing import TYPE_CHECKING

from rollbook_server.key_files import KeyFileError, read_or_create

if TYPE_CHECKING:
    from pathlib import Path

_PREFIX = "rbk_"  # so that secret scanners and people know one when they see it
_BYTES = 32
_SHORTEST = 32  # characters of a key that an operator may have put there instead


class AdminKey:
    """Knows the key by its digest alone."""

    def __init__(self, value: str) -> None:
        self._digest = _digest(value)

    def matches(self, value: str) -> bool:
        """Tell whether it is the key, in a time that tells nothing."""
        return hmac.compare_digest(self._digest, _digest(value))


def load_or_create(path: Path) -> AdminKey:
    """Read the key of this data directory, or make one with mode 0600.

    Raises KeyFileError, also for a file that holds none: an empty key would let in
    anyone.
    """
    content = read_or_create(path, lambda: _PREFIX + secrets.token_urlsafe(_BYTES) + "\n")
    key = content.decode("ascii", errors="replace").strip()
    if len(key) < _SHORTEST or not key.isascii() or not key.isprintable():
        raise KeyFileError(
            f"The administrator key in {path} is damaged or shorter than {_SHORTEST} characters; "
            "remove the file, and the next start makes a new one."
        )
    return AdminKey(key)


def _digest(value: str) -> bytes:
    return sha256(value.encode()).digest()

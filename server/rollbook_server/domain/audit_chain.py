"""How audit events hang together, so that it shows what is done to them.

The rule is in the contract, `audit_service.proto`: anyone can compute the digests anew
from the events. Beside each the server keeps a seal, which takes the key file.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

GENESIS = bytes(32)
"""What stands where the first event would have the digest before it."""

SEAL_BYTES = 16  # of the HMAC: nobody can try 2^128 of them

json_text = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode
"""Gives JSON as RFC 8785 has it, for what is hashed: texts, and numbers below 2^53."""


class Link(NamedTuple):
    """An event as it is hashed: as the database holds it, which may not be as it was written."""

    sequence: int
    microseconds: int
    action: str
    actor: str
    source: str
    profile_id: str
    device_id: str
    resource_id: str
    reason: str
    details: str

    def digest(self, before: bytes) -> bytes:
        """Give the digest of the event behind the one with the digest `before`."""
        content = f"{json_text(self[:-1])[:-1]},{self.details}]"
        return hashlib.sha256(before + content.encode()).digest()


class End(NamedTuple):
    """The newest event, by sequence and digest; before the first event 0 and GENESIS."""

    sequence: int = 0
    digest: bytes = GENESIS


BEGINNING = End()


class NewestSeen:
    """The newest event that a server wrote or saw, for as long as it runs: an anchor of its own.

    Once the log ends before it, or has another event in its place, it stays what it is: that log
    is another one. One thread alone may say what it saw.
    """

    def __init__(self) -> None:
        self.end, self._is_gone = BEGINNING, False

    def begin(self, end: End) -> None:
        """Remember the end of a log to which nothing was written yet."""
        if not self.end.sequence:
            self.end = end

    def saw(self, end: End) -> None:
        """Remember the end of the log, as it was found or written."""
        is_later = end.sequence > self.end.sequence
        self._is_gone |= not is_later and end != self.end
        if is_later and not self._is_gone:
            self.end = end


class Seals:
    """Makes what nobody can make who has the database alone.

    `keyed` gives a keyed digest of a text. No token value has a colon, so none is ever
    sealed alike.
    """

    def __init__(self, keyed: Callable[[str], bytes]) -> None:
        self._keyed = keyed

    def of_event(self, digest: bytes) -> bytes:
        """Give the seal of the event with that digest."""
        return self._keyed(f"audit event:{digest.hex()}")[:SEAL_BYTES]

    def of_end(self, end: End) -> bytes:
        """Give the seal of the end of the log."""
        return self._keyed(f"audit end:{end.sequence}:{end.digest.hex()}")[:SEAL_BYTES]

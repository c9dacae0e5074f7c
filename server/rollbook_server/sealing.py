"""Keeps token values and answers unreadable at rest: sealed to be shown again, and digested.

A sealed value is one format byte, 4 bytes of key id, 12 bytes of nonce, then
ciphertext and tag of AES-256-GCM. This module knows neither tokens nor storage, nor
where the keys are kept; that is `sealing_file`.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from typing import TYPE_CHECKING, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from rollbook_server.domain.errors import Reason, RollbookError

if TYPE_CHECKING:
    from collections.abc import Mapping

_FORMAT = 1
KEY_BYTES = 32  # AES-256, and as much for the HMAC
KEY_ID_BYTES = 4
_NONCE_BYTES = 12  # random: 2^32 values a key stay safe (NIST SP 800-38D, 8.3)
_TAG_BYTES = 16
_HEAD_BYTES = 1 + KEY_ID_BYTES + _NONCE_BYTES
# What is sealed, so that none can stand in the place of another.
_TOKEN, _ANSWER = "rollbook token value", "rollbook answer"


class _SealError(Exception):
    """What is sealed cannot be opened; the text says why, `key_id` which key is missing."""

    def __init__(self, why: str, key_id: str = "") -> None:
        super().__init__(why)
        self.key_id = key_id


class _Ring(NamedTuple):
    """The keys, and which of them seals; replaced as a whole."""

    ciphers: Mapping[bytes, AESGCM]
    newest: bytes


class Sealer:
    """Seals, unseals and digests; safe to share between threads.

    The last of `sealing_keys` seals; all of them unseal, so that a new key can be
    put to use while values under the old one still exist. Once a new one was put to
    use, the older ones unseal until the process ends: a reader may hold a value that
    was sealed anew behind its back.
    """

    def __init__(self, lookup_key: bytes, sealing_keys: Mapping[bytes, bytes]) -> None:
        self._lookup_key = lookup_key
        ciphers = {key_id: AESGCM(key) for key_id, key in sealing_keys.items()}
        self._ring = _Ring(ciphers, next(reversed(ciphers)))

    @property
    def mark(self) -> bytes:
        """With what everything begins that is sealed now, and nothing sealed before."""
        return bytes([_FORMAT]) + self._ring.newest

    def put_to_use(self, key_id: bytes, key: bytes) -> None:
        """Seal with a new key from now on."""
        self._ring = _Ring({**self._ring.ciphers, key_id: AESGCM(key)}, key_id)

    def digest(self, value: str) -> bytes:
        """Give the HMAC-SHA-256 by which a value is looked up; equal for equal values."""
        return hmac.digest(self._lookup_key, value.encode(), hashlib.sha256)

    def seal(self, value: str, *, token_id: str, profile_id: str) -> bytes:
        """Encrypt a value so that it opens for this token of this profile only."""
        return self._sealed(value.encode(), _TOKEN, token_id, profile_id)

    def unseal(self, sealed: bytes, *, token_id: str, profile_id: str) -> str:
        """Give the value back.

        Raises RollbookError with TOKEN_UNREADABLE if the key is not in the file, or
        if these bytes were not sealed for this token and profile.
        """
        try:
            return self._opened(sealed, _TOKEN, token_id, profile_id).decode()
        except _SealError as error:
            raise RollbookError(
                Reason.TOKEN_UNREADABLE,
                f"The stored token {error}. Put the key back into the key file from its backup, "
                "or refresh the token to make a new one.",
                **({"key_id": error.key_id} if error.key_id else {}),
            ) from None

    def seal_answer(self, answer: bytes, *, request_id: str, digest: bytes) -> bytes:
        """Encrypt an answer so that it opens for this request only."""
        return self._sealed(answer, _ANSWER, request_id, digest.hex())

    def unseal_answer(self, sealed: bytes, *, request_id: str, digest: bytes) -> bytes:
        """Give the answer back, or raise RollbookError with ANSWER_UNREADABLE as `unseal` does."""
        try:
            return self._opened(sealed, _ANSWER, request_id, digest.hex())
        except _SealError as error:
            raise RollbookError(
                Reason.ANSWER_UNREADABLE,
                f"The request was done before, but its stored answer {error}. Put the key back "
                "into the key file from its backup, or read what the request was about.",
            ) from None

    def _sealed(self, plain: bytes, *bound_to: str) -> bytes:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        ciphers, newest = self._ring
        ciphertext = ciphers[newest].encrypt(nonce, plain, _told(newest, *bound_to))
        return bytes([_FORMAT]) + newest + nonce + ciphertext

    def _opened(self, sealed: bytes, *bound_to: str) -> bytes:
        key_id, nonce = sealed[1 : 1 + KEY_ID_BYTES], sealed[1 + KEY_ID_BYTES : _HEAD_BYTES]
        if sealed[:1] != bytes([_FORMAT]) or len(sealed) < _HEAD_BYTES + _TAG_BYTES:
            raise _SealError("is damaged or was sealed by a later version of Rollbook")
        ciphers = self._ring.ciphers
        if key_id not in ciphers:
            told = key_id.hex()
            raise _SealError(f"was sealed with key {told}, which the key file lacks", told)
        try:
            return ciphers[key_id].decrypt(nonce, sealed[_HEAD_BYTES:], _told(key_id, *bound_to))
        except InvalidTag:
            raise _SealError("is damaged or was moved here from another one") from None


def _told(key_id: bytes, kind: str, *ids: str) -> bytes:
    # A JSON list cannot be read in two ways, whatever characters the ids hold.
    return json.dumps([kind, _FORMAT, key_id.hex(), *ids]).encode()

"""Keeps token values and answers unreadable at rest: sealed to be shown again, and digested.

The keys live in one file outside the database, so that a thief of the database,
of a backup or of a replica has none of them. The file is JSON; sealing keys stand in
it from the oldest to the newest:

    {"format": 1, "lookup_key": BASE64, "sealing_keys": [{"key_id": HEX, "key": BASE64}]}

A sealed value is one format byte, 4 bytes of key id, 12 bytes of nonce, then
ciphertext and tag of AES-256-GCM. This module knows neither tokens nor storage.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from rollbook_server.domain.errors import Reason, RollbookError
from rollbook_server.key_files import KeyFileError, read_or_create

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_FORMAT = 1
_KEY_BYTES = 32  # AES-256, and as much for the HMAC
_KEY_ID_BYTES = 4
_NONCE_BYTES = 12  # random: 2^32 values a key stay safe (NIST SP 800-38D, 8.3)
_TAG_BYTES = 16
_HEAD_BYTES = 1 + _KEY_ID_BYTES + _NONCE_BYTES
# What is sealed, so that none can stand in the place of another.
_TOKEN, _ANSWER = "rollbook token value", "rollbook answer"


class _SealError(Exception):
    """What is sealed cannot be opened; the text says why, `key_id` which key is missing."""

    def __init__(self, why: str, key_id: str = "") -> None:
        super().__init__(why)
        self.key_id = key_id


class Sealer:
    """Seals, unseals and digests; safe to share between threads.

    The last of `sealing_keys` seals; all of them unseal, so that a new key can be
    put to use while values under the old one still exist.
    """

    def __init__(self, lookup_key: bytes, sealing_keys: Mapping[bytes, bytes]) -> None:
        self._lookup_key = lookup_key
        self._ciphers = {key_id: AESGCM(key) for key_id, key in sealing_keys.items()}
        self._newest = next(reversed(self._ciphers))

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
        cipher = self._ciphers[self._newest]
        ciphertext = cipher.encrypt(nonce, plain, _told(self._newest, *bound_to))
        return bytes([_FORMAT]) + self._newest + nonce + ciphertext

    def _opened(self, sealed: bytes, *bound_to: str) -> bytes:
        key_id, nonce = sealed[1 : 1 + _KEY_ID_BYTES], sealed[1 + _KEY_ID_BYTES : _HEAD_BYTES]
        if sealed[:1] != bytes([_FORMAT]) or len(sealed) < _HEAD_BYTES + _TAG_BYTES:
            raise _SealError("is damaged or was sealed by a later version of Rollbook")
        if key_id not in self._ciphers:
            told = key_id.hex()
            raise _SealError(f"was sealed with key {told}, which the key file lacks", told)
        try:
            return self._ciphers[key_id].decrypt(
                nonce, sealed[_HEAD_BYTES:], _told(key_id, *bound_to)
            )
        except InvalidTag:
            raise _SealError("is damaged or was moved here from another one") from None


def _told(key_id: bytes, kind: str, *ids: str) -> bytes:
    # A JSON list cannot be read in two ways, whatever characters the ids hold.
    return json.dumps([kind, _FORMAT, key_id.hex(), *ids]).encode()


def load_or_create(path: Path, *, must_exist: bool = False) -> Sealer:
    """Read the key file, or make one with new keys on the first start.

    `must_exist` says that something was sealed before: a new key would not fit
    it, so a missing file is refused. Raises KeyFileError.
    """

    def new_content() -> str:
        if must_exist:
            raise KeyFileError(_missing(path))
        return _new_document()

    content = read_or_create(path, new_content)
    try:
        return _parsed(json.loads(content))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        # Without the cause: its text would show parts of the file.
        raise KeyFileError(
            f"The key file {path} is damaged or of a later version of Rollbook. Put it back "
            "from its backup; a new one would not open the tokens there are."
        ) from None


def _missing(path: Path) -> str:
    return (
        f"The key file {path} is missing, and the database holds tokens or an audit log that "
        "cannot be looked up, shown or checked without it. Put it back from its backup, or "
        "name its place with --sealing-key-file or ROLLBOOK_SEALING_KEY_FILE."
    )


def _parsed(document: Mapping[str, object]) -> Sealer:
    listed = document["sealing_keys"]
    if document["format"] != _FORMAT or not isinstance(listed, list) or not listed:
        raise ValueError("not a key file")
    keys = {_key_id(each["key_id"]): _key(each["key"]) for each in listed}
    if len(keys) != len(listed):
        raise ValueError("two keys have the same id")
    return Sealer(_key(document["lookup_key"]), keys)


def _key(text: object) -> bytes:
    key = base64.b64decode(str(text), validate=True)
    if len(key) != _KEY_BYTES:
        raise binascii.Error("a key of another length")
    return key


def _key_id(text: object) -> bytes:
    key_id = bytes.fromhex(str(text))
    if len(key_id) != _KEY_ID_BYTES:
        raise ValueError("a key id of another length")
    return key_id


def _new_document() -> str:
    def key() -> str:
        return base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()

    sealing_key = {"key_id": secrets.token_hex(_KEY_ID_BYTES), "key": key()}
    document = {"format": _FORMAT, "lookup_key": key(), "sealing_keys": [sealing_key]}
    return json.dumps(document, indent=2) + "\n"

"""Where the sealing keys are kept: a file outside the database, or the environment.

So a thief of the database, of a backup or of a replica has none of them. The document
is JSON; sealing keys stand in it from the oldest to the newest:

    {"format": 1, "lookup_key": BASE64, "sealing_keys": [{"key_id": HEX, "key": BASE64}]}

A key that is `"retiring": true` besides goes from the file once nothing is sealed with it
any more. The lookup key stays for ever: it reveals nothing of a token, which is random,
but lets one be found.
"""

from __future__ import annotations

import base64
import binascii
import json
import secrets
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from rollbook_server import key_files
from rollbook_server.key_files import KeyFileError
from rollbook_server.sealing import KEY_BYTES, KEY_ID_BYTES, Sealer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class SealingKey:
    """One key, named by its id in all that it seals."""

    key_id: bytes
    key: bytes = field(repr=False)
    retiring: bool = False


@dataclass(frozen=True, slots=True)
class KeyDocument:
    """The keys as they are kept, the newest last."""

    lookup_key: bytes = field(repr=False)
    keys: tuple[SealingKey, ...]

    def sealer(self) -> Sealer:
        """Give what seals with these keys."""
        return Sealer(self.lookup_key, {each.key_id: each.key for each in self.keys})

    def rotated(self) -> KeyDocument:
        """Give the same with a new key, for which all others retire."""
        old = tuple(replace(each, retiring=True) for each in self.keys)
        return KeyDocument(self.lookup_key, (*old, _new_key()))

    def rid_of_retiring(self) -> KeyDocument:
        """Give the same without the keys that retire."""
        return replace(self, keys=tuple(each for each in self.keys if not each.retiring))

    def text(self) -> str:
        """Give what is kept."""
        keys = [_told(each) for each in self.keys]
        document = {"format": _FORMAT, "lookup_key": _base64(self.lookup_key)}
        return json.dumps({**document, "sealing_keys": keys}, indent=2) + "\n"


def load_or_create(path: Path, *, must_exist: bool = False) -> KeyDocument:
    """Read the key file, or make one with new keys on the first start.

    `must_exist` says that tokens were sealed before: a new key would not open
    them, so a missing file is refused. Raises KeyFileError.
    """

    def new_content() -> str:
        if must_exist:
            raise KeyFileError(_missing(path))
        return KeyDocument(secrets.token_bytes(KEY_BYTES), (_new_key(),)).text()

    content = key_files.read_or_create(path, new_content)
    return _parsed(content, f"The key file {path}")


def from_environment(text: str) -> KeyDocument:
    """Read what ROLLBOOK_SEALING_KEY holds; raises KeyFileError."""
    return _parsed(text.encode(), "ROLLBOOK_SEALING_KEY")


def existing(path: Path, environment: str) -> KeyDocument:
    """Read the keys that the environment holds, or else the file; makes none.

    Raises KeyFileError.
    """
    if environment:
        return from_environment(environment)
    return load_or_create(path, must_exist=True)


def _missing(path: Path) -> str:
    return (
        f"The key file {path} is missing, and the database holds tokens or an audit log that "
        "cannot be looked up, shown or checked without it. Put it back from its backup, or "
        "name its place with --sealing-key-file or ROLLBOOK_SEALING_KEY_FILE."
    )


def _parsed(content: bytes, place: str) -> KeyDocument:
    try:
        return _document(json.loads(content))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        # Without the cause: its text would show parts of the keys.
        raise KeyFileError(
            f"{place} is damaged or of a later version of Rollbook. Put it back "
            "from its backup; a new one would not open the tokens there are."
        ) from None


def _document(document: Mapping[str, object]) -> KeyDocument:
    listed = document["sealing_keys"]
    if document["format"] != _FORMAT or not isinstance(listed, list) or not listed:
        raise ValueError("not a key file")
    keys = tuple(_sealing_key(each) for each in listed)
    if len({each.key_id for each in keys}) != len(keys) or keys[-1].retiring:
        raise ValueError("two keys have the same id, or none stays")
    return KeyDocument(_key(document["lookup_key"]), keys)


def _sealing_key(listed: Mapping[str, Any]) -> SealingKey:
    retiring = listed.get("retiring", False) is True
    return SealingKey(_key_id(listed["key_id"]), _key(listed["key"]), retiring)


def _key(text: object) -> bytes:
    key = base64.b64decode(str(text), validate=True)
    if len(key) != KEY_BYTES:
        raise binascii.Error("a key of another length")
    return key


def _key_id(text: object) -> bytes:
    key_id = bytes.fromhex(str(text))
    if len(key_id) != KEY_ID_BYTES:
        raise ValueError("a key id of another length")
    return key_id


def _new_key() -> SealingKey:
    return SealingKey(secrets.token_bytes(KEY_ID_BYTES), secrets.token_bytes(KEY_BYTES))


def _told(key: SealingKey) -> dict[str, object]:
    told: dict[str, object] = {"key_id": key.key_id.hex(), "key": _base64(key.key)}
    return {**told, "retiring": True} if key.retiring else told


def _base64(key: bytes) -> str:
    return base64.b64encode(key).decode()

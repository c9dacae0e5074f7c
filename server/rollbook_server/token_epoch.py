"""Notices that an older database was put back, in which revoked tokens work again.

The database counts how often tokens were voided, and so does a file beside it. Where the
database has counted less, it is older than the file. Who puts back the file with it does
not get round this: the file knows the database by the number that the file
system, or PostgreSQL, gave it.
"""

from __future__ import annotations

import json
import logging
import threading
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from rollbook_server import key_files
from rollbook_server.key_files import KeyFileError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rollbook_server.domain.ports import Store

_log = logging.getLogger(__name__)

_WARNING = (
    "THE DATABASE MAY BE AN OLDER ONE THAT WAS PUT BACK: it counts %d revocations and refreshes "
    "of tokens, %s counts %d%s. Tokens that were revoked since then work again. Void them all "
    "with `rollbook token revoke-all`, then refresh each. If you know that none was revoked or "
    "refreshed since then, remove %s and start the server again. API keys and passwords that "
    "were voided since then work again as well: see `rollbook key list` and `rollbook user list`."
)


@dataclass(frozen=True, slots=True)
class _Note:
    """What the file says; `doubted` since an older database was seen, until all is revoked."""

    epoch: int
    inode: int
    doubted: bool = False


def note_restore(path: Path, epoch: int, identity: int, *, is_certain: bool) -> None:
    """Note that an older database was put back on purpose, for the next start of the server.

    `is_certain` says that nothing in it works that was voided since; else that start warns, and
    each one after it, as if the database had been put back by hand. Raises KeyFileError.
    """
    before = read_note(path)
    note = _Note(epoch, identity)
    if not is_certain:
        note = _Note(max(epoch, before.epoch if before else 0), identity, doubted=True)
    key_files.replace(path, json.dumps(asdict(note)) + "\n")


def read_note(path: Path) -> _Note | None:
    """Give the note; None if there is none. One that cannot be read gives rise to doubt."""
    try:
        found = json.loads(path.read_bytes())
        return _Note(int(found["epoch"]), int(found["inode"]), bool(found["doubted"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError):
        return _Note(0, 0, doubted=True)


class TokenEpoch:
    """Keeps the file; its methods may be called from any thread."""

    def __init__(self, path: Path, identity: Callable[[], int], store: Store) -> None:
        self._path, self._identity, self._store = path, identity, store
        self._lock = threading.Lock()
        self._note = self._fresh()

    def check(self, *, any_tokens: bool) -> None:
        """Warn in the log if the database is older than the file, at every start until cured."""
        noted, found = read_note(self._path), self._fresh()
        if noted is None or not any_tokens:
            self._keep(found)
            return
        moved = noted.inode != found.inode
        doubted = noted.doubted or moved or found.epoch < noted.epoch
        if doubted:
            why = ", and it is another file than before" if moved else ""
            _log.warning(_WARNING, found.epoch, self._path, noted.epoch, why, self._path)
        self._keep(_Note(max(noted.epoch, found.epoch), found.inode, doubted))

    def voided(self) -> None:
        """Note that tokens were voided, before anybody is told so.

        In the file's own words, for another process of this server may have settled the doubt.
        """
        with self._lock:
            noted, found = read_note(self._path), self._fresh()
            if noted is None or noted.epoch < found.epoch:
                self._keep(replace(noted or found, epoch=found.epoch))

    def settle(self) -> None:
        """Note that every token was voided: no older one works any more."""
        with self._lock:
            self._keep(self._fresh())

    def _fresh(self) -> _Note:
        epoch = self._store.read(lambda roll: roll.tokens.epoch())
        return _Note(epoch, self._identity())

    def _keep(self, note: _Note) -> None:
        """Write the note; if the disk is full, the next one does it."""
        try:
            key_files.replace(self._path, json.dumps(asdict(note)) + "\n")
            self._note = note
        except KeyFileError as error:
            _log.warning("the count of revoked tokens was not kept: %s", error)

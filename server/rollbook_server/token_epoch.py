"""Notices that an older database was put back, in which revoked tokens work again.

The database counts how often tokens were voided, and so does a file beside it. Where the
database has counted less, it is older than the file. So it is where its audit log ends before
an event that the file knows of: revoked API keys and replaced passwords work again then, though
no token does if it counts as many. Who puts back the file with it does
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
_AUDIT_WARNING = (
    "THE DATABASE MAY BE AN OLDER ONE THAT WAS PUT BACK: it counts as many revocations of tokens "
    "as %s, but its audit log ended before an event that this file knows of. API keys that were "
    "revoked and passwords that were changed since then work again. Revoke those keys "
    "(`rollbook key list`, `rollbook key revoke`), and disable those users or give them other "
    "passwords (`rollbook user list`, `rollbook user edit`); then remove %s and start the server "
    "again."
)


@dataclass(frozen=True, slots=True)
class Note:
    """What the file says; `doubted` since an older database was seen, until all is revoked.

    `audit_sequence` is that of the newest event, 0 in files of servers that noted none;
    `audit_doubted` since the log of the database was seen to end before it.
    """

    epoch: int
    inode: int
    doubted: bool = False
    audit_sequence: int = 0
    audit_doubted: bool = False

    def later(self, other: Note) -> Note:
        """Give the same with the greater counts of the two."""
        counts = (max(self.epoch, other.epoch), max(self.audit_sequence, other.audit_sequence))
        return replace(self, epoch=counts[0], audit_sequence=counts[1])


def fresh_note(store: Store, identity: int) -> Note:
    """Give what a database counts now."""
    epoch, newest = store.read(lambda roll: (roll.tokens.epoch(), roll.audit.newest()))
    return Note(epoch, identity, audit_sequence=newest.sequence)


def note_restore(path: Path, note: Note) -> None:
    """Note that an older database was put back on purpose, for the next start of the server.

    If the note is `doubted`, that start warns, and each one after it, as if the database had been
    put back by hand. Raises KeyFileError.
    """
    before = read_note(path)
    if note.doubted and before:
        note = replace(note, epoch=max(note.epoch, before.epoch))
    key_files.replace(path, json.dumps(asdict(note)) + "\n")


def read_note(path: Path) -> Note | None:
    """Give the note; None if there is none. One that cannot be read gives rise to doubt."""
    try:
        found = json.loads(path.read_bytes())
        told = (int(found["epoch"]), int(found["inode"]), bool(found["doubted"]))
        audit = (int(found.get("audit_sequence", 0)), bool(found.get("audit_doubted")))
        return Note(*told, *audit)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError):
        return Note(0, 0, doubted=True)


class TokenEpoch:
    """Keeps the file; its methods may be called from any thread."""

    def __init__(self, path: Path, identity: Callable[[], int], store: Store) -> None:
        self._path, self._identity, self._store = path, identity, store
        self._lock = threading.Lock()

    def check(self, *, holds_secrets: bool) -> None:
        """Warn in the log if the database is older than the file, at every start until cured.

        Without tokens, users and API keys there is nothing to warn of.
        """
        noted, found = read_note(self._path), self._fresh()
        if noted is None or not holds_secrets:
            self._keep(found)
            return
        moved = noted.inode != found.inode
        doubted = noted.doubted or moved or found.epoch < noted.epoch
        audit_doubted = noted.audit_doubted or found.audit_sequence < noted.audit_sequence
        if doubted:
            why = ", and it is another file than before" if moved else ""
            _log.warning(_WARNING, found.epoch, self._path, noted.epoch, why, self._path)
        elif audit_doubted:
            _log.warning(_AUDIT_WARNING, self._path, self._path)
        self._keep(replace(found.later(noted), doubted=doubted, audit_doubted=audit_doubted))

    def voided(self) -> None:
        """Note that tokens, keys or passwords were voided, before anybody is told so."""
        self._raise_to(self._fresh())

    def reached(self, sequence: int) -> None:
        """Note an event of the audit log, when the server ends."""
        noted = read_note(self._path)
        if noted is not None:  # who removes the file wants no doubt
            self._raise_to(replace(noted, audit_sequence=sequence))

    def _raise_to(self, found: Note) -> None:
        """Note greater counts.

        In the file's own words, for another process of this server may have settled the doubt.
        """
        with self._lock:
            noted = read_note(self._path)
            note = (noted or found).later(found)
            if note != noted:
                self._keep(note)

    def settle(self) -> None:
        """Note that every token was voided: no older one works any more."""
        with self._lock:
            self._keep(self._fresh())

    def _fresh(self) -> Note:
        return fresh_note(self._store, self._identity())

    def _keep(self, note: Note) -> None:
        """Write the note; if the disk is full, the next one does it."""
        try:
            key_files.replace(self._path, json.dumps(asdict(note)) + "\n")
        except KeyFileError as error:
            _log.warning("the count of revoked tokens was not kept: %s", error)

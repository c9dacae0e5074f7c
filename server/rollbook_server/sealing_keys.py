"""The sealing keys in use, and how a new one takes over while the server serves.

The new key goes into the file first, beside the old ones, then seals, then everything is
sealed anew with it, then the old ones go from the file. Whenever the server is killed, all
keys that anything is sealed with are in the file, and the next start goes on.
"""

from __future__ import annotations

import logging
import threading
from functools import partial
from typing import TYPE_CHECKING

from rollbook_server import key_files, sealing_file
from rollbook_server.domain import audit, resealing
from rollbook_server.domain.audit import Action, Subject
from rollbook_server.domain.errors import FieldsError, Reason, RollbookError
from rollbook_server.key_files import KeyFileError
from rollbook_server.rotations import Past, Rotation

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from rollbook_server.domain.ports import Roll, Sealer, Store
    from rollbook_server.sealing_file import KeyDocument, SealingKey

_log = logging.getLogger(__name__)


class SealingKeys:
    """What seals, and where its keys are; `path` is None if they are from the environment."""

    def __init__(self, document: KeyDocument, path: Path | None, store: Store) -> None:
        self._document, self._path, self._store = document, path, store
        self._rotating = threading.Lock()
        self._rotations: dict[str, Rotation] = {}  # of this server, by the keys that they made
        self.sealer = document.sealer()

    def check_shared(self) -> None:
        """See to it that all servers of a database look up and seal with the same keys.

        Raises KeyFileError if this one has others.
        """
        mark = sealing_mark(self.sealer)
        if self._store.has_other_servers and mark != self._store.write(
            lambda roll: roll.tokens.sealing_mark(mark)
        ):
            where = self._path or "ROLLBOOK_SEALING_KEY"
            raise KeyFileError(
                f"The sealing keys in {where} are not those of the other servers of this database: "
                "what one of them sealed, the other could not read. Copy sealing.key from the data "
                "directory of the server that was first, or name it with --sealing-key-file."
            )

    def finish(self) -> None:
        """Seal anew what older keys sealed, before there are calls; a full disk is no hindrance."""
        if len(self._document.keys) == 1:
            return
        try:
            self._reseal(lambda _count: None)
        except RollbookError as error:
            _log.warning("sealing anew broke off and goes on at the next start: %s", error)
            return
        if self._document.keys[1:]:
            old = ", ".join(each.key_id.hex() for each in self._document.keys[:-1])
            _log.info("nothing is sealed with the keys %s any more; they may be taken out", old)

    def rotation(self, key_id: str) -> Rotation | Past:
        """Give the rotation that made this key; one of before goes on, if it broke off.

        Raises RollbookError with FIELD_INVALID if none did, as far as is known.
        """
        if key_id in self._rotations:  # without a wait for one that is to come behind it
            return self._rotations[key_id]
        with self._rotating:
            if key_id in self._rotations:
                return self._rotations[key_id]
            if key_id != self._document.keys[-1].key_id.hex():
                raise _unknown()
            is_over = self._document == self._document.rid_of_retiring()
            return Past(key_id) if is_over else self._begun()

    def rotate(self, now: datetime) -> Rotation:
        """Put a new key to use, and begin to seal with it. One rotation at a time.

        Raises RollbookError with SEALING_KEYS_FIXED, STORE_FULL or SERVER_STOPPING.
        """
        if self._store.has_other_servers:
            raise _fixed(
                "Other servers seal with the same keys and would not know the new one. Put it into "
                "the key file of each, before the others, and start each again; then put it "
                "behind them, and start each again."
            )
        with self._rotating:
            for rotation in self._rotations.values():
                rotation.await_end()
            self._keep(self._path_of_current(), self._document.rotated())
            newest = self._document.keys[-1]
            self._store.write(partial(self._put_to_use, newest, now))
            return self._begun()

    def _begun(self) -> Rotation:
        """Begin to seal with the newest key."""
        key_id = self._document.keys[-1].key_id.hex()
        total = self._store.read(lambda roll: resealing.count_old(roll, self.sealer))
        self._rotations[key_id] = Rotation(key_id, total, self._reseal)
        return self._rotations[key_id]

    def _put_to_use(self, key: SealingKey, now: datetime, roll: Roll) -> None:
        """Seal with a key; in work of the writer, as all sealing is: what comes later has it."""
        self.sealer.put_to_use(key.key_id, key.key)
        subject = Subject(resource_id=key.key_id.hex())
        audit.tell(roll, Action.ROTATE_SEALING_KEY, now, subject)

    def _reseal(self, told: Callable[[int], None]) -> None:
        count = resealing.reseal(self._store, self.sealer, told)
        left = self._document.rid_of_retiring()
        if self._path is not None and left != self._document:
            self._keep(self._path, left)
        newest = self._document.keys[-1].key_id.hex()
        _log.info("%d tokens and answers were sealed anew with the key %s", count, newest)

    def _path_of_current(self) -> Path:
        """Give the file, unless somebody else wrote it: his keys would be lost."""
        if self._path is None:
            raise _fixed(
                "The sealing keys come from ROLLBOOK_SEALING_KEY. Put a new key there behind the "
                "others and start the server again; take the old ones out at the start after it."
            )
        try:
            found = sealing_file.load_or_create(self._path, must_exist=True)
        except KeyFileError as error:
            raise _fixed(str(error)) from error
        if found != self._document:
            raise _fixed(
                f"The key file {self._path} was changed since the server started. Start the "
                "server again, so that it knows the keys in it."
            )
        return self._path

    def _keep(self, path: Path, document: KeyDocument) -> None:
        try:
            key_files.replace(path, document.text())
        except KeyFileError as error:
            raise _fixed(str(error)) from error
        self._document = document


def _unknown() -> FieldsError:
    told = "no rotation that this server knows made that key; leave it empty to begin one"
    return FieldsError({"key_id": told})


def load(path: Path, environment: str, store: Store, *, must_exist: bool) -> SealingKeys:
    """Read the keys from the environment, or if that has none from the file; see `sealing_file`."""
    if environment:
        return SealingKeys(sealing_file.from_environment(environment), None, store)
    return SealingKeys(sealing_file.load_or_create(path, must_exist=must_exist), path, store)


def sealing_mark(sealer: Sealer) -> int:
    """Give the number by which a database knows the keys of its servers."""
    return int.from_bytes(sealer.digest("sealing mark:")[:7])


def _fixed(message: str) -> RollbookError:
    return RollbookError(Reason.SEALING_KEYS_FIXED, message)

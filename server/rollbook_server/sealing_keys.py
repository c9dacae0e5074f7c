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

from rollbook_server import key_files, sealing_evidence, sealing_file
from rollbook_server.domain import audit, clock, resealing
from rollbook_server.domain.audit import Action, Subject
from rollbook_server.domain.audit_lists import AuditQuery
from rollbook_server.domain.errors import FieldsError, Reason, RollbookError
from rollbook_server.key_files import KeyFileError
from rollbook_server.rotations import Past

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from rollbook_server.domain.ports import Roll, Sealer, Store
    from rollbook_server.rotations import Rotation, Rotations
    from rollbook_server.sealing_file import KeyDocument, SealingKey

_log = logging.getLogger(__name__)

_KEYS_ARE_MISSING = (
    "SEALING KEYS ARE MISSING: no key in %s opens tokens that were sealed with the key %s. Devices "
    "enroll with them, but nobody can be shown them, nor their QR codes. Put that key from a copy "
    "of the key file of that time into the list sealing_keys, before the others, and start the "
    "server again; or refresh the tokens that cannot be shown"
)


class SealingKeys:
    """What seals, and where its keys are; `path` is None if they are from the environment."""

    def __init__(
        self, document: KeyDocument, path: Path | None, store: Store, rotations: Rotations
    ) -> None:
        self._document, self._path, self._store = document, path, store
        self._rotating, self._rotations = threading.Lock(), rotations
        self.sealer = document.sealer()
        self._in_use = document.keys[-1]

    def check_fit(self) -> None:
        """See to it that these are the keys of the database, before anything is sealed with them.

        Warns in the log if some are missing. Raises KeyFileError if they are those of another.
        """
        found = self._store.read(sealing_evidence.evidence)
        if sealing_evidence.is_of_others(found, self.sealer):
            raise self._strange()
        missing = sealing_evidence.missing_keys(found, self.sealer)
        if missing:
            _log.warning(_KEYS_ARE_MISSING, self._where, ", ".join(sorted(missing)))

    def check_shared(self) -> None:
        """See to it that all servers of a database look up and seal with the same keys.

        Raises KeyFileError if this one has others.
        """
        mark = sealing_mark(self.sealer)
        if self._store.has_other_servers and mark != self._store.write(
            lambda roll: roll.tokens.sealing_mark(mark)
        ):
            raise self._strange()

    def _strange(self) -> KeyFileError:
        if self._store.has_other_servers:
            return KeyFileError(
                f"The sealing keys in {self._where} are not those of the other servers of this "
                "database: what one of them sealed, the other could not read. Copy sealing.key "
                "from the data directory of the server that was first, or name it with "
                "--sealing-key-file."
            )
        return KeyFileError(
            f"The sealing keys in {self._where} are not those of this database: they open none of "
            "its tokens, and its audit log is sealed with others. Nothing was changed. Put the "
            "sealing.key of this database back from its copy, or name it with --sealing-key-file."
        )

    @property
    def _where(self) -> Path | str:
        return self._path or "ROLLBOOK_SEALING_KEY"

    def finish(self) -> None:
        """Seal anew what older keys sealed; a full disk is no hindrance.

        A rotation that broke off goes on beside the calls. Where keys were changed by hand it
        is done before there are any: whoever sees the server serve may take out the old ones.
        """
        if len(self._document.keys) == 1:
            return
        rotation = self._begun(resumed=True)
        if not self._is_unfinished or self._store.has_other_servers:
            rotation.await_end()

    def rotation(self, key_id: str, now: datetime) -> Rotation | Past:
        """Give the rotation that made this key; one that broke off goes on.

        Raises RollbookError with FIELD_INVALID if none did, as far as is known, else as `rotate`.
        """
        with self._rotating:
            found = self._rotations.of(key_id)
            if found and not found.is_to_go_on:
                return found
            if key_id != self._newest_id:
                raise _unknown()
            if found or self._is_unfinished:
                return self._going_on(now)
            return Past(key_id, self._store.read(self._count_old))

    def rotate(self, now: datetime) -> tuple[Rotation, bool]:
        """Put a new key to use, and begin to seal with it, unless a rotation is not over yet.

        Then that is given, which goes on if it broke off; whether it is so comes second. Raises
        RollbookError with SEALING_KEYS_FIXED, STORE_FULL or SERVER_STOPPING.
        """
        if self._store.has_other_servers:
            raise _fixed(
                "Other servers seal with the same keys and would not know the new one. Put it into "
                "the key file of each, before the others, and start each again; then put it "
                "behind them, and start each again; once all run so, take the others out. "
                'docs/operations.md, "A new sealing key by hand", tells how to make one.'
            )
        with self._rotating:
            if self._is_unfinished:
                return self._going_on(now), True
            self._keep(self._path_of_current(), self._document.rotated())
            self._use_newest(now)
            return self._begun(resumed=False), False

    @property
    def _newest_id(self) -> str:
        return self._document.keys[-1].key_id.hex()

    @property
    def _is_unfinished(self) -> bool:
        """Whether keys are to go from our file: a rotation is under way, or broke off."""
        return self._path is not None and any(each.retiring for each in self._document.keys)

    def _going_on(self, now: datetime) -> Rotation:
        """Give the rotation of the newest key; it is begun again if it failed."""
        found = self._rotations.of(self._newest_id)
        if found and not found.has_failed:
            return found
        self._use_newest(now)  # it may have failed before that
        return self._begun(resumed=True)

    def _begun(self, *, resumed: bool) -> Rotation:
        """Begin to seal with the newest key."""
        total = self._store.read(self._count_old)
        return self._rotations.begin(self._newest_id, total, self._reseal, resumed=resumed)

    def _count_old(self, roll: Roll) -> int:
        return resealing.count_old(roll, self.sealer)

    def _use_newest(self, now: datetime) -> None:
        """Seal with the newest key from now on, if it is not so yet."""
        newest = self._document.keys[-1]
        if newest.key_id != self._in_use.key_id:
            self._store.write(partial(self._put_to_use, newest, now))
            self._in_use = newest

    def _tell_if_untold(self) -> None:
        """Tell of a new key whose server was killed when it was in the file, and no more."""
        query = AuditQuery(action=Action.ROTATE_SEALING_KEY, resource_id=self._newest_id)
        if not self._store.read(lambda roll: roll.audit.list(query, before=0, limit=1)):
            newest = self._document.keys[-1]
            self._store.write(partial(self._put_to_use, newest, clock.now()))

    def _put_to_use(self, key: SealingKey, now: datetime, roll: Roll) -> None:
        """Seal with a key; in work of the writer, as all sealing is: what comes later has it."""
        self.sealer.put_to_use(key.key_id, key.key)
        subject = Subject(resource_id=key.key_id.hex())
        audit.tell(roll, Action.ROTATE_SEALING_KEY, now, subject)

    def _reseal(self, told: Callable[[int], None], goes_on: Callable[[], bool]) -> int:
        """Seal all anew, then let the old keys go; gives how much none of them opens."""
        if self._is_unfinished:
            self._tell_if_untold()
        count = resealing.reseal(self._store, self.sealer, told, goes_on)
        unreadable = self._store.read(self._count_old)
        left = self._document.rid_of_retiring()
        if self._is_unfinished:
            self._keep(self._path_of_current(), left)
        _log.info("%d tokens and answers were sealed anew with the key %s", count, self._newest_id)
        if unreadable:
            _log.warning("%d tokens and answers stay as they are: no key opens them", unreadable)
        if left.keys[1:]:
            old = ", ".join(each.key_id.hex() for each in left.keys[:-1])
            _log.info(
                "nothing is sealed with the keys %s any more; they may be %s", old, self._when
            )
        return unreadable

    @property
    def _when(self) -> str:
        """Say when keys may be taken out: another server may seal with one of them still."""
        if not self._store.has_other_servers:
            return "taken out"
        return f"taken out once every server was started with {self._newest_id} as its last key"

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


def load(
    path: Path, environment: str, store: Store, rotations: Rotations, *, must_exist: bool
) -> SealingKeys:
    """Read the keys from the environment, or if that has none from the file; see `sealing_file`."""
    document = (
        sealing_file.from_environment(environment)
        if environment
        else sealing_file.load_or_create(path, must_exist=must_exist)
    )
    return SealingKeys(document, None if environment else path, store, rotations)


def sealing_mark(sealer: Sealer) -> int:
    """Give the number by which a database knows the keys of its servers."""
    return int.from_bytes(sealer.digest("sealing mark:")[:7])


def _fixed(message: str) -> RollbookError:
    return RollbookError(Reason.SEALING_KEYS_FIXED, message)

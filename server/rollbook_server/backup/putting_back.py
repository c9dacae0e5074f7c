"""Puts a backup in the place of a database, which is set aside, never removed."""

from __future__ import annotations

import os
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import uuid4

from rollbook_server import token_epoch
from rollbook_server.domain import revivals
from rollbook_server.domain.errors import RollbookError
from rollbook_server.domain.revivals import Revivals
from rollbook_server.key_files import KeyFileError
from rollbook_server.storage.roll_store import StoreError, unsealed
from rollbook_server.storage.sqlite import backups, replacing
from rollbook_server.storage.store import PRIVATE, SqliteStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

    from rollbook_server.backup.planning import Plan
    from rollbook_server.domain.ports import Roll
    from rollbook_server.storage.sqlite.backups import BackupStep
    from rollbook_server.token_epoch import Note

_SIDE_FILES = ("", "-wal", "-shm", "-journal", ".lock")


@dataclass(frozen=True, slots=True)
class Choices:
    """What is to become of tokens and keys: those voided since stay so, unless `brings_back`."""

    brings_back: bool = False
    revokes_tokens: bool = False
    revokes_keys: bool = False


@dataclass(frozen=True, slots=True)
class Restored:
    """What was done, with how many tokens and keys were revoked besides.

    Tokens and keys are certain unless some may work that were voided since the backup.
    """

    aside: Path | None
    voided: Revivals
    token_count: int
    key_count: int
    tokens_are_certain: bool
    keys_are_certain: bool


class PuttingBack:
    """One restore; the caller has the lock of the target."""

    def __init__(self, file: Path, target: Path, plan: Plan, choices: Choices) -> None:
        self._file, self._target = file, target
        self._plan, self._choices = plan, choices
        known = plan.known if plan.known is not None else Revivals()
        self._voided = Revivals() if choices.brings_back else known
        self._next_device = known.next_device
        self._counts = (0, 0)

    def run(self, epoch_file: Path, now: datetime, told: Callable[[BackupStep], None]) -> Restored:
        """Do it; raises StoreError or OSError, and then the database in place is as it was."""
        with _part(self._target) as part:
            backups.copy_state(self._file, part, told, at_rest=True)
            note = self._change(part, now)
            _sync(part)
            _give_to_owner(self._target.parent, part)
            is_sound = self._plan.before is not None and self._plan.before.contents is not None
            aside = replacing.replace(self._target, part, now, is_sound=is_sound)
        _give_to_owner(self._target.parent, _lock_of(self._target))
        self._note(epoch_file, note)
        return Restored(
            aside,
            self._voided,
            *self._counts,
            tokens_are_certain=self._tokens_are_certain,
            keys_are_certain=self._keys_are_certain,
        )

    def _change(self, part: Path, now: datetime) -> Note:
        """Void again what is to stay void, and tell that the database was put back.

        Gives what the next start of the server will know it by.
        """
        keys = self._plan.keys
        keyed = keys.sealer().digest if keys else unsealed
        try:
            with closing(SqliteStore(part, keyed)) as store:
                store.write(lambda roll: self._write(roll, now))
                return token_epoch.fresh_note(store, store.identity())
        except RollbookError as error:  # a disk that is full by now
            raise StoreError(
                f"The copy of {self._file} beside {self._target} cannot be written to: "
                f"{error.__cause__ or error}. The database is as it was."
            ) from error

    def _write(self, roll: Roll, now: datetime) -> None:
        roll.devices.number_from(self._next_device)
        if self._plan.keys is None:  # an empty roll, in which nothing was ever told
            return
        until = self._plan.backup.newest_event_time
        told = {"file": self._file.name, "newest_event_time": until.isoformat() if until else ""}
        revivals.tell(roll, now, told)
        revivals.void_again(roll, self._voided, now)
        self._counts = (
            revivals.void_all_tokens(roll, now) if self._choices.revokes_tokens else 0,
            revivals.void_all_keys(roll, now) if self._choices.revokes_keys else 0,
        )

    def _note(self, epoch_file: Path, note: Note) -> None:
        """Let the next start of the server know whether to warn."""
        before = self._plan.before
        # A doubt from before stays; the restore itself told of its own.
        was_doubted = before is not None and before.audit_is_doubted
        audit_doubted = was_doubted and not self._keys_are_certain
        doubted = not self._tokens_are_certain
        try:
            token_epoch.note_restore(
                epoch_file, replace(note, doubted=doubted, audit_doubted=audit_doubted)
            )
        except KeyFileError as error:
            raise StoreError(
                f"{self._target} is put back, but the server will not know whether to warn of it: "
                f"{error} Void all tokens with `rollbook token revoke-all` once it runs."
            ) from error
        _give_to_owner(epoch_file.parent, epoch_file)

    @property
    def _tokens_are_certain(self) -> bool:
        before, known = self._plan.before, self._plan.known
        if self._choices.revokes_tokens or not self._plan.backup.token_count:
            return True
        if before is None or known is None or not before.is_trusted:
            return False
        return not (self._choices.brings_back and known.tokens)

    @property
    def _keys_are_certain(self) -> bool:
        """Tell the same of API keys; passwords go with them."""
        known, backup, before = self._plan.known, self._plan.backup, self._plan.before
        nothing = backup.api_key_count <= 1 and not backup.user_count
        if known is None or (before and before.audit_is_doubted):
            return nothing or (self._choices.revokes_keys and not backup.user_count)
        return not (self._choices.brings_back and (known.api_keys or known.users))


@contextmanager
def _part(target: Path) -> Iterator[Path]:
    """Give a new file beside the target; nothing of it is left where it was not moved away."""
    part = target.resolve().with_name(f".rollbook-{uuid4().hex}.part")
    try:
        part.touch(PRIVATE, exist_ok=False)
        yield part
    except OSError as error:
        raise StoreError(
            f"Nothing can be written to {target.parent}: {error.strerror or error}. The database "
            "is as it was."
        ) from error
    finally:
        for end in _SIDE_FILES:
            part.with_name(part.name + end).unlink(missing_ok=True)


def _lock_of(target: Path) -> Path:
    real = target.resolve()
    return real.with_name(f"{real.name}.lock")


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _give_to_owner(folder: Path, path: Path) -> None:
    """Let a file that root made be of whom its folder is: the server may be no root."""
    if os.geteuid() == 0:
        owner = folder.stat()
        os.chown(path, owner.st_uid, owner.st_gid)

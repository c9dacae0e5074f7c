"""What a restore would do: looks at the backup, at the database in its place, and at the keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollbook_server.backup import taking
from rollbook_server.backup.key_joining import NOTHING, Joining
from rollbook_server.sealing_checks import misfit
from rollbook_server.storage import contents, migrating, revivals, seals
from rollbook_server.storage.audit import StoredAudit
from rollbook_server.storage.counters import TOKEN_EPOCH, next_number
from rollbook_server.storage.migrating import SchemaState
from rollbook_server.storage.roll_store import StoreError
from rollbook_server.storage.schema import SCHEMA_VERSION
from rollbook_server.storage.sqlite import backups
from rollbook_server.storage.sqlite.places import SqlitePlace
from rollbook_server.token_epoch import read_note

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from rollbook_server.domain.revivals import Revivals
    from rollbook_server.sealing_file import KeyDocument
    from rollbook_server.storage.contents import Contents
    from rollbook_server.storage.engine import RollDatabase
    from rollbook_server.storage.migrating import SchemaStatus
    from rollbook_server.storage.sqlite.backups import BackupStep


class RestoreRefusedError(StoreError):
    """The backup cannot be put back as it is; the text says what to do first."""


@dataclass(frozen=True, slots=True)
class Before:
    """The database that is to be replaced, as far as it can be read.

    `revivals` is what was voided in it since the backup; None if that cannot be told, and then
    `why` says what keeps it from being told. `is_trusted` unless it may be an older one itself,
    with fewer tokens voided; `audit_is_doubted` if with fewer keys and passwords.
    """

    contents: Contents | None = None
    revivals: Revivals | None = None
    why: str = ""
    is_trusted: bool = False
    audit_is_doubted: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What is in the backup, what it replaces (None if nothing is there), and its keys if any.

    `joining` is what becomes of those in the key file of the server.
    """

    backup: Contents
    before: Before | None
    keys: KeyDocument | None
    joining: Joining = NOTHING

    @property
    def known(self) -> Revivals | None:
        """Give what was voided since the backup; None where nobody can tell."""
        return self.before.revivals if self.before else None

    @property
    def why_unknown(self) -> str:
        """Say why nobody can tell; empty if it can be told."""
        return self.before.why if self.before else "there was no database in its place"


def plan(
    file: Path, target: Path, epoch_file: Path, keys: Callable[[], KeyDocument], now: datetime
) -> Plan:
    """Look at everything, and change nothing.

    `keys` reads the sealing keys and is asked for them only if they are needed. Raises
    RestoreRefusedError, or whatever that does.
    """
    if file.resolve() == target.resolve():
        raise RestoreRefusedError(f"{file} is the database itself, and no backup of it.")
    place = SqlitePlace(file)
    with place.at_rest() as backup:
        _check_schema(file, migrating.look(backup))
        document = _fitting_keys(file, backup, keys)
        before = _look_before(target, epoch_file, backup, now) if target.exists() else None
        return Plan(contents.look(backup), before, document)


def check_whole(file: Path, told: Callable[[BackupStep], None]) -> None:
    """Read all of a backup; raises DamagedError, also for what is no database at all."""
    if not file.exists():
        raise RestoreRefusedError(f"There is no file {file}.")
    backups.check_whole(file, told)


def _check_schema(file: Path, status: SchemaStatus) -> None:
    taking.refuse_no_roll(str(file), status)
    if status.state is SchemaState.NEWER:
        raise RestoreRefusedError(
            f"{file} has schema {status.version}, this program knows {SCHEMA_VERSION}: restore it "
            "with the newer Rollbook that wrote it."
        )
    if status.state is SchemaState.OLDER:
        raise RestoreRefusedError(
            f"{file} has schema {status.version}, this program serves {SCHEMA_VERSION}. Restore it "
            "with the Rollbook that wrote it, or bring a copy of it up to date and restore that: "
            f"cp {file} newer.db && rollbook database upgrade --database sqlite:///newer.db"
        )


def _fitting_keys(
    file: Path, backup: RollDatabase, keys: Callable[[], KeyDocument]
) -> KeyDocument | None:
    marks = seals.marks(backup)
    if not marks.need_keys:
        return None
    document = keys()
    fault = misfit(document, marks)
    if fault:
        raise RestoreRefusedError(
            f"The sealing keys are not those of {file}: {fault}. Name the sealing.key of that "
            "time with --sealing-key-file: the server keeps its own, and gets those keys besides."
        )
    return document


def _look_before(target: Path, epoch_file: Path, backup: RollDatabase, now: datetime) -> Before:
    try:
        with SqlitePlace(target).at_rest() as database:  # the caller has its lock
            return _compare(target, epoch_file, database, backup, now)
    except StoreError as error:
        return Before(why=f"the database in its place cannot be read ({error})")


def _compare(
    target: Path, epoch_file: Path, database: RollDatabase, backup: RollDatabase, now: datetime
) -> Before:
    status = migrating.look(database)
    if status.state is not SchemaState.CURRENT:
        return Before(why=f"the database in its place has schema {status.version or 'none'}")
    found = contents.look(database)
    if not revivals.goes_on_from(database, backup):
        return Before(found, why="the database in its place is not what became of the backup")
    note = read_note(epoch_file)
    is_trusted = note is None or (
        not note.doubted
        and note.epoch <= next_number(database, TOKEN_EPOCH)
        and note.inode == target.stat().st_ino
    )
    end = StoredAudit(database).newest().sequence
    audit_is_doubted = note is not None and (note.audit_doubted or end < note.audit_sequence)
    return Before(
        found,
        revivals.find(database, backup, now),
        is_trusted=is_trusted,
        audit_is_doubted=audit_is_doubted,
    )

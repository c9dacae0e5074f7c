"""The roll in one SQLite file: one thread that writes, connections that only read."""

from __future__ import annotations

import fcntl
import logging
import shutil
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from peewee import DatabaseError, OperationalError, SqliteDatabase
from playhouse.pool import PooledSqliteDatabase

from rollbook_server.domain.audit_chain import Seals
from rollbook_server.storage import schema
from rollbook_server.storage.answers import StoredAnswers
from rollbook_server.storage.api_keys import StoredApiKeys
from rollbook_server.storage.audit import GatheredAudit, StoredAudit
from rollbook_server.storage.devices import StoredDevices
from rollbook_server.storage.faults import disk_full, translated
from rollbook_server.storage.inventory import StoredInventory
from rollbook_server.storage.leftovers import StoredLeftovers
from rollbook_server.storage.log_sync import LogSync
from rollbook_server.storage.packing import Packing
from rollbook_server.storage.profiles import StoredProfiles
from rollbook_server.storage.schema import NewerSchemaError
from rollbook_server.storage.tokens import StoredTokens
from rollbook_server.storage.uploads import StoredUploads
from rollbook_server.storage.users import StoredUsers
from rollbook_server.storage.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future
    from pathlib import Path
    from typing import IO

    from peewee import Database

    from rollbook_server.domain.ports import Roll

T = TypeVar("T")
A = TypeVar("A")

_PRAGMAS = {
    "page_size": 16_384,  # of a new file; larger pages, fewer of them to split and to log
    "journal_mode": "wal",  # readers never wait for the writer
    "synchronous": "normal",  # what keeps the file whole; LogSync does what answers promise
    "cache_size": -8_192,  # KiB; bounds what an upload of any length makes us hold
    # Pages: 64 MiB of log. Sooner only when the writer is idle, see there.
    "wal_autocheckpoint": 4_096,
    "temp_store": "memory",  # sorts are small, and a full disk must not stop reads
}
_READERS = 64  # connections: more than threads that serve calls, so that none waits
_WAIT_SECONDS = 10  # for a connection; only a bug can make it so long
RESERVE_BYTES = 16 * 1024 * 1024  # of the disk, for all that is smaller than an upload
_PRIVATE = 0o600  # of a new file: configurations hold passwords

# At DEBUG it would write every statement with its values, of which many are identifiers.
logging.getLogger("peewee").setLevel(logging.INFO)


class StoreError(Exception):
    """The database cannot be opened; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class _Roll:
    """What is stored, on one connection."""

    profiles: StoredProfiles
    tokens: StoredTokens
    users: StoredUsers
    api_keys: StoredApiKeys
    devices: StoredDevices
    inventory: StoredInventory
    uploads: StoredUploads
    leftovers: StoredLeftovers
    answers: StoredAnswers
    audit: StoredAudit


def _roll(database: Database, audit: StoredAudit) -> _Roll:
    profiles = StoredProfiles(database)
    return _Roll(
        profiles,
        StoredTokens(database, profiles),
        StoredUsers(database),
        StoredApiKeys(database),
        StoredDevices(database, profiles),
        StoredInventory(database, profiles),
        StoredUploads(database, profiles),
        StoredLeftovers(database, profiles),
        StoredAnswers(database),
        audit,
    )


def _unsealed(_: str) -> bytes:
    raise AssertionError("a store that was given no keyed digest keeps no audit log")


class SqliteStore:
    """A `domain.ports.Store` on one SQLite file; close it when done.

    `keyed` is what audit events are sealed with: a digest that takes a key. Raises
    StoreError if another server has the file, or if its schema is newer than this
    program.
    """

    def __init__(self, path: Path, keyed: Callable[[str], bytes] = _unsealed) -> None:
        self._lock, self._folder = _lock(path), path.absolute().parent
        self._database = SqliteDatabase(
            str(path),
            pragmas=_PRAGMAS,
            lock_type="IMMEDIATE",
            thread_safe=False,
            check_same_thread=False,
        )
        try:
            self._log = _open(self._database, path)
        except BaseException:  # the file is free again for whoever can read it
            self._database.close()
            self._lock.close()
            raise
        self._readers = PooledSqliteDatabase(
            f"{path.absolute().as_uri()}?mode=ro",
            uri=True,
            pragmas={"query_only": 1},
            max_connections=_READERS,
            timeout=_WAIT_SECONDS,
            check_same_thread=False,
        )
        self._reading = _roll(self._readers, StoredAudit(self._readers))
        self._audit = GatheredAudit(self._database, Seals(keyed))
        writing = _roll(self._database, self._audit)
        self._writer = Writer(
            self._database, self._log, writing, self._audit.gathered, self._audit.of
        )

    def read(self, work: Callable[[Roll], T]) -> T:
        """Run work on one consistent state, and tell what came of it once that is durable."""
        try:
            with self._readers.connection_context(), self._readers.atomic():
                return work(self._reading)
        except OperationalError as error:
            raise translated(error) from error
        finally:
            self._log.wait()

    def write(self, work: Callable[[Roll], T], *, is_bulk: bool = False) -> T:
        """Run work and give its result once it is durable."""
        return self.submit(work, is_bulk=is_bulk).result()

    def submit(self, work: Callable[[Roll], T], *, is_bulk: bool = False) -> Future[T]:
        """Run work as `write` does, without waiting."""
        context = copy_context()  # here, where it is known who calls
        return self._writer.submit(lambda roll: context.run(work, roll), is_bulk=is_bulk)

    def write_together(self, work: Callable[[Roll, Sequence[A]], Sequence[T]], argument: A) -> T:
        """Run work on the arguments of all who ask for the same at the same time."""
        return self._writer.submit_together(work, argument).result()

    def is_shared(self) -> bool:
        """Tell whether small work comes again and again."""
        return self._writer.is_shared()

    def packing(self) -> Packing:
        """Begin to prepare rows for Devices.insert."""
        return Packing()

    def check_room(self) -> None:
        """Raise RollbookError with STORE_FULL before the disk is quite full."""
        if shutil.disk_usage(self._folder).free < RESERVE_BYTES:
            raise disk_full()

    def holds_tokens(self) -> bool:
        """Tell whether there is any token."""
        return self.read(lambda _: self._reading.tokens.exist())

    def needs_key_file(self) -> bool:
        """Tell whether a key file must be there already: for tokens, or for the audit log."""
        return self.holds_tokens() or self.read(lambda roll: roll.audit.end()) is not None

    def close(self) -> None:
        """Do the work that is queued, close the file and give it free.

        Reads under way go on, as of an inventory whose reader is gone: to close the
        connection of another thread would crash the process.
        """
        self._writer.close()
        if self._log.has_failed:
            self._close_leaving_log()
        self._readers.close_idle()
        self._database.close()
        self._lock.close()

    def _close_leaving_log(self) -> None:
        """Close the file while a reader has it: only the last to close takes the log into it."""
        with self._readers.connection_context(), self._readers.atomic():
            self._reading.tokens.exist()
            self._database.close()


def _lock(path: Path) -> IO[str]:
    """Keep every other server off the file; the operating system lets go if we die."""
    real = path.resolve()  # through a link it is the same file
    name = real.with_name(real.name + ".lock")
    name.touch(_PRIVATE)
    lock = name.open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise StoreError(
            f"{path} is in use by another server; stop that one, or choose another --data-dir."
        ) from None
    return lock


def _open(database: SqliteDatabase, path: Path) -> LogSync:
    """Prepare the file, or raise StoreError with what is wrong with it.

    A log that another server left goes into it first and is begun anew: of what we find
    in it nobody knows whether the disk has it.
    """
    try:
        path.touch(_PRIVATE)  # SQLite makes the files beside it alike
        database.connect()
        with suppress(OperationalError):  # a full disk: then it is synced as it is
            database.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        schema.prepare(database)
        return LogSync(path)
    except NewerSchemaError as error:
        raise StoreError(str(error)) from error
    except (DatabaseError, OSError) as error:
        raise StoreError(
            f"{path} cannot be used as the database: {error}. Restore it from a backup, or "
            "choose another --data-dir."
        ) from error

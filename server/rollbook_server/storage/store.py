"""The roll in one SQLite file, which no other server may have."""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from peewee import DatabaseError, OperationalError

from rollbook_server.storage import migrating
from rollbook_server.storage.faults import disk_full
from rollbook_server.storage.migrating import SchemaError
from rollbook_server.storage.roll_store import RollStore, StoreError, unsealed
from rollbook_server.storage.sqlite.database import SqliteReaders, SqliteRoll, SqliteWriting
from rollbook_server.storage.sqlite.log_sync import LogSync

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import IO

    from rollbook_server.domain.ports import Roll

T = TypeVar("T")

__all__ = ["RESERVE_BYTES", "SqliteStore", "StoreError"]

_PRAGMAS = {
    "page_size": 16_384,  # of a new file; larger pages, fewer of them to split and to log
    "journal_mode": "wal",  # readers never wait for the writer
    "synchronous": "normal",  # what keeps the file whole; LogSync does what answers promise
    "cache_size": -8_192,  # KiB; bounds what an upload of any length makes us hold
    # Pages: 64 MiB of log. Sooner only when the writer is idle, see there.
    "wal_autocheckpoint": 4_096,
    # Bytes: the file that is left of a longer log is cut to that when it is begun anew.
    "journal_size_limit": 128 * 1024 * 1024,
    "temp_store": "memory",  # sorts are small, and a full disk must not stop reads
}
_READERS = 64  # connections: more than threads that serve calls, so that none waits
_WAIT_SECONDS = 10  # for a connection; only a bug can make it so long
RESERVE_BYTES = 16 * 1024 * 1024  # of the disk, for all that is smaller than an upload
LAST_BYTES = 1024 * 1024  # with less, the next commit or checkpoint may find no room
PRIVATE = 0o600  # of a new file: configurations hold passwords

# At DEBUG it would write every statement with its values, of which many are identifiers.
logging.getLogger("peewee").setLevel(logging.INFO)


class SqliteStore(RollStore):
    """A `domain.ports.Store` on one SQLite file; close it when done.

    `keyed` is what audit events are sealed with: a digest that takes a key. Raises
    StoreError if another server has the file, or if its schema is newer than this
    program, or older and not to be upgraded.
    """

    def __init__(
        self, path: Path, keyed: Callable[[str], bytes] = unsealed, *, may_upgrade: bool = True
    ) -> None:
        self._lock, self._path = locked(path), path.absolute()
        database = writing_on(path)
        try:
            self._log = _open(database, path, may_upgrade=may_upgrade)
        except BaseException:  # the file is free again for whoever can read it
            database.close()
            self._lock.close()
            raise
        writing = SqliteWriting(database, self._log)
        super().__init__(database, writing, _reading(path), keyed)

    def read(self, work: Callable[[Roll], T]) -> T:
        """Run work on one consistent state, and tell what came of it once that is durable."""
        try:
            return super().read(work)
        finally:
            self._log.wait()

    def check_room(self) -> None:
        """Raise RollbookError with STORE_FULL before the disk is quite full."""
        if shutil.disk_usage(self._path.parent).free < RESERVE_BYTES:
            raise disk_full()

    def check_writes(self) -> None:
        """Raise RollbookError if nothing can be written, or only what finds a gap by luck."""
        if shutil.disk_usage(self._path.parent).free < LAST_BYTES:
            raise disk_full()
        super().check_writes()

    def _looks_closed(self) -> bool:
        """Tell whether the file system was made one that only reads, as a broken one is."""
        return bool(os.statvfs(self._path.parent).f_flag & os.ST_RDONLY)

    def identity(self) -> int:
        """Give the number that the file system gave the file."""
        return self._path.stat().st_ino

    def close(self) -> None:
        """Close the connections as every store does, and give the file free."""
        super().close()
        self._lock.close()

    def _close_connections(self) -> None:
        if self._log.has_failed:
            self._close_leaving_log()
        super()._close_connections()

    def _close_leaving_log(self) -> None:
        """Close the file while a reader has it: only the last to close takes the log into it."""
        with self._readers.reading():
            self._reading.tokens.exist()
            self._writing_side.close()


def writing_on(path: Path) -> SqliteRoll:
    """Give the connection that writes to a file, which is not opened yet."""
    return SqliteRoll(
        str(path),
        pragmas=_PRAGMAS,
        lock_type="IMMEDIATE",
        thread_safe=False,
        check_same_thread=False,
    )


def _reading(path: Path) -> SqliteReaders:
    return SqliteReaders(
        f"{path.absolute().as_uri()}?mode=ro",
        uri=True,
        pragmas={"query_only": 1},
        max_connections=_READERS,
        timeout=_WAIT_SECONDS,
        check_same_thread=False,
    )


def locked(path: Path) -> IO[str]:
    """Keep every other server off the file; the operating system lets go if we die.

    Raises StoreError if one has it.
    """
    real = path.resolve()  # through a link it is the same file
    name = real.with_name(real.name + ".lock")
    name.touch(PRIVATE)
    lock = name.open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise StoreError(
            f"{path} is in use by another server; stop that one, or choose another --data-dir."
        ) from None
    return lock


def _open(database: SqliteRoll, path: Path, *, may_upgrade: bool) -> LogSync:
    """Prepare the file, or raise StoreError with what is wrong with it.

    A log that another server left goes into it first and is begun anew: of what we find
    in it nobody knows whether the disk has it.
    """
    try:
        path.touch(PRIVATE)  # SQLite makes the files beside it alike
        database.connect()
        with suppress(OperationalError):  # a full disk: then it is synced as it is
            database.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        with database.atomic():
            if not migrating.is_ready(database, may_upgrade=may_upgrade):
                migrating.upgrade(database)
        return LogSync(path)
    except SchemaError as error:
        raise StoreError(str(error)) from error
    except (DatabaseError, OSError) as error:
        raise unusable(path, error) from error


def unusable(path: Path, error: Exception) -> StoreError:
    """Give what to raise for what SQLite or the operating system complains of."""
    advice = "Put a backup back with `rollbook restore FILE`, or choose another --data-dir."
    if path.exists() and not os.access(path, os.R_OK | os.W_OK):
        advice = "Whoever runs this may not read and write it: run it as the owner of the file."
    return StoreError(f"{path} cannot be used as the database: {error}. {advice}")

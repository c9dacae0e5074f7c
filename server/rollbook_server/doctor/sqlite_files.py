"""A SQLite database: its library, who has it open, whether it is whole, and its log."""

from __future__ import annotations

import os
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollbook_server.doctor import disks, processes, rolls
from rollbook_server.doctor.findings import ok, skipped, warning, wrong
from rollbook_server.storage import migrating
from rollbook_server.storage.migrating import SchemaState
from rollbook_server.storage.roll_store import StoreError
from rollbook_server.storage.sqlite.backups import integrity_fault
from rollbook_server.storage.sqlite.places import SqlitePlace
from rollbook_server.storage.sqlite.versions import has_wal_reset_bug

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rollbook_server.doctor.findings import Finding
    from rollbook_server.doctor.rolls import Roll
    from rollbook_server.storage.engine import RollDatabase

_LIBRARY, _DATABASE, _INTEGRITY, _LOG = "SQLite", "database", "integrity", "database's log"
_WRITERS = "one writer"
_LONG_LOG = 256 * 1024 * 1024  # the server takes it into the file at a quarter of that
_MEGABYTE = 1_000_000
_ENDS = ("", "-wal", "-shm", "-journal", ".lock")
_BOTH = os.R_OK | os.W_OK


@dataclass
class SqliteFile:
    """The file of a database; `roll` and `server` are known once `look` is through."""

    path: Path
    thorough: bool = False
    roll: Roll | None = None
    server: int | None = None
    is_shared = False

    def look(self) -> Iterator[Finding]:
        """Look at everything about the file."""
        yield library()
        folder = self.path.resolve().parent
        if not os.access(folder, os.R_OK | os.X_OK):
            yield skipped(_DATABASE, f"there is no directory {folder} that you can look into")
            return
        yield disks.file_system(folder)
        yield disks.room(folder)
        yield disks.inodes(folder)
        if not self.path.exists():
            yield warning(
                _DATABASE, f"{self.path}: none yet", "The first start of a server makes it."
            )
            self.roll = rolls.NONE_YET
            return
        self.server = processes.lock_holder(_lock_of(self.path))
        yield self._database()
        yield self._one_writer()
        yield from self._content()

    def _database(self) -> Finding:
        real = self.path.resolve()
        files = [real.with_name(real.name + end) for end in _ENDS]
        closed = [each for each in files if each.exists() and not os.access(each, _BOTH)]
        if closed:
            names = " ".join(map(str, closed))
            return wrong(
                _DATABASE,
                f"you may not read and write {names}",
                f"Run this, and the server, as the owner of them, or as that: chmod 600 {names}",
            )
        size = self.path.stat().st_size / _MEGABYTE
        served = f", served by process {self.server}" if self.server else ", no server is on it"
        return ok(_DATABASE, f"{self.path}, {size:,.1f} MB{served}")

    def _one_writer(self) -> Finding:
        others = processes.writers(self.path) - {self.server}
        if others:
            return wrong(
                _WRITERS,
                f"besides the server, processes {', '.join(map(str, sorted(others)))} have "
                f"{self.path} open to write",
                "End them: SQLite before 3.51.3 loses data where two write.",
            )
        return ok(_WRITERS, "no other process has the file open to write")

    def _content(self) -> Iterator[Finding]:
        if not os.access(self.path, os.R_OK):
            yield wrong(
                _INTEGRITY, f"you may not read {self.path}", "Ask as its owner, or as root."
            )
            return
        place = SqlitePlace(self.path)
        # Without a server no file has to be made to read this one.
        looked_at = place.looked_at if self.server else place.at_rest
        try:
            with looked_at() as database:
                yield self._integrity(database)
                yield from self._roll(database)
        except StoreError as error:
            yield wrong(_INTEGRITY, str(error))
            return
        yield self._log()

    def _roll(self, database: RollDatabase) -> Iterator[Finding]:
        yield rolls.schema(database)
        state = migrating.look(database).state
        if state is SchemaState.EMPTY:
            self.roll = rolls.NONE_YET
        if state is SchemaState.CURRENT:
            self.roll = rolls.read(database, self.path.stat().st_ino)
            if self.thorough:
                yield rolls.counts(database)

    def _integrity(self, database: RollDatabase) -> Finding:
        check = "integrity_check" if self.thorough else "quick_check"
        connection: sqlite3.Connection = database.connection()  # type: ignore[no-untyped-call]
        fault = integrity_fault(self.path, connection, check)
        if fault and processes.lock_holder(_lock_of(self.path)) != self.server:
            return skipped(_INTEGRITY, "a server was started or stopped meanwhile: ask again")
        if fault:
            return wrong(
                _INTEGRITY,
                f"{check}: {fault}",
                "Stop the server, keep a copy of the file, and put a backup back: `rollbook "
                "restore FILE`.",
            )
        advice = "" if self.thorough else " (--thorough also compares indexes and counts)"
        return ok(_INTEGRITY, f"{check} finds nothing wrong{advice}")

    def _log(self) -> Finding:
        path = self.path.resolve()
        log = path.with_name(f"{path.name}-wal")
        size = log.stat().st_size if log.exists() else 0
        told = f"{size / _MEGABYTE:,.1f} MB"
        if size > _LONG_LOG:
            return warning(
                _LOG,
                told,
                "A reader that stands still keeps the server from taking it into the file: a "
                "backup, an inventory, or a program of your own. It is cut at the next start.",
            )
        if size and not self.server:
            return ok(_LOG, f"{told}, from a server that was killed; the next start takes it in")
        return ok(_LOG, told)


def library() -> Finding:
    """Look at the version of SQLite's library that Python brings."""
    version = sqlite3.sqlite_version
    if has_wal_reset_bug(sqlite3.sqlite_version_info):
        return ok(
            _LIBRARY,
            f"{version}; it has the WAL-reset bug, of which the one connection that writes keeps "
            "clear (gone from 3.51.3 on)",
        )
    return ok(_LIBRARY, version)


def _lock_of(path: Path) -> Path:
    real = path.resolve()
    return real.with_name(f"{real.name}.lock")

"""Whole copies of a SQLite file, also of one that its server writes to meanwhile.

The pages go over in one transaction that reads, on a connection that can neither write
nor take the log into the file: versions before 3.51.3 lose data where two do that. The
server goes on meanwhile, and its log grows; it is taken in once the copy is done.
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollbook_server.storage.roll_store import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

COPYING, CHECKING = "copying", "checking"

_PAGES_AT_ONCE = 64  # a megabyte, so that whoever watches sees it move
_INSTRUCTIONS_BETWEEN = 1_000_000  # of SQLite's, between two looks at whether to go on
_SIDE_FILES = ("-wal", "-journal")


class BackupBrokenError(StoreError):
    """The copy could not be written; what was there before is there still."""


class DamagedError(StoreError):
    """A file is no database, or not whole."""


@dataclass(frozen=True, slots=True)
class BackupStep:
    """How far it is: bytes of the copy; of checking nobody knows, so that both are 0."""

    phase: str
    byte_count: int = 0
    byte_total: int = 0


def copy_state(
    source: Path, target: Path, told: Callable[[BackupStep], None], *, at_rest: bool = False
) -> None:
    """Copy the state of this instant into a file, which is there and empty, and check it.

    The copy is one file, with no log beside it, and not yet synced. `at_rest` says that nobody
    writes to the source, nor will meanwhile. Raises DamagedError or BackupBrokenError.
    """
    with closing(_opened(source, at_rest=at_rest)) as original:
        size = _begin(source, original)
        try:
            with closing(sqlite3.connect(target, isolation_level=None)) as copy:
                _copy_pages(original, copy, told)
        except sqlite3.Error as error:
            raise _broken(source, target, size, error) from error
    check_whole(target, told)


def check_whole(path: Path, told: Callable[[BackupStep], None] = lambda _: None) -> None:
    """Read all of a file and compare its indexes with its rows; raises DamagedError."""
    told(BackupStep(CHECKING))
    with closing(_opened(path, at_rest=True)) as database:
        fault = integrity_fault(path, database, "integrity_check")
    if fault:
        raise DamagedError(f"{path} is damaged: {fault}. Take another backup of it.")


def integrity_fault(path: Path, database: sqlite3.Connection, check: str) -> str:
    """Give the first thing that SQLite finds wrong, empty if nothing is; Ctrl-C ends it."""
    with told_of_damage(path), _interruptible(database):
        (found, *_) = database.execute(f"PRAGMA {check}(1)").fetchone()
    return "" if found == "ok" else " ".join(str(found).split())


@contextmanager
def told_of_damage(path: Path) -> Iterator[None]:
    """Raise DamagedError for what SQLite finds wrong with a file."""
    try:
        yield
    except sqlite3.Error as error:
        raise _damaged(path, error) from error


def uri_at_rest(path: Path) -> str:
    """Give how to open a file that nobody writes to, if it can be without files beside it.

    Without a log it is whole in itself; else SQLite reads both, and needs to write beside them.
    """
    real = path.resolve()
    is_alone = not any(real.with_name(real.name + end).exists() for end in _SIDE_FILES)
    return f"{real.as_uri()}?mode=ro{'&immutable=1' if is_alone else ''}"


def _opened(path: Path, *, at_rest: bool) -> sqlite3.Connection:
    uri = uri_at_rest(path) if at_rest else f"{path.resolve().as_uri()}?mode=ro"
    with told_of_damage(path):
        return sqlite3.connect(uri, uri=True, isolation_level=None)


def _begin(source: Path, original: sqlite3.Connection) -> int:
    """Read from now on what is there now; gives its size in bytes."""
    with told_of_damage(source):
        original.execute("BEGIN")
        (pages,) = original.execute("PRAGMA page_count").fetchone()
        (size,) = original.execute("PRAGMA page_size").fetchone()
        original.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return int(pages) * int(size)


def _copy_pages(
    original: sqlite3.Connection, copy: sqlite3.Connection, told: Callable[[BackupStep], None]
) -> None:
    copy.execute("PRAGMA journal_mode = off")  # who ends in the middle throws it away
    copy.execute("PRAGMA synchronous = off")
    (size,) = original.execute("PRAGMA page_size").fetchone()

    def tell(_: int, left: int, total: int) -> None:
        told(BackupStep(COPYING, (total - left) * size, total * size))

    original.backup(copy, pages=_PAGES_AT_ONCE, progress=tell, sleep=0)
    copy.execute("PRAGMA journal_mode = delete")


@contextmanager
def _interruptible(database: sqlite3.Connection) -> Iterator[None]:
    """Let Ctrl-C end a statement that takes minutes, which Python would hear of afterwards."""
    database.set_progress_handler(lambda: 0, _INSTRUCTIONS_BETWEEN)
    try:
        yield
    except sqlite3.OperationalError as error:
        if str(error) == "interrupted":
            raise KeyboardInterrupt from error
        raise
    finally:
        database.set_progress_handler(None, 0)


def _damaged(path: Path, error: sqlite3.Error) -> DamagedError:
    if "not a database" in str(error):
        return DamagedError(f"{path} is no SQLite database, or one that is encrypted.")
    return DamagedError(f"{path} cannot be read as a SQLite database: {error}.")


def _broken(source: Path, target: Path, size: int, error: sqlite3.Error) -> StoreError:
    if "full" in str(error):
        free = shutil.disk_usage(target.parent).free
        return BackupBrokenError(
            f"The disk of {target.parent} is full: the copy takes {size:,} bytes, {free:,} are "
            "free. Make room, or name a place on another disk."
        )
    return BackupBrokenError(f"{source} could not be copied into {target.parent}: {error}.")

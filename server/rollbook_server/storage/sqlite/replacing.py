"""Puts one SQLite file in the place of another, which is kept under a name of its own.

The caller has the lock of the file, so that no server is on it. What the log of the old
file holds is taken into it first: then one file is all there is, and the new one gets its
name in one step, whenever the power fails.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

_SIDE_FILES = ("-wal", "-shm", "-journal")


def replace(target: Path, new: Path, now: datetime, *, is_sound: bool) -> Path | None:
    """Put the new file in the place of the target; gives where that is now, if there was one.

    One that is not sound is moved as it is, with its log: SQLite would throw away what it does
    not understand. Raises OSError.
    """
    real = target.resolve()
    aside = _free_name(real, now) if real.exists() else None
    if aside:
        if is_sound:
            _take_log_in(real)
        _set_aside(real, aside)
    for end in _SIDE_FILES:  # of no file that is there: they would be read as of the new one
        real.with_name(real.name + end).unlink(missing_ok=True)
    new.replace(real)
    flush_folder(real.parent)
    return aside


def flush_folder(folder: Path) -> None:
    """Let the names in a folder outlive a power loss, where that can be asked for."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _free_name(real: Path, now: datetime) -> Path:
    stem, number = f"{real.name}.before-restore-{now:%Y%m%dT%H%M%SZ}", 0
    while os.path.lexists(found := real.with_name(f"{stem}-{number}" if number else stem)):
        number += 1
    return found


def _take_log_in(path: Path) -> None:
    """Make one file of a database and its log, if there is room."""
    with suppress(sqlite3.Error), closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _set_aside(real: Path, aside: Path) -> None:
    """Give the file another name, with all that belongs to it.

    Alone it keeps the old name besides, until the new file takes that: a link costs nothing.
    """
    log = real.with_name(f"{real.name}-wal")
    if log.exists() and log.stat().st_size:
        _move_all(real, aside)
        return
    try:
        aside.hardlink_to(real)
    except OSError:  # a file system without links
        _move_all(real, aside)


def _move_all(real: Path, aside: Path) -> None:
    for end in ("", *_SIDE_FILES):
        before = real.with_name(real.name + end)
        if before.exists():
            before.rename(aside.with_name(aside.name + end))

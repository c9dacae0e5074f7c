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
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

_ENDS = ("", "-wal", "-shm", "-journal")


def replace(target: Path, new: Path, now: datetime, *, is_sound: bool) -> Path | None:
    """Put the new file in the place of the target; gives what is kept of that, if it was there.

    That is the database, or the log of one that is gone. One that is not sound is kept as it
    is, with its log: SQLite would throw away what it does not understand. Raises OSError.
    """
    real = target.resolve()
    if is_sound:
        _take_log_in(real)
    aside, kept = _free_name(real, now), _ends(real)
    if kept:
        _set_aside(real, aside, kept)
    new.replace(real)
    flush_folder(real.parent)
    return _at(aside, kept[0]) if kept else None


def flush_folder(folder: Path) -> None:
    """Let the names in a folder outlive a power loss, where that can be asked for."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _at(path: Path, end: str) -> Path:
    return path.with_name(path.name + end)


def _ends(path: Path) -> list[str]:
    """Give how the names end of what is there of a database; its own comes first."""
    return [end for end in _ENDS if os.path.lexists(_at(path, end))]


def _free_name(real: Path, now: datetime) -> Path:
    stem, number = f"{real.name}.before-restore-{now:%Y%m%dT%H%M%SZ}", 0
    while _ends(found := real.with_name(f"{stem}-{number}" if number else stem)):
        number += 1
    return found


def _take_log_in(path: Path) -> None:
    """Make one file of a database and its log, if there is room."""
    with suppress(sqlite3.Error), closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _set_aside(real: Path, aside: Path, kept: Sequence[str]) -> None:
    """Give all that is there another name; nothing is removed that has no other.

    A database alone keeps the old name besides, until the new file takes that: a link costs
    nothing. No log keeps it: it would be read as the new file's. So with one, the database
    goes first, for without its log it is an older one.
    """
    try:
        for end in kept:
            _at(aside, end).hardlink_to(_at(real, end))
    except OSError:  # a file system without links
        for end in kept:
            _at(real, end).replace(_at(aside, end))
    if list(kept) != [""]:
        for end in kept:
            _at(real, end).unlink(missing_ok=True)

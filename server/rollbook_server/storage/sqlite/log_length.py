"""Keeps SQLite's log from growing for as long as readers come one upon the other.

SQLite begins its log anew once all of it is in the database file and nobody reads from it.
Of the commits behind a reader's state nothing goes into the file until that reader ends; so
where one always begins before another ends, which a few who list devices make happen, the
log could grow until the disk is full. When it is long, the writer therefore waits a moment:
whoever reads comes to an end meanwhile, and who begins then reads from the file alone.
"""

from __future__ import annotations

from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING

from peewee import DatabaseError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rollbook_server.storage.sqlite.database import SqliteRoll

# Of the file; four times what SQLite itself lets it come to where it can begin it anew.
LONGEST_BYTES = 256 * 1024 * 1024

# A backup reads for minutes, and only then the log can be taken in: until then the writer
# loses a fiftieth of its time to trying.
WAIT_MILLISECONDS, SECONDS_BETWEEN = 200, 10.0


class LogLength:
    """The length of the log of the connection that writes; the writer's thread alone may use it."""

    def __init__(self, database: SqliteRoll, length: Callable[[], int]) -> None:
        self._database, self._length = database, length
        self._next = 0.0

    def bound(self) -> None:
        """Take all of a log that is too long into the file, between two transactions."""
        if self._length() <= LONGEST_BYTES or monotonic() < self._next:
            return
        is_over = False
        with suppress(DatabaseError):  # a full disk: the log keeps everything meanwhile
            is_over = self._restart()
        if not is_over:
            self._next = monotonic() + SECONDS_BETWEEN

    def _restart(self) -> bool:
        """Wait for those who read from the log, so that the next commit begins it anew.

        False if one of them reads on.
        """
        ((usual,),) = self._database.execute_sql("PRAGMA busy_timeout").fetchall()
        self._database.execute_sql(f"PRAGMA busy_timeout = {WAIT_MILLISECONDS}").fetchall()
        try:
            told = self._database.execute_sql("PRAGMA wal_checkpoint(RESTART)").fetchall()
            is_busy, _, _ = told[0]
            return not is_busy
        finally:
            self._database.execute_sql(f"PRAGMA busy_timeout = {usual}").fetchall()

"""Makes commits durable: syncs SQLite's log, beside the writer or in its own turn.

SQLite could do it in each COMMIT (`synchronous=FULL`), and the writer would stand still
meanwhile. So SQLite is left to sync what order asks for (`NORMAL`: the log before its
pages go into the database file, the file before the log is begun anew), and what an
answer promises is synced here, before the answer. After a power loss the log ends
somewhere behind the last answer, between two transactions (sqlite.org/wal.html).
"""

from __future__ import annotations

import logging
import os
import threading
from collections import deque
from typing import TYPE_CHECKING

from rollbook_server.domain.errors import Reason, RollbookError
from rollbook_server.storage.engine import give

if TYPE_CHECKING:
    from pathlib import Path

    from rollbook_server.storage.engine import Answers

_log = logging.getLogger(__name__)

sync = getattr(os, "fdatasync", os.fsync)  # macOS has none


class LogSync:
    """The log of one database file, which is open; used by its one writer.

    Commits are counted: one is `expected` as long as readers may see it or will soon,
    and `synced` once the disk has it. If a sync fails, nobody knows what the disk has,
    and trying again would not tell (what failed is forgotten): nothing is answered any
    more until the server is started anew and reads what is really there. Nor may the
    database file be given what the log lost: see `has_failed`.
    """

    def __init__(self, database: Path) -> None:
        """Sync what the log holds, for it may be read from now on; raises OSError."""
        # SQLite follows links, and puts the log beside what they lead to.
        self._file = os.open(f"{database.resolve()}-wal", os.O_RDONLY)
        self._sync = sync
        try:
            self._sync(self._file)
        except OSError:
            os.close(self._file)
            raise
        self._expected = self._written = self._synced = 0
        self._failure: OSError | None = None
        self._answers: deque[Answers] = deque()
        self._changed, self._syncing = threading.Condition(), threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="rollbook-log-sync", daemon=True)
        self._thread.start()

    @property
    def has_failed(self) -> bool:
        """Tell whether the disk may have lost something of the log."""
        return self._failure is not None

    def length(self) -> int:
        """Give the bytes of the log's file, which may hold less than it did."""
        return os.fstat(self._file).st_size

    def expect(self) -> None:
        """Count a commit that begins now. Raises RollbookError with STORE_UNAVAILABLE."""
        self._raise_failure()
        self._expected = self._written + 1

    def withdraw(self) -> None:
        """Take back that a commit was expected: it failed."""
        with self._changed:
            self._expected = self._written
            self._changed.notify_all()

    def settle(self, answers: Answers) -> None:
        """Sync the commit that was expected, then give its answers: results or errors."""
        self._written = self._expected
        self._sync_and_answer(answers)

    def settle_beside(self, answers: Answers) -> None:
        """Do as `settle` does in a thread of its own, without waiting."""
        with self._changed:
            self._written = self._expected
            self._answers.append(answers)
            self._changed.notify_all()

    def wait(self) -> None:
        """Wait until all that a reader may have seen by now is on the disk.

        Raises RollbookError with STORE_UNAVAILABLE.
        """
        expected = self._expected
        if self._synced < expected:
            with self._changed:
                self._changed.wait_for(lambda: self._is_over(expected))
        self._raise_failure()

    def close(self) -> None:
        """Give all answers, end the thread and close the file; nothing if that is done."""
        with self._changed:
            if self._closed:
                return
            self._closed = True
            self._changed.notify_all()
        self._thread.join()
        os.close(self._file)

    def _is_over(self, expected: int) -> bool:
        """Tell whether a commit is synced, or never will be."""
        return self._synced >= expected or self._expected < expected or bool(self._failure)

    def _run(self) -> None:
        while self._has_answers():
            with self._changed:
                waiting = [each for answers in self._answers for each in answers]
                self._answers.clear()
            self._sync_and_answer(waiting)

    def _has_answers(self) -> bool:
        """Wait until some wait to be given; False at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._answers or self._closed)
            return bool(self._answers)

    def _sync_and_answer(self, answers: Answers) -> None:
        with self._syncing:
            if self._failure is None:
                self._sync_all()
        give([(future, _unknown()) for future, _ in answers] if self._failure else answers)

    def _sync_all(self) -> None:
        """Sync all that is written by now.

        One thread at a time: a failure is told to one of them alone.
        """
        written = self._written
        try:
            self._sync(self._file)
        except OSError as error:
            self._failure = error
            _log.critical("The database's log cannot be synced (%s): start the server anew.", error)
            written = 0
        with self._changed:
            self._synced = max(self._synced, written)
            self._changed.notify_all()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise _unknown() from self._failure


def _unknown() -> RollbookError:
    return RollbookError(
        Reason.STORE_UNAVAILABLE,
        "The server's disk failed to keep what was written. Whoever runs the server must look "
        "at the disk and start the server anew; only what was answered is sure to be kept.",
    )

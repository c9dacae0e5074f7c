"""How PostgreSQL makes a transaction: in turns with all servers, and never in doubt.

Every server first locks the same row, so that writes come one after another as they do
in SQLite: what work looks up stays so until it has written, the audit log is one chain, and
no two can wait for each other. An ordinary row, as engines that only speak PostgreSQL's
protocol have it, too, and fair, for whoever waits for it stands in line.

Every transaction notes its number in a row of its server's. If the connection is cut in
COMMIT, that row tells what became of it; nothing is ever done a second time.
"""

from __future__ import annotations

import logging
import random
import uuid
from contextlib import contextmanager, suppress
from time import monotonic, sleep
from typing import TYPE_CHECKING

import psycopg
from peewee import DatabaseError, InterfaceError, OperationalError
from psycopg.errors import LockNotAvailable, ReadOnlySqlTransaction
from psycopg.pq import TransactionStatus

from rollbook_server.domain.errors import Reason, RollbookError
from rollbook_server.storage.engine import LateError, give
from rollbook_server.storage.postgres import halted
from rollbook_server.storage.postgres.outbox import Statement
from rollbook_server.storage.postgres.roll import is_clash

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rollbook_server.storage.engine import Answers
    from rollbook_server.storage.postgres.roll import PostgresRoll

_log = logging.getLogger(__name__)

# In one message with what is asked first: nobody waits for them alone.
# The times are of the transaction, not of the connection, which PgBouncer lends to others.
# Whoever holds the row and is not heard of loses it, see also `halted`; whoever waits longer
# gives up. Warnings are heard in any case: one of them tells that a COMMIT is in doubt.
_BEGIN = (
    "BEGIN ISOLATION LEVEL READ COMMITTED",
    """
    SELECT set_config('client_min_messages', 'warning', true),
        set_config('lock_timeout', '20s', true),
        set_config('idle_in_transaction_session_timeout', '10s', true)
    """,
    "SELECT 1 FROM writers WHERE writer = '' FOR UPDATE",
)
_NOTE = """
INSERT INTO writers (writer, transaction, time) VALUES (?, ?, now())
    ON CONFLICT (writer) DO UPDATE SET transaction = excluded.transaction, time = excluded.time
"""
# It looks, and writes so that its own COMMIT waits for a synchronous standby: a primary that
# begins anew after a crash has what it was told to commit, whether the standby has it or not,
# and might still be replaced by that one.
_NOTED = "UPDATE writers SET time = now() WHERE writer = ? AND transaction = ?"
# A server that ended takes its row away; those of others that could not are taken by all.
_FORGET = (
    "DELETE FROM writers WHERE writer = ? OR writer <> '' AND time < now() - interval '7 days'"
)

_TABLE = """
CREATE TABLE IF NOT EXISTS writers (
    writer text PRIMARY KEY, transaction bigint NOT NULL, time timestamptz NOT NULL
)
"""
# Who may make no tables could not even say IF NOT EXISTS.
_IS_THERE = "SELECT to_regclass('writers') IS NOT NULL"
_ROW = "INSERT INTO writers VALUES ('', 0, now()) ON CONFLICT DO NOTHING"

# Seconds. The first is how long a database may be gone before those who wait are told, the
# second how long the outcome of a COMMIT is looked for, for which nobody can ask again.
_BEGIN_SECONDS, _OUTCOME_SECONDS = 3.0, 60.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 2.0
_CHANCE = random.SystemRandom()  # so that servers do not come all at once


class PostgresWriting:
    """Makes transactions on the writing connection, and connects anew if it is cut.

    The writer's thread alone may use it, and whoever opens the store before there is one.
    """

    def __init__(self, database: PostgresRoll) -> None:
        self._database = database
        self._writer, self._number = uuid.uuid4().hex, 0

    def prepare(self) -> None:
        """Make what transactions need; several servers may do it at the same time."""
        for is_last in (False, True):  # which finds what another made while the first did
            try:
                if not self._database.execute_sql(_IS_THERE).fetchone()[0]:
                    self._database.execute_sql(_TABLE)
                break
            except DatabaseError:
                if is_last or self._database.status is not TransactionStatus.IDLE:
                    raise
        self._database.execute_sql(_ROW)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Begin, in turn, with the first statement within; commit at the end."""
        self._number += 1
        self._database.begin_by(self._begin)
        try:
            yield
            if self._database.is_to_begin:  # or nobody would know whether a lost COMMIT had
                self._database.settle()
        except BaseException:
            self._undo()
            raise
        self._commit()

    def is_given_up(self) -> bool:
        """Tell whether the whole transaction is undone: the connection is gone."""
        goes_on = (TransactionStatus.INTRANS, TransactionStatus.INERROR)
        return not self._database.is_to_begin and self._database.status not in goes_on

    def is_clash(self, error: Exception) -> bool:
        """Tell whether a transaction from outside was met: ours wait for each other in line."""
        return is_clash(error)

    def answer(self, answers: Answers, *, beside: bool) -> None:  # noqa: ARG002 - COMMIT waited
        """Give results, which are durable: COMMIT came back."""
        give(answers)

    def rest(self) -> None:
        """Give back what is held for nothing; the server looks after itself."""
        self._database.spent = None

    def close(self) -> None:
        """Forget this writer; its number means nothing any more."""
        with suppress(DatabaseError, InterfaceError):
            if self._database.status is TransactionStatus.IDLE:
                self._database.execute_sql(_FORGET, (self._writer,))
        self._drop()

    def _begin(self, first: Sequence[Statement]) -> None:
        """Begin, on a new connection if need be, and run the first statements.

        Raises once the database is gone for long, with the transaction undone; or what one
        of the statements fails with.
        """
        for pause in _pauses(_BEGIN_SECONDS):
            begin = [*map(Statement, _BEGIN), self._note()]
            try:
                self._database.run([*begin, *first])
            except (DatabaseError, InterfaceError) as error:
                if begin[-1].answer is not None:
                    raise
                passes = self._is_useless(error)
                self._undo()
                if _is_late(error):
                    passes = halted.end_holder(self._database)
                if not passes or pause is None:
                    raise
                sleep(pause)
            else:
                return

    def _note(self) -> Statement:
        return Statement(self._database.spelled(_NOTE), (self._writer, self._number))

    def _is_useless(self, error: Exception) -> bool:
        """Tell whether another connection may do; closes one to a server that takes no writes.

        Such a one is a former primary, or one that PgBouncer or the like leads to another
        server than before.
        """
        if isinstance(error.__cause__ or error.__context__, ReadOnlySqlTransaction):
            self._drop()
        return self._database.status is TransactionStatus.UNKNOWN

    def _commit(self) -> None:
        """Commit; where that is not plainly said to be done, look up whether it is."""
        number = self._number
        failure: Exception = _DoubtfulError()
        try:
            if self._database.commits_plainly():
                return
        except (DatabaseError, InterfaceError, LateError) as error:
            was_refused = self._database.status is not TransactionStatus.UNKNOWN
            self._undo()
            if was_refused:
                raise
            failure = error
        if not self._was_committed(number):
            raise failure
        _log.warning("a COMMIT was in doubt; the database had done it")

    def _was_committed(self, number: int) -> bool:
        """Look up what became of a transaction, once it is over: it held the row until then."""
        for pause in _pauses(_OUTCOME_SECONDS):
            try:
                self._database.run([*map(Statement, _BEGIN)])
                if not self._database.execute_sql(_NOTED, (self._writer, number)).rowcount:
                    return False
                if self._database.commits_plainly():
                    return True
            except (DatabaseError, InterfaceError) as error:
                _log.warning("the outcome of a COMMIT is not known yet: %s", type(error).__name__)
            finally:
                self._undo()
            if pause is not None:
                sleep(pause)
        raise RollbookError(
            Reason.OUTCOME_UNKNOWN,
            "The connection to the database was lost while it kept the change, so that it is not "
            "known whether it did. Look before you repeat it, or repeat it with the same "
            "request_id; an upload goes on from its committed position.",
        )

    def _undo(self) -> None:
        """Give the transaction up, and the connection if it is of no use any more."""
        self._database.forget()
        try:
            if self._database.status is not TransactionStatus.IDLE:
                self._database.execute_sql("ROLLBACK")
        except (DatabaseError, InterfaceError, psycopg.Error):
            pass
        if self._database.status is not TransactionStatus.IDLE:
            self._drop()

    def _drop(self) -> None:
        with suppress(DatabaseError, InterfaceError, psycopg.Error):
            self._database.close()


def _is_late(error: Exception) -> bool:
    """Tell whether the row was waited for until the time for it ran out."""
    return isinstance(error.__cause__ or error.__context__, LockNotAvailable)


class _DoubtfulError(OperationalError):
    """The database did not commit what it was told to, and gave no reason."""


def _pauses(seconds: float) -> Iterator[float | None]:
    """Give how long to wait before each next try, ever longer; None with the last one."""
    end, pause = monotonic() + seconds, _FIRST_PAUSE
    while monotonic() + pause < end:
        yield pause * _CHANCE.uniform(0.5, 1.0)
        pause = min(2 * pause, _LONGEST_PAUSE)
    yield None

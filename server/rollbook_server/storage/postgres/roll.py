"""The connection to PostgreSQL that writes; see `storage.engine`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from peewee import PostgresqlDatabase

# What runs past peewee raises the driver's errors, which nobody else knows; in here peewee's.
from peewee import __exception_wrapper__ as _peewees_errors  # type: ignore[attr-defined]
from psycopg.errors import DeadlockDetected, SerializationFailure
from psycopg.pq import TransactionStatus

from rollbook_server.storage.engine import LateError
from rollbook_server.storage.postgres.database import PostgresEngine, sayable
from rollbook_server.storage.postgres.outbox import Statement, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import psycopg


class PostgresRoll(PostgresEngine, PostgresqlDatabase):
    """The connection that writes."""

    _was_warned = False

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self._handed_over: list[Statement] = []
        self._foreseen: dict[tuple[str, Sequence[Any]], Statement] = {}

    def execute_sql(self, sql: str, params: Sequence[Any] | None = None) -> Any:
        """Run our SQL, and with it what was handed over before; or give what was foreseen."""
        if self._foreseen:
            foreseen = self._foreseen.pop((sql, tuple(params or ())), None)
            if foreseen is not None:
                return foreseen.cursor
            self._foreseen.clear()
        if not self._handed_over:
            return super().execute_sql(sql, params)
        asked = Statement(self.spelled(sql), sayable(params))
        self._run([asked])
        return asked.cursor

    def hand_over(self, sql: str, params: Sequence[Any] | None = None) -> None:
        """Keep the SQL until an answer is waited for."""
        self._foreseen.clear()
        self._handed_over.append(Statement(self.spelled(sql), sayable(params)))

    def ask_ahead(self, sql: str) -> Callable[[], Any]:
        """Ask with what is handed over; anew if that is forgotten."""
        asked = Statement(self.spelled(sql))
        self._handed_over.append(asked)

        def cursor() -> Any:
            if asked.cursor is None:
                self.settle()
            return asked.cursor or self.execute_sql(sql)

        return cursor

    def look_ahead(self, questions: Iterable[tuple[str, Sequence[Any]]]) -> None:
        """Run queries that come next; what is written makes their results void."""
        asked = {each: Statement(self.spelled(each[0]), sayable(each[1])) for each in questions}
        self._run(list(asked.values()))
        self._foreseen = asked

    def settle(self) -> None:
        """Run what was handed over."""
        self._foreseen.clear()
        if self._handed_over:
            self._run([])

    def forget(self) -> None:
        """Run nothing of it."""
        self._foreseen.clear()
        self._handed_over = []

    def _run(self, asked: list[Statement]) -> None:
        """Run what was handed over, and what is asked behind it."""
        late, self._handed_over = self._handed_over, []
        try:
            with _peewees_errors:
                run(self.connection(), [*late, *asked])  # type: ignore[no-untyped-call]
        except Exception as error:
            is_late = any(each.cursor is None for each in late)
            # Of others it does not matter which statement met them.
            if is_late and self.status is TransactionStatus.INERROR and not is_clash(error):
                raise LateError from error
            raise

    def commits_plainly(self) -> bool:
        """Commit; False if that is in doubt.

        A COMMIT that somebody cancels while it waits for a synchronous standby comes back
        as if it were done, with a warning that only this server may have it.
        """
        self._was_warned = False
        done = self.execute_sql("COMMIT").statusmessage
        return done == "COMMIT" and not self._was_warned

    def _initialize_connection(self, conn: psycopg.Connection[Any]) -> None:
        super()._initialize_connection(conn)
        conn.add_notice_handler(self._hear)

    def _hear(self, notice: psycopg.errors.Diagnostic) -> None:
        self._was_warned |= notice.severity_nonlocalized == "WARNING"


def is_clash(error: BaseException) -> bool:
    """Tell whether a transaction from outside was met."""
    cause = error.__cause__ or error.__context__ or error
    return isinstance(cause, (DeadlockDetected, SerializationFailure))

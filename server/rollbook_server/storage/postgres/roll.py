"""The connection that writes to PostgreSQL."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, TypeAlias

# What runs past peewee raises the driver's errors, which nobody else knows; in here peewee's.
from peewee import PostgresqlDatabase
from peewee import __exception_wrapper__ as _peewees_errors  # type: ignore[attr-defined]

from rollbook_server.storage.postgres.database import PostgresEngine, sayable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import psycopg

    Statement: TypeAlias = tuple[str, Sequence[Any] | None]

# It warns of each pipeline that ends in an error, which is raised, too.
logging.getLogger("psycopg").setLevel(logging.ERROR)


class PostgresRoll(PostgresEngine, PostgresqlDatabase):
    """The connection that writes.

    A batch of an upload is a dozen small statements beside its rows, and PostgreSQL idles
    on the way to and from each. Those without a result wait for the next one that has one,
    or for the COMMIT, and go with it in one message; and so do queries that are foreseen.
    """

    _was_warned = False

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        self._later: list[tuple[str, Sequence[Any]]] = []
        self._foreseen: dict[tuple[str, Sequence[Any]], Any] = {}
        super().__init__(*arguments, **settings)

    def execute_later(self, sql: str, params: Sequence[Any] = ()) -> None:
        """Run our SQL with the next statement."""
        self._foreseen.clear()
        self._later.append((sql, params))

    def look_ahead(self, questions: Iterable[tuple[str, Sequence[Any]]]) -> None:
        """Run queries that come next; what is written makes their results void."""
        asked = list(questions)
        self._foreseen = dict(zip(asked, self._together(asked), strict=True))

    def execute_sql(self, sql: str, params: Sequence[Any] | None = None) -> Any:
        """Run our SQL, and before it what was put off, unless that is to be undone."""
        if self._foreseen:
            found = self._foreseen.pop((sql, tuple(params or ())), None)
            if found is not None:
                return found
        self._foreseen.clear()
        if sql.startswith("ROLLBACK"):
            self._later.clear()
        return self._together([(sql, params)])[-1]

    def _together(self, statements: Sequence[Statement]) -> list[Any]:
        """Run what was put off, and these, in one message; gives what came of these."""
        waiting, self._later = self._later, []
        if not waiting and len(statements) == 1:
            return [super().execute_sql(*statements[0])]
        connection: psycopg.Connection[Any] = self.connection()  # type: ignore[no-untyped-call]
        with _peewees_errors, connection.pipeline():
            sent = [self._sent(sql, params or ()) for sql, params in (*waiting, *statements)]
        return sent[len(waiting) :]

    def _sent(self, sql: str, params: Sequence[Any]) -> Any:
        cursor = self.cursor()  # type: ignore[no-untyped-call]
        cursor.execute(self.spelled(sql), sayable(params))
        return cursor

    def catch_up(self) -> None:
        """Run what was put off, before what runs past `execute_sql`."""
        self._foreseen.clear()
        if self._later:
            self._together([self._later.pop()])

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

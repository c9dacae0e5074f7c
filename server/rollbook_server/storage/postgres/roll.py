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
    from typing import TypeAlias

    import psycopg

    Begin: TypeAlias = Callable[[Sequence[Statement]], None]
    Question: TypeAlias = tuple[str, tuple[Any, ...]]


class PostgresRoll(PostgresEngine, PostgresqlDatabase):
    """The connection that writes."""

    _was_warned = False

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self._begin: Begin | None = None
        self._handed_over: list[Statement] = []
        self._expected: dict[Question, Statement] = {}
        self._foreseen: dict[Question, Statement] = {}

    def begin_by(self, begin: Begin) -> None:
        """Let the next statements be run by what begins a transaction before them."""
        self.forget()
        self._begin = begin

    @property
    def is_to_begin(self) -> bool:
        """Tell whether nothing was run since `begin_by`."""
        return self._begin is not None

    def execute_sql(self, sql: str, params: Sequence[Any] | None = None) -> Any:
        """Run our SQL, and with it what was handed over before; or give what was foreseen."""
        foreseen = self._looked_ahead(sql, params)
        if foreseen is not None:
            return foreseen.answer
        if not self._handed_over and not self.is_to_begin:
            return super().execute_sql(sql, params)
        asked = self._statement(sql, params)
        self._run([asked])
        return asked.answer

    def _looked_ahead(self, sql: str, params: Sequence[Any] | None) -> Statement | None:
        """Give what was foreseen, or is with this question; whatever else is run voids it."""
        if not (self._foreseen or self._expected):
            return None
        question = _question(sql, params)
        if question in self._foreseen:
            return self._foreseen.pop(question)
        foreseen, expected = self._foreseen, self._expected
        self._foreseen, self._expected = {}, {}
        if question not in expected:
            return None
        self._run(list(expected.values()))
        self._foreseen = foreseen | expected
        return self._foreseen.pop(question)

    def hand_over(self, sql: str, params: Sequence[Any] | None = None) -> None:
        """Keep the SQL until an answer is waited for."""
        self._foreseen.clear()
        self._handed_over.append(self._statement(sql, params))

    def ask_ahead(self, sql: str) -> Callable[[], Any]:
        """Ask with what is handed over; anew if that is forgotten."""
        asked = self._statement(sql)
        self._handed_over.append(asked)

        def answer() -> Any:
            if asked.answer is None:
                self.settle()
            return asked.answer or self.execute_sql(sql)

        return answer

    def look_ahead(self, questions: Iterable[tuple[str, Sequence[Any]]]) -> None:
        """Ask them all with the first that is; what is written makes the others void."""
        for sql, params in questions:
            question = _question(sql, params)
            if question not in self._foreseen:
                self._expected[question] = self._statement(sql, params)

    def settle(self) -> None:
        """Run what was handed over; and begin, if that is still to be done."""
        self._foreseen.clear()
        self._expected.clear()
        if self._handed_over or self.is_to_begin:
            self._run([])

    def forget(self) -> None:
        """Run nothing of it."""
        self._foreseen.clear()
        self._expected.clear()
        self._handed_over, self._begin = [], None

    def run(self, statements: Sequence[Statement]) -> None:
        """Run statements in one message; raises peewee's error of the first that fails."""
        with _peewees_errors:
            run(self.connection(), statements)  # type: ignore[no-untyped-call]

    def _run(self, asked: list[Statement]) -> None:
        """Run what was handed over, and what is asked behind it."""
        late, self._handed_over = self._handed_over, []
        begin, self._begin = self._begin, None
        try:
            (begin or self.run)([*late, *asked])
        except Exception as error:
            is_late = any(each.answer is None for each in late)
            # Of others it does not matter which statement met them.
            if is_late and self.status is TransactionStatus.INERROR and not is_clash(error):
                raise LateError from error
            raise

    def _statement(self, sql: str, params: Sequence[Any] | None = None) -> Statement:
        return Statement(self.spelled(sql), sayable(params))

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


def _question(sql: str, params: Sequence[Any] | None) -> Question:
    """Give what a question is known by; what peewee makes of bytes cannot be looked up."""
    values = (bytes(each) if isinstance(each, bytearray) else each for each in params or ())
    return sql, tuple(values)


def is_clash(error: BaseException) -> bool:
    """Tell whether a transaction from outside was met."""
    cause = error.__cause__ or error.__context__ or error
    return isinstance(cause, (DeadlockDetected, SerializationFailure))

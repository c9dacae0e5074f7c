"""SQLite as an engine of the roll; see `storage.engine`."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING, Any

from peewee import DatabaseError, SqliteDatabase
from playhouse.pool import PooledSqliteDatabase

from rollbook_server.storage.bulk import pieces
from rollbook_server.storage.engine import Readers, RollDatabase, spell
from rollbook_server.storage.profile_ranges import OF_PROFILE
from rollbook_server.storage.sqlite.log_length import LogLength
from rollbook_server.storage.sqlite.packing import Packing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from peewee import Model

    from rollbook_server.storage.engine import Answers
    from rollbook_server.storage.sqlite.log_sync import LogSync

_MEMBERS = "SELECT value FROM json_each(?)"
_EVENT_TEXTS = (
    *("action", "actor", "source", "profile_id", "device_id", "resource_id", "reason"),
    "details",
)
# Texts as bytes, for the driver fails on those that are no UTF-8; and with them whether
# they are of the type that we wrote, for SQLite takes any type in any column.
_LINKS = f"""
sequence, event_time, {", ".join(f"CAST({name} AS BLOB)" for name in _EVENT_TEXTS)},
    digest, seal, typeof(event_time) = 'integer' AND
    {" AND ".join(f"typeof({name}) = 'text'" for name in _EVENT_TEXTS)}
"""
_SPELLING = {
    "TEXTS": _MEMBERS,
    "NUMBERS": _MEMBERS,
    "AMONG_TEXTS": f"IN ({_MEMBERS})",
    "AMONG_NUMBERS": f"IN ({_MEMBERS})",
    "PAIRS": "SELECT json_extract(value, '$[0]') AS number, json_extract(value, '$[1]') AS key "
    "FROM json_each(?)",
    "TRIPLES": "SELECT json_extract(value, '$[0]') AS number, json_extract(value, '$[1]') AS key,"
    " json_extract(value, '$[2]') AS second FROM json_each(?)",
    "LISTS": "SELECT json_extract(value, '$[0]') AS number, value AS content FROM json_each(?)",
    "THEN": "CROSS JOIN",
    "PLAIN": "+",
    "NAMES_IN_USE": "SELECT a.key FROM "
    + OF_PROFILE.replace("$THEN", "CROSS JOIN")
    + " CROSS JOIN json_each(d.attributes) a",
    "LINKS": _LINKS,
    "TABLES": "SELECT name FROM sqlite_master WHERE type = 'table'",
}

_PUT_IN = """
INSERT INTO {table} ({columns}, {shared})
WITH given ({columns}) AS ({values})
SELECT {columns}, {parameters} FROM given WHERE {first} IS NOT NULL
"""

_spelled = cache(lambda sql: spell(sql, _SPELLING))


class SqliteEngine(RollDatabase):
    """How SQLite spells, packs and inserts."""

    steps_with_python = True
    # Whether all rows met keys that were taken when some were put in last; and all of them
    # keys of earlier rows of their upload.
    expects_taken = expects_repeated = False

    def spelled(self, sql: str) -> str:
        """Give the SQL as SQLite takes it; what has no word is not kept in mind."""
        return _spelled(sql) if "$" in sql else sql

    def packing(self) -> Packing:
        """Begin to prepare rows as parameters."""
        return Packing()

    def put_in(
        self, table: str, columns: Mapping[str, Sequence[Any]], shared: Mapping[str, Any]
    ) -> None:
        """Insert rows, the first column of which is never NULL."""
        cells = list(chain.from_iterable(zip(*columns.values(), strict=True)))
        for values, parameters, _ in pieces(cells, len(columns)):
            sql = _put_in(table, tuple(columns), tuple(shared), values)
            self.execute_sql(sql, [*parameters, *shared.values()])

    def walk(self, sql: str, parameters: Sequence[Any]) -> Any:
        """Run a query; every cursor of SQLite walks."""
        return self.execute_sql(sql, parameters)

    def add_rows(self, table: str, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Insert rows."""
        places = ", ".join("?" * len(names))
        sql = f"INSERT INTO {table} ({_quoted(names)}) VALUES ({places})"
        self.cursor().executemany(sql, rows)  # type: ignore[no-untyped-call]

    def take_over(self, tables: Sequence[type[Model]]) -> None:
        """Do nothing: SQLite gives the number after the greatest, and plans without figures."""


class SqliteRoll(SqliteEngine, SqliteDatabase):
    """The connection that writes."""


class SqliteReaders(SqliteEngine, PooledSqliteDatabase, Readers):  # type: ignore[misc]
    """The connections that read."""

    def _can_reuse(self, conn: Any) -> bool:
        """Tell whether a connection that is given back is kept."""
        return not self.has_ended and bool(super()._can_reuse(conn))

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Take a connection and read one state of the roll."""
        with self.connection_context(), self.atomic():
            yield


class SqliteWriting:
    """How SQLite makes a transaction; the writer's thread alone may use it.

    SQLite before 3.51.3 can lose committed data when two connections write or
    checkpoint (sqlite.org/wal.html, the WAL-reset bug).
    """

    def __init__(self, database: SqliteRoll, log: LogSync) -> None:
        self._database, self._log = database, log
        self._log_length = LogLength(database, log.length)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Begin, and commit at the end."""
        if not self._log.has_failed:  # see `rest`
            self._log_length.bound()
        try:
            with self._database.atomic():
                yield
                self._log.expect()
        except BaseException:
            self._log.withdraw()
            raise

    def answer(self, answers: Answers, *, beside: bool) -> None:
        """Give results once the log is synced."""
        (self._log.settle_beside if beside else self._log.settle)(answers)

    def is_given_up(self) -> bool:
        """Tell whether the transaction is undone, as it is on a full disk."""
        return not self._database.connection().in_transaction  # type: ignore[no-untyped-call]

    def is_clash(self, error: Exception) -> bool:  # noqa: ARG002 - there is one writer
        """Tell that it met nobody."""
        return False

    def rest(self) -> None:
        """Take the log into the database file, as far as no reader needs it."""
        if self._log.has_failed:  # it would be read without a look at its checksums
            return
        with suppress(DatabaseError):  # a full disk: the log keeps everything meanwhile
            self._database.execute_sql("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def close(self) -> None:
        """Give all answers, and close the log and the database."""
        self._log.close()
        self._database.close()


@cache
def _put_in(table: str, columns: tuple[str, ...], shared: tuple[str, ...], values: str) -> str:
    return _PUT_IN.format(
        table=table,
        columns=_quoted(columns),
        shared=_quoted(shared),
        values=values,
        parameters=", ".join("?" * len(shared)),
        first=_quoted(columns[:1]),
    )


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)

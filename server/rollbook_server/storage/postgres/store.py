"""The roll in a PostgreSQL database, which any number of servers share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from peewee import DatabaseError, InterfaceError

from rollbook_server.storage import schema
from rollbook_server.storage.postgres.database import PostgresReaders, PostgresRoll, settings
from rollbook_server.storage.postgres.writing import PostgresWriting
from rollbook_server.storage.roll_store import RollStore, StoreError, unsealed
from rollbook_server.storage.schema import NewerSchemaError

if TYPE_CHECKING:
    from collections.abc import Callable

# Connections of one server: a few servers together stay below the 100 that PostgreSQL takes
# unless it is told otherwise. A read lasts milliseconds, so the others wait for theirs.
_READERS = 16
_WAIT_SECONDS = 10

_IDENTITY = "SELECT oid FROM pg_database WHERE datname = current_database()"


class PostgresStore(RollStore):
    """A `domain.ports.Store` on a PostgreSQL database; close it when done.

    `keyed` is what audit events are sealed with: a digest that takes a key. Raises
    StoreError if the database cannot be reached, or its schema is newer than this
    program.
    """

    def __init__(self, url: str, keyed: Callable[[str], bytes] = unsealed) -> None:
        database = PostgresRoll(**settings(url), thread_safe=False)
        writing = PostgresWriting(database)
        try:
            _open(database, writing)
        except BaseException:
            writing.close()
            raise
        pool = {"max_connections": _READERS, "timeout": _WAIT_SECONDS}
        super().__init__(database, writing, PostgresReaders(**settings(url, **pool)), keyed)

    @property
    def has_other_servers(self) -> bool:
        """Tell that other servers may write to the same database."""
        return True

    def identity(self) -> int:
        """Give the number that PostgreSQL gave the database."""
        return self.read(lambda _: int(self._readers.execute_sql(_IDENTITY).fetchone()[0]))


def _open(database: PostgresRoll, writing: PostgresWriting) -> None:
    """Prepare the database, or raise StoreError with what is wrong with it."""
    try:
        writing.prepare()
        with writing.transaction():
            schema.prepare(database)
    except NewerSchemaError as error:
        raise StoreError(str(error)) from error
    except (DatabaseError, InterfaceError) as error:
        raise StoreError(
            f"The PostgreSQL database cannot be used: {_first_line(error)}. See that it runs, and "
            "that --database names its host, database and user."
        ) from error


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__).rstrip(".")

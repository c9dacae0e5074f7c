"""The roll in a PostgreSQL database, which any number of servers share."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import psycopg
from peewee import DatabaseError, InterfaceError, OperationalError
from psycopg.errors import InsufficientPrivilege

from rollbook_server.storage import migrating
from rollbook_server.storage.faults import cause
from rollbook_server.storage.migrating import SchemaError
from rollbook_server.storage.postgres import fitness
from rollbook_server.storage.postgres.away import is_away
from rollbook_server.storage.postgres.database import PostgresReaders, settings
from rollbook_server.storage.postgres.roll import PostgresRoll
from rollbook_server.storage.postgres.writing import PostgresWriting
from rollbook_server.storage.roll_store import RollStore, StoreAwayError, StoreError, unsealed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_log = logging.getLogger(__name__)

# Connections of one server: a few servers together stay below the 100 that PostgreSQL takes
# unless it is told otherwise. A read lasts milliseconds, so the others wait for theirs.
_READERS = 16
_WAIT_SECONDS = 10

_READ_ONLY = "SHOW default_transaction_read_only"
_IDENTITY = "SELECT oid FROM pg_database WHERE datname = current_database()"


class PostgresStore(RollStore):
    """A `domain.ports.Store` on a PostgreSQL database; close it when done.

    `keyed` is what audit events are sealed with: a digest that takes a key. Raises
    StoreAwayError if the database cannot be reached, and StoreError if it cannot be used, or
    its schema is newer than this program, or older and not to be upgraded.
    """

    # 200,000 rows take 0.64 s where psql copies their file in 0.49. COPY takes 0.55 of it, no more
    # than where one statement has all of them ready made; half of that is for the two indexes
    # beside the key. Whole indexes in place of partial ones would save 0.01 of it, defaults in the
    # table half as much, the binary form 0.015. Beside its rows a batch costs its COMMIT (3 ms,
    # until the disk has them) and the questions before it (1 ms), for which PostgreSQL idles; on a
    # busy machine that is 20 ms. Larger ones gain next to nothing, for their COMMITs take longer,
    # hold the writers' row for longer than 50 ms, and with 18,000 more than 32 MiB of memory.
    batch_rows = 14_000
    is_slower_than_reading = True

    def __init__(
        self, url: str, keyed: Callable[[str], bytes] = unsealed, *, may_upgrade: bool = True
    ) -> None:
        database = PostgresRoll(**settings(url), thread_safe=False)
        writing = PostgresWriting(database)
        try:
            _open(database, writing, may_upgrade=may_upgrade)
        except (DatabaseError, InterfaceError) as error:
            writing.close()
            raise (_away(error) if is_away(error, url) else unusable(error)) from error
        except BaseException:
            writing.close()
            raise
        pool = {"max_connections": _READERS, "timeout": _WAIT_SECONDS}
        super().__init__(database, writing, PostgresReaders(**settings(url, **pool)), keyed)

    @property
    def has_other_servers(self) -> bool:
        """Tell that other servers may write to the same database."""
        return True

    def _looks_closed(self) -> bool:
        """Tell whether whoever runs the database has it take no writes, as on a full disk."""
        return self.read(lambda _: str(self._readers.execute_sql(_READ_ONLY).fetchone()[0])) == "on"

    def identity(self) -> int:
        """Give the number that PostgreSQL gave the database."""
        return self.read(lambda _: int(self._readers.execute_sql(_IDENTITY).fetchone()[0]))


def _open(database: PostgresRoll, writing: PostgresWriting, *, may_upgrade: bool) -> None:
    """Prepare the database; raises StoreError for what in it is wrong, or what peewee does."""
    try:
        fitness.check(database)
        writing.prepare()
        if not migrating.is_ready(database, may_upgrade=may_upgrade):
            upgrade_in_turn(database, writing)
    except SchemaError as error:
        raise StoreError(str(error)) from error


def upgrade_in_turn(database: PostgresRoll, writing: PostgresWriting) -> Sequence[str]:
    """Bring the schema up to date, or wait until another server has; gives the steps done.

    Raises what `migrating.upgrade` does, and StoreError for a role that may not. Whoever ends in
    the middle of it leaves the turn, and the schema as it was, to the next.
    """
    fitness.check_owner(database)
    while True:
        try:
            with writing.transaction():
                return migrating.upgrade(database)
        except OperationalError as error:
            if not isinstance(error.__context__, psycopg.errors.LockNotAvailable):
                raise
            _log.warning(
                "another server changes the database, or reads what is to be changed: waiting to "
                "bring its schema up to date"
            )


def _away(error: Exception) -> StoreAwayError:
    return StoreAwayError(str(unusable(error)), cause(error))


def unusable(error: Exception) -> StoreError:
    """Give what to raise for what the database complains of."""
    said = f"The PostgreSQL database cannot be used: {_first_line(error)}."
    if isinstance(error.__cause__ or error.__context__ or error, InsufficientPrivilege):
        return StoreError(f"{said} Give its role that right, or let one that has it do this.")
    return StoreError(
        f"{said} See that it runs, and that its URL names its host, database and user."
    )


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__).rstrip(".")

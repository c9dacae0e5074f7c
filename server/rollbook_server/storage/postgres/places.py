"""A PostgreSQL database that is looked at, upgraded, copied from or into; see `storage.places`."""

from __future__ import annotations

from contextlib import closing, contextmanager
from time import monotonic, sleep
from typing import TYPE_CHECKING

import psycopg
from peewee import DatabaseError, InterfaceError
from psycopg.conninfo import make_conninfo

from rollbook_server.domain.errors import RollbookError
from rollbook_server.storage import migrating
from rollbook_server.storage.places import Filling, Place, told_of_schema
from rollbook_server.storage.postgres import fitness
from rollbook_server.storage.postgres.database import NAME, READ, said_in, settings
from rollbook_server.storage.postgres.roll import PostgresRoll
from rollbook_server.storage.postgres.store import unusable, upgrade_in_turn
from rollbook_server.storage.postgres.writing import PostgresWriting
from rollbook_server.storage.roll_store import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

    from rollbook_server.storage.engine import RollDatabase

_OTHERS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND split_part(application_name, '/', 1) = ?
    AND pid <> pg_backend_pid()
"""
# Of the parameters of libpq up to PostgreSQL 18.
_SECRETS = {
    *("password", "sslpassword", "oauth_client_secret"),
    *("scram_client_key", "scram_server_key"),
}
# So long the connections of a program that was killed may outlive it.
_LEAVING_SECONDS, _LOOK_SECONDS = 5.0, 0.1


class PostgresPlace(Place):
    """A database of a PostgreSQL."""

    engine = "PostgreSQL"

    def __init__(self, url: str) -> None:
        self._settings = settings(url)
        said = said_in(url)
        user, host, port, database = (
            str(said.get(part) or "") for part in ("user", "host", "port", "dbname")
        )
        self.name = f"postgresql://{user}@{host}{port and f':{port}'}/{database}"

    @contextmanager
    def looked_at(self) -> Iterator[RollDatabase]:
        """Read the database in one transaction."""
        with self._told(), self._connected() as database:
            database.execute_sql(READ)
            yield database

    @contextmanager
    def kept_still(self) -> Iterator[RollDatabase]:
        """Read the database, which no server is connected to when it begins."""
        with self._told(), self._connected() as database:
            self._check_alone(database)
            database.execute_sql(READ)
            yield database

    @contextmanager
    def filled(self) -> Iterator[PostgresFilling]:
        """Write to the database, which no server is connected to when it begins."""
        with self._told(), self._writing() as filling:
            self._check_alone(filling.database)
            yield filling

    def upgraded(self) -> Sequence[str]:
        """Upgrade, if there is anything to do, in turn with the servers that are connected."""
        with self._told(), told_of_schema(), self._writing() as filling:
            if migrating.is_ready(filling.database, may_upgrade=True):
                return ()
            return upgrade_in_turn(filling.database, filling.writing)

    @contextmanager
    def _connected(self) -> Iterator[PostgresRoll]:
        with closing(PostgresRoll(**self._settings, thread_safe=False)) as database:
            database.connect()
            yield database

    @contextmanager
    def _writing(self) -> Iterator[PostgresFilling]:
        database = PostgresRoll(**self._settings, thread_safe=False)
        writing = PostgresWriting(database)
        with closing(writing):
            fitness.check(database)
            writing.prepare()
            yield PostgresFilling(database, writing)

    def _check_alone(self, database: PostgresRoll) -> None:
        """Raise StoreError if a server is connected; one that was just killed may be yet."""
        end = monotonic() + _LEAVING_SECONDS
        while database.execute_sql(_OTHERS, (NAME,)).fetchone()[0]:
            if monotonic() > end:
                raise StoreError(
                    f"{self.name} is in use by a server, or by another copy: stop it first. "
                    "PgBouncer keeps connections of those that ended for a while; RECONNECT in "
                    "its console closes them."
                )
            sleep(_LOOK_SECONDS)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (DatabaseError, InterfaceError, psycopg.Error) as error:
            raise unusable(error) from error
        except RollbookError as error:  # the outcome of a COMMIT is not known
            raise StoreError(str(error)) from error


def passwordless(url: str) -> str:
    """Give the same connection as PostgreSQL's programs take it, without what is secret in it.

    Raises StoreError for a URL that cannot be read.
    """
    said = {name: value for name, value in said_in(url).items() if name not in _SECRETS}
    return make_conninfo("", **said)


class PostgresFilling(Filling):
    """A connection that writes as a server does."""

    database: PostgresRoll

    def __init__(self, database: PostgresRoll, writing: PostgresWriting) -> None:
        self.database, self.writing = database, writing

    def transaction(self) -> AbstractContextManager[object]:
        """Begin and commit."""
        return self.writing.transaction()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Read."""
        self.database.execute_sql(READ)
        try:
            yield
        finally:
            self.database.rollback()

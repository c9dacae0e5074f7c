"""A SQLite file that is looked at, upgraded, copied from or into; see `storage.places`."""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from peewee import DatabaseError

from rollbook_server.storage import migrating
from rollbook_server.storage.places import Filling, Place, told_of_schema
from rollbook_server.storage.roll_store import StoreError
from rollbook_server.storage.sqlite.backups import uri_at_rest
from rollbook_server.storage.sqlite.database import SqliteRoll
from rollbook_server.storage.store import PRIVATE, locked, unusable, writing_on

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from rollbook_server.storage.engine import RollDatabase


class SqlitePlace(Place):
    """A file."""

    engine = "SQLite"

    def __init__(self, path: Path) -> None:
        self._path = path
        self.name = str(path.resolve())

    @contextmanager
    def looked_at(self) -> Iterator[RollDatabase]:
        """Read the file."""
        if not self._path.exists():
            raise StoreError(
                f"There is no database {self._path} yet: the first start of a server makes it, or "
                "`rollbook database upgrade`."
            )
        uri = f"{self._path.absolute().as_uri()}?mode=ro"
        with self._told(), closing(SqliteRoll(uri, uri=True)) as database, database.atomic():
            yield database

    @contextmanager
    def at_rest(self) -> Iterator[RollDatabase]:
        """Read a file that nobody writes to, if it can be without making others beside it."""
        uri = uri_at_rest(self._path)
        with self._told(), closing(SqliteRoll(uri, uri=True)) as database, database.atomic():
            yield database

    @contextmanager
    def kept_still(self) -> Iterator[RollDatabase]:
        """Read the file under the lock of a server."""
        if not self._path.exists():  # the lock would make one beside it
            raise StoreError(f"There is no database {self._path}.")
        with locked(self._path), self.looked_at() as database:
            yield database

    @contextmanager
    def filled(self) -> Iterator[SqliteFilling]:
        """Write to the file under the lock of a server."""
        with self._told(), locked(self._path):
            self._path.touch(PRIVATE)
            with closing(writing_on(self._path)) as database:
                database.connect()
                # What was told to be kept outlives a power loss, without a server's LogSync.
                database.execute_sql("PRAGMA synchronous = FULL")
                yield SqliteFilling(database)

    def upgraded(self) -> Sequence[str]:
        """Upgrade under the lock of a server."""
        with told_of_schema(), self.filled() as filling, filling.transaction():
            return migrating.upgrade(filling.database)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (DatabaseError, OSError) as error:
            raise unusable(self._path, error) from error


class SqliteFilling(Filling):
    """An open file."""

    def __init__(self, database: SqliteRoll) -> None:
        self.database = database

    def transaction(self) -> AbstractContextManager[object]:
        """Begin and commit."""
        return self.database.atomic()

    def reading(self) -> AbstractContextManager[object]:
        """Read."""
        return self.database.atomic()

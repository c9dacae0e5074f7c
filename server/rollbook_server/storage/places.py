"""A database that no server of this process has: looked at, upgraded, copied from or into."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rollbook_server.storage.migrating import SchemaError
from rollbook_server.storage.roll_store import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

    from rollbook_server.storage.engine import RollDatabase


class Place(ABC):
    """Where a database is; `name` tells it apart from others, and holds no password.

    Each block raises StoreError for what is wrong with the database.
    """

    engine: str
    name: str

    @abstractmethod
    def looked_at(self) -> AbstractContextManager[RollDatabase]:
        """Open it to be read, whoever serves it; what is read within is one state."""

    @abstractmethod
    def kept_still(self) -> AbstractContextManager[RollDatabase]:
        """Do the same, and keep servers away, as far as the engine can."""

    @abstractmethod
    def filled(self) -> AbstractContextManager[Filling]:
        """Open it to be written, or make it, and keep servers away."""

    @abstractmethod
    def upgraded(self) -> Sequence[str]:
        """Bring the schema up to date, or make it; gives the names of the steps done."""


class Filling(ABC):
    """A database that one program fills."""

    database: RollDatabase

    @abstractmethod
    def transaction(self) -> AbstractContextManager[object]:
        """Begin, and commit at the end; what raises within is undone."""

    @abstractmethod
    def reading(self) -> AbstractContextManager[object]:
        """Read one state within."""


@contextmanager
def told_of_schema() -> Iterator[None]:
    """Tell of a schema that does not fit as of everything that is wrong with a database."""
    try:
        yield
    except SchemaError as error:
        raise StoreError(str(error)) from error

"""A store on whatever engine: one thread that writes, connections that only read."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from peewee import DatabaseError, InterfaceError
from playhouse.pool import MaxConnectionsExceeded

from rollbook_server.domain import revivals
from rollbook_server.domain.audit_chain import Seals
from rollbook_server.storage import counters
from rollbook_server.storage.answers import StoredAnswers
from rollbook_server.storage.api_keys import StoredApiKeys
from rollbook_server.storage.audit import GatheredAudit, StoredAudit
from rollbook_server.storage.devices import StoredDevices
from rollbook_server.storage.faults import translated
from rollbook_server.storage.figures import StoredFigures
from rollbook_server.storage.guesses import GatheredGuesses, StoredGuesses
from rollbook_server.storage.inventory import StoredInventory
from rollbook_server.storage.leftovers import StoredLeftovers
from rollbook_server.storage.preparations import StoredPreparations
from rollbook_server.storage.profiles import StoredProfiles
from rollbook_server.storage.tokens import StoredTokens
from rollbook_server.storage.uploads import StoredUploads
from rollbook_server.storage.users import StoredUsers
from rollbook_server.storage.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Future

    from rollbook_server.domain.audit_chain import End
    from rollbook_server.domain.ports import Roll
    from rollbook_server.domain.repositories import Packing
    from rollbook_server.storage.engine import Readers, RollDatabase, WritingSide
    from rollbook_server.storage.writer import Told

T = TypeVar("T")
A = TypeVar("A")


class StoreError(Exception):
    """The database cannot be opened; the text says why and what to do."""


class StoreAwayError(StoreError):
    """The database cannot be reached now; `cause` is what was found, in short.

    It holds no password.
    """

    def __init__(self, message: str, cause: str) -> None:
        super().__init__(message)
        self.cause = cause


@dataclass(frozen=True, slots=True)
class _Roll:
    """What is stored, on one connection."""

    profiles: StoredProfiles
    tokens: StoredTokens
    users: StoredUsers
    api_keys: StoredApiKeys
    devices: StoredDevices
    inventory: StoredInventory
    uploads: StoredUploads
    preparations: StoredPreparations
    leftovers: StoredLeftovers
    answers: StoredAnswers
    audit: StoredAudit
    figures: StoredFigures
    guesses: StoredGuesses


def _roll(database: RollDatabase, audit: StoredAudit, guesses: StoredGuesses) -> _Roll:
    profiles = StoredProfiles(database)
    return _Roll(
        profiles,
        StoredTokens(database, profiles),
        StoredUsers(database),
        StoredApiKeys(database),
        StoredDevices(database, profiles),
        StoredInventory(database, profiles),
        StoredUploads(database, profiles),
        StoredPreparations(database, profiles),
        StoredLeftovers(database, profiles),
        StoredAnswers(database),
        audit,
        StoredFigures(database),
        guesses,
    )


class RollStore:
    """A `domain.ports.Store` on opened databases; close it when done.

    `keyed` is what audit events are sealed with: a digest that takes a key.
    """

    batch_rows = 6_000  # with more, SQLite gains little for its memory
    is_slower_than_reading = False

    def __init__(
        self,
        database: RollDatabase,
        writing_side: WritingSide,
        readers: Readers,
        keyed: Callable[[str], bytes],
    ) -> None:
        self._database, self._readers = database, readers
        self._writing_side = writing_side
        self._reading = _roll(readers, StoredAudit(readers), StoredGuesses(readers))
        self._audit = GatheredAudit(database, Seals(keyed))
        self._guesses = GatheredGuesses(database)
        writing = _roll(database, self._audit, self._guesses)
        self._writer = Writer(
            writing_side,
            database,
            writing,
            within=self._gathered,
            attempt=self._attempt,
            committed=self._audit.committed,
        )

    @contextmanager
    def _gathered(self) -> Iterator[None]:
        """Write, at the end of a transaction, what is gathered in it."""
        with self._audit.gathered(), self._guesses.gathered():
            yield

    def _attempt(self, work: Callable[[], T]) -> T:
        """Do work, and forget what was gathered in it if it fails."""
        return self._audit.of(lambda: self._guesses.of(work))

    def read(self, work: Callable[[Roll], T]) -> T:
        """Run work on one consistent state."""
        try:
            with self._readers.reading():
                return work(self._reading)
        except (DatabaseError, InterfaceError, MaxConnectionsExceeded) as error:
            raise translated(error) from error

    def write(self, work: Callable[[Roll], T], *, is_bulk: bool = False) -> T:
        """Run work and give its result once it is durable."""
        return self.submit(work, is_bulk=is_bulk).result()

    def submit(self, work: Callable[[Roll], T], *, is_bulk: bool = False) -> Future[T]:
        """Run work as `write` does, without waiting."""
        context = copy_context()  # here, where it is known who calls
        return self._writer.submit(lambda roll: context.run(work, roll), is_bulk=is_bulk)

    def write_together(self, work: Callable[[Roll, Sequence[A]], Sequence[T]], argument: A) -> T:
        """Run work on the arguments of all who ask for the same at the same time."""
        return self._writer.submit_together(work, argument).result()

    def is_shared(self) -> bool:
        """Tell whether small work comes again and again."""
        return self._writer.is_shared()

    def watch_commits(self, told: Told) -> None:
        """Tell of every commit from now on; see `Writer.watch`."""
        self._writer.watch(told)

    def queued(self) -> tuple[int, int]:
        """Give how many pieces of work wait for the writer: small ones, and bulk."""
        return self._writer.queued()

    def is_stuck(self) -> bool:
        """Tell whether a write has been under way for too long."""
        return self._writer.is_stuck()

    def packing(self) -> Packing:
        """Begin to prepare rows for Devices.insert, outside a transaction."""
        return self._database.packing()

    def newest_event(self) -> End:
        """Give the newest audit event that was written or seen here."""
        return self._audit.seen.end

    def see_newest_event(self) -> None:
        """Remember the newest audit event that there is, as if it had been written here."""
        self._audit.seen.begin(self.read(lambda roll: roll.audit.newest()))

    @property
    def has_other_servers(self) -> bool:
        """Tell whether other servers may write to the same database."""
        return False

    def check_room(self) -> None:
        """Raise RollbookError with STORE_FULL before the disk is quite full."""

    def check_writes(self) -> None:
        """Raise RollbookError if nothing can be written; tries it where that is in doubt."""
        if self._writer.is_in_doubt or self._looks_closed():
            self._writer.submit(lambda _: counters.try_out(self._database)).result()

    def _looks_closed(self) -> bool:
        """Tell whether the engine knows a sign that it takes no writes."""
        return False

    def identity(self) -> int:
        """Give a number that another database in the place of this one would not have."""
        raise NotImplementedError

    def holds_tokens(self) -> bool:
        """Tell whether there is any token."""
        return self.read(lambda _: self._reading.tokens.exist())

    def holds_secrets(self) -> bool:
        """Tell whether there is what somebody may void: tokens, API keys, users."""
        return self.holds_tokens() or self.read(revivals.holds_keys_or_users)

    def needs_key_file(self) -> bool:
        """Tell whether a key file must be there already: for tokens, or for the audit log."""
        return self.holds_tokens() or self.read(lambda roll: roll.audit.end()) is not None

    def close(self) -> None:
        """Do the work that is queued, and close the connections.

        Reads under way go on, as of an inventory whose reader is gone: to close the
        connection of another thread would crash the process. The writing one is the last:
        it alone can take what SQLite's log holds into the file, and the log away.
        """
        self._writer.close()
        self._close_connections()

    def _close_connections(self) -> None:
        self._readers.end()
        self._writing_side.close()


def unsealed(_: str) -> bytes:
    """Stand for the keyed digest of a store that keeps no audit log."""
    raise AssertionError("a store that was given no keyed digest keeps no audit log")

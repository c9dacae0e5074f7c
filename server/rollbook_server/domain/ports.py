"""What the domain needs of the rest of the house, as Protocols.

A `Store` runs work in transactions; the `Roll` it hands to the work is the one
door to what is stored, a repository for every noun. A Roll belongs to the
transaction it was handed out in and must not be kept beyond it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future

    from rollbook_server.domain.api_key_repository import ApiKeys
    from rollbook_server.domain.audit_chain import End
    from rollbook_server.domain.audit_repository import AuditLog
    from rollbook_server.domain.figures import FiguresRepository
    from rollbook_server.domain.guess_repository import GuessLog
    from rollbook_server.domain.preparation_repository import Preparations
    from rollbook_server.domain.repositories import (
        Answers,
        Devices,
        Inventory,
        Packing,
        Profiles,
        Tokens,
        Users,
    )
    from rollbook_server.domain.upload_repository import Leftovers, Uploads

T = TypeVar("T")
A = TypeVar("A")


class Sealer(Protocol):
    """Keeps token values: findable by digest, readable only with the key file."""

    def digest(self, value: str) -> bytes:
        """Give what the value is looked up by."""

    def seal(self, value: str, *, token_id: str, profile_id: str) -> bytes:
        """Encrypt the value, bound to its token and profile."""

    def unseal(self, sealed: bytes, *, token_id: str, profile_id: str) -> str:
        """Give the value back, or raise RollbookError with TOKEN_UNREADABLE."""


class AnswerSealer(Protocol):
    """Keeps answers, which may hold passwords, unreadable without the key file."""

    def digest(self, value: str) -> bytes:
        """Give what tells requests apart, and nobody can try out without the key file."""

    def seal_answer(self, answer: bytes, *, request_id: str, digest: bytes) -> bytes:
        """Encrypt an answer, bound to its request."""

    def unseal_answer(self, sealed: bytes, *, request_id: str, digest: bytes) -> bytes:
        """Give the answer back, or raise RollbookError with ANSWER_UNREADABLE."""


class PasswordHasher(Protocol):
    """Keeps passwords so that they can be checked but not read. Thread-safe.

    `hash` and `verify` take tens of milliseconds and may wait: never in a transaction.
    """

    def hash(self, password: str) -> str:
        """Give what is stored of the password; another text each time."""

    def verify(self, password: str, password_hash: str) -> bool:
        """Tell whether the password is the one that was hashed.

        Takes as long with an empty hash, which no password fits. Raises RollbookError
        with TOO_MANY_SIGN_INS.
        """

    def is_outdated(self, password_hash: str) -> bool:
        """Tell whether `hash` goes about it in another way by now; gives back at once."""


class Roll(Protocol):
    """Everything that is stored, as it stands in one transaction."""

    @property
    def profiles(self) -> Profiles:
        """The profiles."""

    @property
    def tokens(self) -> Tokens:
        """The tokens."""

    @property
    def users(self) -> Users:
        """The users."""

    @property
    def api_keys(self) -> ApiKeys:
        """The API keys."""

    @property
    def devices(self) -> Devices:
        """The devices."""

    @property
    def inventory(self) -> Inventory:
        """The devices, as they leave for a file."""

    @property
    def uploads(self) -> Uploads:
        """The uploads."""

    @property
    def preparations(self) -> Preparations:
        """What uploads have prepared for their end."""

    @property
    def leftovers(self) -> Leftovers:
        """What is to be swept up."""

    @property
    def answers(self) -> Answers:
        """The answers."""

    @property
    def audit(self) -> AuditLog:
        """The audit log; see `audit.tell`."""

    @property
    def figures(self) -> FiguresRepository:
        """The roll in numbers."""

    @property
    def guesses(self) -> GuessLog:
        """What servers tell each other of guesses; see `guess_exchange`."""


class Store(Protocol):
    """Runs work in transactions. Thread-safe.

    Work must be short, must not wait for anything, and must not be run twice for
    one call unless it says so: it is run in the context in which it was handed over, so that
    `callers.current` gives whoever calls, and once; again only if the database undid it for
    somebody else's transaction. Raises RollbookError with STORE_FULL, STORE_UNAVAILABLE,
    OUTCOME_UNKNOWN or SERVER_STOPPING.
    """

    def read(self, work: Callable[[Roll], T]) -> T:
        """Run work on one consistent state; it must not write."""

    def write(self, work: Callable[[Roll], T], *, is_bulk: bool = False) -> T:
        """Run work and give its result once it is durable; an error undoes it.

        Work on hundreds of rows says that it `is_bulk`, and takes turns with all other.
        """

    def submit(self, work: Callable[[Roll], T], *, is_bulk: bool = False) -> Future[T]:
        """Run work as `write` does, without waiting."""

    def write_together(self, work: Callable[[Roll, Sequence[A]], Sequence[T]], argument: A) -> T:
        """Run work on the arguments of all who hand in the same work at the same time.

        It gives a result for each, in their order, and this gives one's own once it is
        durable. If it raises, it is undone and run again with each argument alone. The
        work must be the same object each time, and does not know who calls.
        """

    def is_shared(self) -> bool:
        """Tell whether work that is not bulk comes again and again, and waits for bulk work."""

    @property
    def batch_rows(self) -> int:
        """How many rows of an upload are best put in by one transaction; three are held.

        Two, where `is_slower_than_reading`.
        """

    @property
    def is_slower_than_reading(self) -> bool:
        """Tell whether to put rows in takes longer than to read and judge them."""

    def is_stuck(self) -> bool:
        """Tell whether a write has been under way for so long that the database must hang."""

    def newest_event(self) -> End:
        """Give the newest audit event that was written or seen here; it was in the log."""

    @property
    def has_other_servers(self) -> bool:
        """Tell whether other servers may write to the same database at any time."""

    def check_room(self) -> None:
        """Raise RollbookError with STORE_FULL before the disk is quite full.

        For whoever is about to write much: an upload would fill it to the last page,
        and no device could enroll any more.
        """

    def check_writes(self) -> None:
        """Raise RollbookError with STORE_FULL or STORE_UNAVAILABLE if no write is taken.

        Costs next to nothing as long as nothing hints at it; else something is written.
        """

    def packing(self) -> Packing:
        """Begin to prepare rows for Devices.insert, outside a transaction."""

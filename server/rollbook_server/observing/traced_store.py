"""A store that leaves spans: how long calls wait for it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from opentelemetry.trace import StatusCode, set_span_in_context

from rollbook_server.domain import tracks
from rollbook_server.transport.watch import SeenCall

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Future

    from opentelemetry.context import Context
    from opentelemetry.trace import Tracer

    from rollbook_server.domain.audit_chain import End
    from rollbook_server.domain.ports import Roll, Store
    from rollbook_server.domain.repositories import Packing

T = TypeVar("T")
A = TypeVar("A")


class TracedStore:
    """A `domain.ports.Store` that passes everything on to another one."""

    def __init__(self, store: Store, tracer: Tracer) -> None:
        self._store, self._tracer = store, tracer

    @contextmanager
    def _span(self, name: str) -> Iterator[None]:
        """Leave a span; of an error its class alone, for the text may name a device."""
        with self._tracer.start_as_current_span(
            name, _of_call(), record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield
            except BaseException as error:
                span.set_status(StatusCode.ERROR, type(error).__name__)
                raise

    def read(self, work: Callable[[Roll], T]) -> T:
        """Run work on one consistent state; it must not write."""
        with self._span("store.read"):
            return self._store.read(work)

    def write(self, work: Callable[[Roll], T], *, is_bulk: bool = False) -> T:
        """Run work and give its result once it is durable; an error undoes it."""
        with self._span(_named(is_bulk=is_bulk)):
            return self._store.write(work, is_bulk=is_bulk)

    def submit(self, work: Callable[[Roll], T], *, is_bulk: bool = False) -> Future[T]:
        """Run work as `write` does, without waiting."""
        span = self._tracer.start_span(_named(is_bulk=is_bulk), _of_call())
        future = self._store.submit(work, is_bulk=is_bulk)
        future.add_done_callback(lambda _: span.end())
        return future

    def write_together(self, work: Callable[[Roll, Sequence[A]], Sequence[T]], argument: A) -> T:
        """Run work on the arguments of all who hand in the same work at the same time."""
        with self._span("store.write_together"):
            return self._store.write_together(work, argument)

    @property
    def batch_rows(self) -> int:
        """How many rows of an upload are best put in by one transaction."""
        return self._store.batch_rows

    @property
    def is_slower_than_reading(self) -> bool:
        """Tell what the store does."""
        return self._store.is_slower_than_reading

    def is_shared(self) -> bool:
        """Tell whether work that is not bulk comes again and again."""
        return self._store.is_shared()

    def is_stuck(self) -> bool:
        """Tell whether a write has been under way for too long."""
        return self._store.is_stuck()

    def newest_event(self) -> End:
        """Give the newest audit event that was written or seen here."""
        return self._store.newest_event()

    @property
    def has_other_servers(self) -> bool:
        """Tell whether other servers may write to the same database at any time."""
        return self._store.has_other_servers

    def check_room(self) -> None:
        """Raise RollbookError with STORE_FULL before the disk is quite full."""
        self._store.check_room()

    def check_writes(self) -> None:
        """Raise RollbookError if no write is taken."""
        self._store.check_writes()

    def packing(self) -> Packing:
        """Begin to prepare rows for Devices.insert, outside a transaction."""
        return self._store.packing()


def _named(*, is_bulk: bool) -> str:
    return "store.write_bulk" if is_bulk else "store.write"


def _of_call() -> Context | None:
    """Give the span of the call under way, in which new ones are to be."""
    call = tracks.current()
    return set_span_in_context(call.span) if isinstance(call, SeenCall) and call.span else None

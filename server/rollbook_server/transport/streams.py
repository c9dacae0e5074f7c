"""How many streams of a kind may be open, and whether any may go on."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar

from rollbook_server.domain.errors import Reason, RollbookError

if TYPE_CHECKING:
    from collections.abc import Iterator

RETRY_SECONDS = 2  # about as long as an upload of 200,000 rows takes


class _Streams:
    """Counts streams of one kind. Thread-safe.

    Each stream holds a thread of the server for as long as its client likes; so
    there must be fewer of them than threads, or nothing else is answered.
    """

    _kind: ClassVar[str]
    _full: ClassVar[Reason]
    _when_back: ClassVar[str]

    def __init__(self, most: int) -> None:
        self._most = most
        self._free = threading.BoundedSemaphore(most)
        self._stopping = threading.Event()

    @contextmanager
    def one(self) -> Iterator[None]:
        """Hold a place; raises RollbookError if there is none."""
        if not self._free.acquire(blocking=False):
            raise RollbookError(
                self._full,
                f"{self._most} {self._kind} are under way, as many as this server takes; try "
                "again.",
                limit=self._most,
            ).retry_after(RETRY_SECONDS)
        try:
            yield
        finally:
            self._free.release()

    def stop(self) -> None:
        """Let no stream go on: each ends at its next message."""
        self._stopping.set()

    def check_open(self) -> None:
        """Raise RollbookError with SERVER_STOPPING if the server is shutting down."""
        if self._stopping.is_set():
            raise RollbookError(
                Reason.SERVER_STOPPING,
                f"The server is shutting down; {self._when_back} when it is back.",
            ).retry_after(RETRY_SECONDS)


class UploadStreams(_Streams):
    """Uploads; a place that is lacking is TOO_MANY_UPLOADS."""

    _kind, _full = "uploads", Reason.TOO_MANY_UPLOADS
    _when_back = "resume the upload"


class ExportStreams(_Streams):
    """Inventories on their way out."""

    _kind, _full = "inventories", Reason.TOO_MANY_EXPORTS
    _when_back = "ask for the inventory anew"

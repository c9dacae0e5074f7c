"""How many streams of a kind may be open, and whether any may go on."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar

from rollbook_server.domain.errors import Reason, RollbookError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

RETRY_SECONDS = 2  # about as long as an upload of 200,000 rows takes


class Streams:
    """Counts streams of one kind. Thread-safe.

    Each stream holds a thread of the server for as long as its client likes; so
    there must be fewer of them than threads, or nothing else is answered. While there
    are any, threads take `short_turns`: their work is long, and others wait for theirs.
    """

    _kind: ClassVar[str]
    _full: ClassVar[Reason]
    _when_back: ClassVar[str]

    def __init__(self, most: int, short_turns: AbstractContextManager[None]) -> None:
        self.most, self.taken, self._short_turns = most, 0, short_turns
        self._lock = threading.Lock()
        self._stopping = threading.Event()

    @contextmanager
    def one(self) -> Iterator[None]:
        """Hold a place; raises RollbookError if there is none."""
        self._take()
        try:
            with self._short_turns:
                yield
        finally:
            with self._lock:
                self.taken -= 1

    def _take(self) -> None:
        with self._lock:
            if self.taken < self.most:
                self.taken += 1
                return
        raise RollbookError(
            self._full,
            f"{self.most} {self._kind} are under way, as many as this server takes; try again.",
            limit=self.most,
        ).retry_after(RETRY_SECONDS)

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


class UploadStreams(Streams):
    """Uploads; a place that is lacking is TOO_MANY_UPLOADS."""

    _kind, _full = "uploads", Reason.TOO_MANY_UPLOADS
    _when_back = "resume the upload"


class ExportStreams(Streams):
    """Inventories on their way out."""

    _kind, _full = "inventories", Reason.TOO_MANY_EXPORTS
    _when_back = "ask for the inventory anew"

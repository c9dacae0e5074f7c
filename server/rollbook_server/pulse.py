"""Feels how the database is, and tells whoever wants to know.

One elsewhere may go away alone, a disk may fill up or be turned into one that only reads;
and a disk that failed to keep what was written is told of by no call until the server is
started anew. One that neither does what it is asked nor refuses, as on storage that hangs
or without its synchronous standby, does not answer, either.
"""

from __future__ import annotations

import logging
import threading
from enum import Enum
from typing import TYPE_CHECKING

from rollbook_server.domain.errors import RollbookError
from rollbook_server.patience import Patience

if TYPE_CHECKING:
    from collections.abc import Callable

    from rollbook_server.domain.ports import Store

EVERY_SECONDS = 2.0  # a load balancer asks about as often
PATIENCE_SECONDS = 5.0  # for what takes a millisecond

_log = logging.getLogger(__name__)


class Feeling(Enum):
    """How the database is; the value is what the log says of it."""

    WELL = "the database takes reads and writes"
    NEARLY_FULL = "the database's disk has no room for uploads; all else goes on"
    ILL = "the database takes no writes, or does not answer"


class Pulse:
    """Feels again and again, and tells each change to `told`; close it before its store.

    Whoever is to be told takes all for well to begin with.
    """

    def __init__(
        self,
        store: Store,
        told: Callable[[Feeling], None],
        every_seconds: float = EVERY_SECONDS,
    ) -> None:
        self._store, self._told, self._every_seconds = store, told, every_seconds
        self._last = Feeling.WELL
        self._asking = Patience(self._ask, PATIENCE_SECONDS)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="rollbook-pulse", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread; it may take as long as a database that does not answer."""
        self._closing.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            feeling = self._feel()
            if feeling is not self._last:
                self._last = feeling
                _log.warning("%s", feeling.value)
                self._told(feeling)
            if self._closing.wait(self._every_seconds):
                return

    def _feel(self) -> Feeling:
        try:
            self._asking.wait()
        except Exception:  # noqa: BLE001 - whatever it is: if this thread ends, nobody tells
            return Feeling.ILL
        if self._store.is_stuck():
            return Feeling.ILL
        try:
            self._store.check_room()
        except (RollbookError, OSError):
            return Feeling.NEARLY_FULL
        return Feeling.WELL

    def _ask(self) -> None:
        self._store.read(lambda roll: roll.tokens.epoch())
        self._store.check_writes()

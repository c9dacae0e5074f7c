"""Feels whether the database answers, and tells whoever wants to know.

One elsewhere may go away alone; and a disk that failed to keep what was written is told
of by no call until the server is started anew. One that neither does what it is asked nor
refuses, as on storage that hangs or without its synchronous standby, does not answer, either.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from rollbook_server.domain.errors import RollbookError
from rollbook_server.patience import Patience

if TYPE_CHECKING:
    from collections.abc import Callable

    from rollbook_server.domain.ports import Store

EVERY_SECONDS = 2.0  # a load balancer asks about as often
PATIENCE_SECONDS = 5.0  # for a read that takes a millisecond

_log = logging.getLogger(__name__)


class Pulse:
    """Reads again and again, and tells each change to `told`; close it before its store."""

    def __init__(
        self,
        store: Store,
        told: Callable[[bool], None],
        every_seconds: float = EVERY_SECONDS,
    ) -> None:
        self._store, self._told, self._every_seconds = store, told, every_seconds
        self._answers = True
        self._reading = Patience(self._read, PATIENCE_SECONDS)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="rollbook-pulse", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._closing.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._closing.wait(self._every_seconds):
            answers = self._feel()
            if answers != self._answers:
                self._answers = answers
                _log.warning("the database %s", "answers again" if answers else "does not answer")
                self._told(answers)

    def _feel(self) -> bool:
        try:
            self._reading.wait()
        except (RollbookError, TimeoutError):
            return False
        return not self._store.is_stuck()

    def _read(self) -> None:
        self._store.read(lambda roll: roll.tokens.epoch())

"""Sweeps leftovers and old answers up in a thread of its own, so that nobody waits for it."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from rollbook_server.domain import answers, leftovers
from rollbook_server.domain.errors import RollbookError

if TYPE_CHECKING:
    from rollbook_server.domain.clock import Clock
    from rollbook_server.domain.ports import Store

EVERY_SECONDS = 3_600.0

_log = logging.getLogger(__name__)


class Sweeper:
    """Sweeps when it is woken, and every hour; close it before its store."""

    def __init__(self, store: Store, clock: Clock, every_seconds: float = EVERY_SECONDS) -> None:
        self._store, self._clock, self._every_seconds = store, clock, every_seconds
        self._woken = threading.Event()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="rollbook-sweeper", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Say that there may be leftovers; gives back at once."""
        self._woken.set()

    def close(self) -> None:
        """End after the piece under way; the rest is for the next start."""
        self._closing = True
        self._woken.set()
        self._thread.join()

    def _run(self) -> None:
        while self._wait():
            try:
                leftovers.sweep(self._store, self._goes_on)
                answers.forget(self._store, self._clock(), self._goes_on)
            except RollbookError as error:  # a full disk: the next time it is tried again
                _log.warning("sweeping broke off: %s", error)

    def _wait(self) -> bool:
        self._woken.wait(self._every_seconds)
        self._woken.clear()
        return self._goes_on()

    def _goes_on(self) -> bool:
        return not self._closing

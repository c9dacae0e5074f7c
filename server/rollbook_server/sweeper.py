"""Sweeps leftovers up in a thread of its own, so that nobody waits for it."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from rollbook_server.domain import leftovers
from rollbook_server.domain.errors import RollbookError

if TYPE_CHECKING:
    from rollbook_server.domain.ports import Store

_log = logging.getLogger(__name__)


class Sweeper:
    """Sweeps when it is woken; close it before its store."""

    def __init__(self, store: Store) -> None:
        self._store = store
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
        while self._woken.wait() and not self._closing:
            self._woken.clear()
            try:
                leftovers.sweep(self._store, going=lambda: not self._closing)
            except RollbookError as error:  # a full disk: the next one that wakes us tries again
                _log.warning("sweeping broke off: %s", error)

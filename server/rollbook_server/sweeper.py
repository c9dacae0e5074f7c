"""Does what nobody waits for in threads of its own, again and again.

Leftovers and what is old are swept up, refusals that were counted are told, and
what other servers counted of guesses is heard.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from rollbook_server.domain import answers, guess_news, leftovers, preparing
from rollbook_server.domain.errors import RollbookError

if TYPE_CHECKING:
    from datetime import datetime

    from rollbook_server.domain.clock import Clock
    from rollbook_server.domain.ports import Store

EVERY_SECONDS = 3_600.0

_log = logging.getLogger(__name__)

Task = Callable[["Store", "datetime", Callable[[], bool]], None]
"""Does a round of work, piece by piece while the last argument gives True."""


def sweep_up(store: Store, now: datetime, goes_on: Callable[[], bool]) -> None:
    """Remove leftovers, and preparations, answers and guesses that are old."""
    leftovers.sweep(store, goes_on)
    preparing.forget_idle(store, now, goes_on)
    answers.forget(store, now, goes_on)
    guess_news.forget(store, now, goes_on)


class Sweeper:
    """Does its task when it is woken, and every hour; close it before its store."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        every_seconds: float = EVERY_SECONDS,
        task: Task = sweep_up,
    ) -> None:
        self._store, self._clock = store, clock
        self._every_seconds, self._task = every_seconds, task
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
                self._task(self._store, self._clock(), self._goes_on)
            except RollbookError as error:  # a full disk: the next time it is tried again
                _log.warning("sweeping broke off: %s", error)
            except Exception:  # noqa: BLE001 - without this thread it would never be done
                _log.exception("sweeping broke off")

    def _wait(self) -> bool:
        self._woken.wait(self._every_seconds)
        self._woken.clear()
        return self._goes_on()

    def _goes_on(self) -> bool:
        return not self._closing

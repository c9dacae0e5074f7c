"""Waits for what may never come, and not for ever."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Patience:
    """Does the same work again and again, each time in a thread of its own; for one caller."""

    def __init__(self, work: Callable[[], None], seconds: float) -> None:
        self._work, self._seconds = work, seconds
        self._under_way: Future[None] | None = None

    def wait(self) -> None:
        """Do the work, or go on waiting for the last time, and raise what it raises.

        Raises TimeoutError where it takes longer than we wait.
        """
        if self._under_way is None:
            self._under_way = Future()
            work = (self._under_way,)
            threading.Thread(target=self._do, args=work, name="rollbook-work", daemon=True).start()
        doing = self._under_way
        try:
            doing.result(self._seconds)
        finally:
            if doing.done():
                self._under_way = None

    def _do(self, done: Future[None]) -> None:
        try:
            self._work()
        except BaseException as error:  # noqa: BLE001 - whoever waits hears of it
            done.set_exception(error)
        else:
            done.set_result(None)

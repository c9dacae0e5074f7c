"""A rotation of the sealing key: it goes on by itself, whoever waits for its end."""

from __future__ import annotations

import logging
from concurrent import futures
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    # Seals all anew, and tells each time how much it did.
    Reseal = Callable[[Callable[[int], None]], None]

_log = logging.getLogger(__name__)


class Rotation:
    """One rotation, begun at once in a thread of its own.

    `total_count` is how much there was to be sealed anew as it began, `resealed_count` how
    much of it was so far. Thread-safe.
    """

    def __init__(self, key_id: str, total_count: int, reseal: Reseal) -> None:
        self.key_id, self.total_count, self.resealed_count = key_id, total_count, 0
        self._reseal, self._ended = reseal, Future[None]()
        # A stop does not wait for it: the next start goes on.
        Thread(target=self._run, name="rollbook-rotation", daemon=True).start()

    def _run(self) -> None:
        try:
            self._reseal(self._note)
        except BaseException as error:  # noqa: BLE001 - raised to whoever asks
            _log.warning("sealing anew broke off and goes on at the next start: %s", error)
            self._ended.set_exception(error)
        else:
            self._ended.set_result(None)

    def _note(self, count: int) -> None:
        self.resealed_count = count

    def await_end(self) -> None:
        """Wait until nothing more is done, well or not."""
        futures.wait([self._ended])

    def is_under_way(self, seconds: float | None) -> bool:
        """Wait for the end, so long at most; raises what it came to its end by."""
        ended, _ = futures.wait([self._ended], seconds)
        if ended:
            self._ended.result()
        return not ended


@dataclass(frozen=True, slots=True)
class Past:
    """A rotation of which nothing is known but that it is over."""

    key_id: str
    resealed_count: int = 0
    total_count: int = 0

    def is_under_way(self, _seconds: float | None) -> bool:
        """Say that it is not."""
        return False

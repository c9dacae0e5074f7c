"""Rotations of the sealing key: each goes on by itself, whoever waits for its end."""

from __future__ import annotations

import logging
from concurrent import futures
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Event, Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    # Seals all anew for as long as the second says so, tells the first each time how much it
    # did, and gives how much no key opens.
    Reseal = Callable[[Callable[[int], None], Callable[[], bool]], int]

CLOSE_SECONDS = 10.0  # a piece takes less; one that a broken disk holds up ends with the process

_log = logging.getLogger(__name__)


class Rotation:
    """One rotation, begun at once in a thread of its own.

    `total_count` is how much there was to be sealed anew as it began, `resealed_count` how
    much of it was so far, and `unreadable_count`, at the end, how much no key opens. `resumed`
    says that it broke off before and goes on. Thread-safe.
    """

    def __init__(
        self,
        key_id: str,
        total_count: int,
        reseal: Reseal,
        goes_on: Callable[[], bool],
        *,
        resumed: bool,
    ) -> None:
        self.key_id, self.total_count, self.resumed = key_id, total_count, resumed
        self.resealed_count = self.unreadable_count = 0
        self._reseal, self._goes_on, self._ended = reseal, goes_on, Future[None]()
        self._is_followed = self._is_told = False
        # A daemon: what hangs in a write must not be what the process waits for.
        self._thread = Thread(target=self._run, name="rollbook-rotation", daemon=True)
        self._thread.start()

    @property
    def has_failed(self) -> bool:
        """Whether it came to an end before all was done."""
        return self._ended.done() and self._ended.exception() is not None

    @property
    def is_to_go_on(self) -> bool:
        """Whether it failed, and whoever follows it knows; else it is to be told why first."""
        return self.has_failed and (self._is_told or not self._is_followed)

    def is_under_way(self, seconds: float | None, left: Future[None] | None = None) -> bool:
        """Wait for the end, so long at most, or until the caller has left.

        Raises what it came to its end by.
        """
        self._is_followed = True
        awaited = [self._ended, left] if left else [self._ended]
        futures.wait(awaited, seconds, futures.FIRST_COMPLETED)
        if not self._ended.done():
            return True
        self._is_told = True
        self._ended.result()
        return False

    def await_end(self) -> None:
        """Wait until nothing more is done, well or not; nobody is told how it ended."""
        futures.wait([self._ended])

    def join(self, seconds: float) -> bool:
        """Wait for the thread, so long at most; tells whether it is gone."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self.unreadable_count = self._reseal(self._note, self._goes_on)
        except BaseException as error:  # noqa: BLE001 - raised to whoever asks
            level = logging.WARNING if self._goes_on() else logging.INFO
            _log.log(
                level,
                "sealing anew with the key %s broke off after %d of %d; it goes on at the next "
                "start, or with `rollbook key rotate-sealing`: %s",
                *(self.key_id, self.resealed_count, self.total_count, error),
            )
            self._ended.set_exception(error)
        else:
            self._ended.set_result(None)

    def _note(self, count: int) -> None:
        self.resealed_count = count


@dataclass(frozen=True, slots=True)
class Past:
    """A rotation that was over before this server's start; what it did nobody knows any more."""

    key_id: str
    unreadable_count: int
    resealed_count: int = 0
    total_count: int = 0
    resumed: bool = True

    def is_under_way(self, _seconds: float | None, _left: Future[None] | None = None) -> bool:
        """Say that it is not."""
        return False


class Rotations:
    """Those of one server, by the keys that they made; close them before its store.

    One at a time goes on: whoever begins them sees to that.
    """

    def __init__(self) -> None:
        self._by_key: dict[str, Rotation] = {}
        self._stopping = Event()

    def of(self, key_id: str) -> Rotation | None:
        """Give the last one that this server began for a key."""
        return self._by_key.get(key_id)

    def begin(self, key_id: str, total_count: int, reseal: Reseal, *, resumed: bool) -> Rotation:
        """Begin one, or go on with one that broke off; one that comes too late ends at once."""
        begun = Rotation(key_id, total_count, reseal, self._goes_on, resumed=resumed)
        self._by_key[key_id] = begun
        return begun

    def stop(self) -> None:
        """Let the one under way end after its piece; whoever follows it is told then."""
        self._stopping.set()

    def close(self) -> None:
        """Stop, and wait for the end, but for no piece that does not come to one."""
        self.stop()
        for each in list(self._by_key.values()):
            if not each.join(CLOSE_SECONDS):
                _log.warning("a piece that is being sealed anew hangs, and is not waited for")

    def _goes_on(self) -> bool:
        return not self._stopping.is_set()

"""Waits for a database that is away when its server starts, and until it is told to stop."""

from __future__ import annotations

import logging
import random
import socket
from concurrent.futures import Future
from multiprocessing.connection import wait
from threading import Thread
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

from rollbook_server.storage.roll_store import StoreAwayError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rollbook_server.stand_in import StandIn
    from rollbook_server.storage.roll_store import RollStore

_log = logging.getLogger(__name__)

# Seconds. A database that comes back is served in a moment, and many servers that wait for
# one do not keep it from that.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0
_CHANCE = random.SystemRandom()  # so that servers do not come all at once
# The log is told at once, then after so many seconds, and each time twice as long after that.
_FIRST_TOLD, _LONGEST_UNTOLD = 10.0, 600.0


class StoppedError(Exception):
    """Whoever waited was told to stop."""


class Awaiting:
    """Opens a store once its database can be reached; for the main thread.

    `stops` gives what can be read from when it is to wait no longer; it is asked once there
    is something to wait for. `tell` is told at every try what is waited for, and why.
    """

    def __init__(self, stops: Callable[[], Sequence[Any]], tell: Callable[[str], None]) -> None:
        self._stops, self._tell = stops, tell

    def opened(
        self, opening: Callable[[], RollStore], stand_in: Callable[[], StandIn]
    ) -> RollStore:
        """Give what is opened; the stand-in stays, for the server to take its place.

        Raises what opening does but StoreAwayError, and StoppedError.
        """
        try:
            return opening()
        except StoreAwayError as error:
            return self._waited(_Tries(opening, self._tell, error), stand_in)

    def _waited(self, tries: _Tries, stand_in: Callable[[], StandIn]) -> RollStore:
        stops = self._stops()
        standing = stand_in()
        try:
            tries.begin(standing.address)
            return tries.outcome(stops)
        except BaseException:
            standing.close()
            raise


class _Tries:
    """Tries again and again, in a thread of its own: to connect may take long.

    What came of them is handed over by a socket beside it, for a signal comes by one as well.
    """

    def __init__(
        self,
        opening: Callable[[], RollStore],
        tell: Callable[[str], None],
        error: StoreAwayError,
    ) -> None:
        self._opening, self._tell, self._error = opening, tell, error
        self._ended, self._ends = socket.socketpair()
        self._outcome: Future[RollStore] = Future()
        self._begun = monotonic()
        self._told_next, self._untold = self._begun + _FIRST_TOLD, _FIRST_TOLD

    def begin(self, address: str) -> None:
        """Say what is waited for, and begin."""
        _log.warning(
            "the database is away, and waited for: %s; health at %s says NOT_SERVING meanwhile",
            self._error.cause,
            address,
        )
        self._tell(f"Waits for the database: {self._error.cause}")
        Thread(target=self._run, name="rollbook-awaiting", daemon=True).start()

    def outcome(self, stops: Sequence[Any]) -> RollStore:
        """Wait until one succeeds, or fails for good, which is raised.

        Raises StoppedError if something can be read from one of `stops` before.
        """
        if self._ended not in wait([*stops, self._ended]):
            raise StoppedError
        return self._outcome.result()

    def _run(self) -> None:
        try:
            self._outcome.set_result(self._tried())
        except BaseException as error:  # noqa: BLE001 - whoever waits hears of it
            self._outcome.set_exception(error)
        self._ends.send(b"\0")

    def _tried(self) -> RollStore:
        pause = _FIRST_PAUSE
        while True:
            sleep(pause * _CHANCE.uniform(0.5, 1.0))
            pause = min(2 * pause, _LONGEST_PAUSE)
            try:
                store = self._opening()
            except StoreAwayError as error:
                self._tell_again(error.cause)
            else:
                _log.info("the database is there, after %.0f seconds", monotonic() - self._begun)
                return store

    def _tell_again(self, cause: str) -> None:
        self._tell(f"Waits for the database: {cause}")
        now = monotonic()
        if now >= self._told_next:
            _log.warning("the database is away for %.0f seconds now: %s", now - self._begun, cause)
            self._untold = min(2 * self._untold, _LONGEST_UNTOLD)
            self._told_next = now + self._untold

"""Ends calls that wait too long for their other side.

A thread that serves a stream waits inside gRPC for whoever reads or writes it, for as
long as that pleases; a few who stand still would keep the places of all others.
"""

from __future__ import annotations

import logging
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rollbook_server.transport.statuses import CODES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import grpc

    from rollbook_server.domain.errors import RollbookError

_LOOKS = 4  # as often within the limit

_log = logging.getLogger(__name__)


class Watched:
    """A call under a limit; for the one thread that serves it."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._since: float | None = None

    def touch(self) -> None:
        """Say that from now on the other side is waited for."""
        self._since = self._clock()

    def pause(self) -> None:
        """Say that the server is at work itself, which does not count."""
        self._since = None

    def waited(self) -> float:
        """Give the seconds for which the other side has done nothing."""
        since = self._since
        return 0.0 if since is None else self._clock() - since


class IdleLimit:
    """Looks after calls in a thread of its own; close it when done. Thread-safe.

    A call ends `seconds` after its last `touch`, at most a quarter later.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds = seconds
        self._clock = clock
        self._ends: dict[Watched, Callable[[], None]] = {}
        # May be taken again by its holder: the end of a stream can come with any
        # collection of garbage.
        self._lock = threading.RLock()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="rollbook-idle", daemon=True)
        self._thread.start()

    @contextmanager
    def watch(self, end: Callable[[], None]) -> Iterator[Watched]:
        """Look after a call while the context lasts; `end` is called once, in another thread."""
        call = Watched(self._clock)
        with self._lock:
            self._ends[call] = end
        try:
            yield call
        finally:
            with self._lock:
                self._ends.pop(call, None)

    def end_idle(self) -> None:
        """End the calls that are idle for too long now."""
        with self._lock:
            idle = [call for call in self._ends if call.waited() >= self.seconds]
            ends = [self._ends.pop(call) for call in idle]
        for end in ends:
            _run(end)

    def close(self) -> None:
        """Look after no call any more."""
        self._closing.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._closing.wait(self.seconds / _LOOKS):
            self.end_idle()


def _run(end: Callable[[], None]) -> None:
    """End one call; whatever goes wrong, the next ones have to be ended, too."""
    try:
        end()
    except Exception:  # noqa: BLE001 - see above
        _log.exception("a call that is idle could not be ended")


def end_call(context: grpc.ServicerContext, error: RollbookError) -> None:
    """End a call from outside the thread that serves it, and free that thread.

    Details of a status would wait in line behind what the other side does not take, so
    there are none: the message begins with the reason.
    """
    call: Any = getattr(getattr(context, "_rpc_event", None), "call", None)
    if call is None:  # another gRPC than we know; its own way tells nothing but CANCELLED
        context.cancel()
        return
    code, _ = CODES[error.reason].value
    call.cancel(code, f"{error.reason}: {error.message}")

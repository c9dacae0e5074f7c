"""Ends calls that wait too long for their other side.

A thread that serves a call waits inside gRPC for whoever reads or writes it, for as
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

SILENT_SECONDS = 2.0
# While other calls wait for a thread. 100 silent ones kept a device waiting for 6 s at two
# seconds each, for 1.4 s so; a busy server reads the message of an honest caller sooner.
HURRIED_SECONDS = 0.5
_LOOKS = 4  # as often within a limit

_log = logging.getLogger(__name__)


class Looks:
    """Time as whoever looks sees it: between two looks no more than twice their interval passes.

    What is beyond, the server itself stood still, and not the other side: a machine that
    halts for a second has read nothing of what came meanwhile, and one that is short of
    time looks as seldom as it reads.
    """

    def __init__(self, interval: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._longest, self._clock = 2 * interval, clock
        self._last = (0.0, clock())

    def __call__(self) -> float:
        """Give the time."""
        seen, at = self._last
        return seen + min(self._clock() - at, self._longest)

    def next(self) -> None:
        """Say that now is a look."""
        self._last = (self(), self._clock())


class Watched:
    """A call under a limit; for the one thread that serves it."""

    def __init__(self, end: Callable[[], None], clock: Callable[[], float]) -> None:
        self._end, self._clock = end, clock
        self._since: float | None = None
        self.is_ended = False

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

    def end(self) -> None:
        """End the call from another thread; whatever goes wrong, others must be ended, too."""
        self.is_ended = True
        try:
            self._end()
        except Exception:  # noqa: BLE001 - see above
            _log.exception("a call that is idle could not be ended")


class IdleLimit:
    """Looks after calls in a thread of its own; close it when done. Thread-safe.

    A call ends `seconds` after its last `touch`, at most a quarter later. Where nothing
    has come yet from more than `most_silent` callers, the oldest of these end after
    `SILENT_SECONDS`: they hold a thread each and need no key. The message of an honest
    caller comes with the call itself, but a burst of them may wait for a moment. While
    `others_wait`, all of them end, and after `HURRIED_SECONDS` if in these nothing came from
    anybody: else the server still reads, and is only late.
    """

    def __init__(
        self,
        seconds: float,
        most_silent: int,
        clock: Callable[[], float] | None = None,
        *,
        others_wait: Callable[[], bool] = lambda: False,
    ) -> None:
        self.seconds = seconds
        self._most_silent, self._others_wait = most_silent, others_wait
        self._interval = min(seconds, HURRIED_SECONDS) / _LOOKS
        self._looks = Looks(self._interval)
        self._clock = clock or self._looks
        self._heard = self._clock()  # from anybody
        self._calls: set[Watched] = set()
        self._silent: dict[Watched, None] = {}  # in the order in which they came
        # May be taken again by its holder: the end of a stream can come with any
        # collection of garbage.
        self._lock = threading.RLock()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="rollbook-idle", daemon=True)
        self._thread.start()

    @contextmanager
    def watch(self, end: Callable[[], None]) -> Iterator[Watched]:
        """Look after a call while the context lasts; as `enter`."""
        call = self.enter(end)
        try:
            yield call
        finally:
            self.leave(call)

    def enter(self, end: Callable[[], None], *, is_silent: bool = False) -> Watched:
        """Look after a call until it is left; nothing has come from who `is_silent`.

        `end` is called in another thread, and again at every look until the call is
        left: the thread that serves it may not have begun to wait the first time.
        """
        call = Watched(end, self._clock)
        with self._lock:
            self._calls.add(call)
            if is_silent:
                self._silent[call] = None
        return call

    def leave(self, call: Watched) -> None:
        """Look after a call no more."""
        with self._lock:
            self._calls.discard(call)
            self._silent.pop(call, None)

    def heard(self, call: Watched) -> None:
        """Say that something has come."""
        with self._lock:
            self._silent.pop(call, None)
            self._heard = self._clock()

    def hurry(self) -> None:
        """End whoever does nothing for a moment from now on: the server is about to stop."""
        self.seconds = min(self.seconds, HURRIED_SECONDS)

    def end_idle(self) -> None:
        """End the calls that are idle for too long now."""
        silent_seconds, most_silent = SILENT_SECONDS, self._most_silent
        if self._others_wait():
            most_silent, is_quiet = 0, self._clock() - self._heard >= HURRIED_SECONDS
            silent_seconds = HURRIED_SECONDS if is_quiet else SILENT_SECONDS
        with self._lock:
            calls = list(self._calls)
            crowd = set(list(self._silent)[: max(0, len(self._silent) - most_silent)])
        for call in calls:
            limit = min(silent_seconds, self.seconds) if call in crowd else self.seconds
            if call.is_ended or call.waited() >= limit:
                call.end()

    def close(self) -> None:
        """Look after no call any more."""
        self._closing.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._closing.wait(self._interval):
            self._looks.next()
            self.end_idle()


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


def wake(context: grpc.ServicerContext) -> None:
    """Let the thread that waits for the next message of a call go on without one.

    In grpcio only a message, the end of the stream or its cancellation ends that wait.
    Once a call is cancelled nothing more can be said to the client: a status that was
    set before does not reach it, it reads CANCELLED. So something that is no message is
    put where the thread looks for one; it then ends the call in the ordinary way, and
    the client reads code, ErrorInfo and RetryInfo as of any other failure.
    """
    state: Any = getattr(context, "_state", None)
    if not hasattr(state, "condition") or not hasattr(state, "request"):
        context.cancel()  # another gRPC than we know
        return
    with state.condition:
        if state.request is None:
            state.request = object()
        state.condition.notify_all()

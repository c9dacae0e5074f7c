"""The calls that wait for a thread: only so many, and who is turned away is told when to come.

Without a limit a storm of devices would wait in memory, and be answered when nobody
listens any more. Refusals are made by a thread of their own, so that they are quick
while all others are busy.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import TYPE_CHECKING, Any

from rollbook_server.domain.errors import Reason, RollbookError
from rollbook_server.transport.statuses import not_to_be_repeated, status_of
from rollbook_server.transport.under_way import UnderWay

if TYPE_CHECKING:
    from collections.abc import Callable

    import grpc

_FEWEST_A_SECOND = 100.0  # calls that a server surely serves; before it has served any
_LONGEST_SECONDS = 60.0
_SHORTEST_SECONDS = 0.5
_WEIGHT = 0.2  # of the last second in what is served a second

_HEALTH = "/grpc.health."
_WATCHERS = 64  # that wait until one goes; 5,000 of them took 100 MB, and nobody needs a key


class Lines:
    """The lines of one server; close them.

    Watchers of its health, who stay for ever, have one of their own. So has who only asks
    for it: other calls do not turn that away, for it is asked most when a server is busy.
    Nor may it come without end, for it needs no key: all wait for the same threads.
    """

    def __init__(self, longest: int) -> None:
        under_way = self._under_way = UnderWay()
        self._calls, self._checks = WaitingLine(longest, under_way), WaitingLine(longest, under_way)
        self._watched = UnderWay()
        self._watchers = WaitingLine(_WATCHERS, self._watched)

    def wait(self, method: str, behavior: Any) -> Any:
        """Give what `WaitingLine.wait` gives in the line of the method."""
        if not method.startswith(_HEALTH):
            return self._calls.wait(behavior)
        line = self._watchers if method.endswith("/Watch") else self._checks
        return line.wait(behavior)

    def anyone_waits(self) -> bool:
        """Tell whether a call that will not last for ever waits for a thread."""
        return self._calls.length + self._checks.length > 0

    def wait_until_quiet(self, seconds: float) -> None:
        """Wait until all calls but the watchers' are answered, or no longer than so."""
        self._under_way.wait_for_none(self.anyone_waits, seconds)

    def wait_for_watchers(self, seconds: float) -> None:
        """Wait until all watchers were told their last, and are gone, or no longer than so."""
        self._watched.wait_for_none(lambda: self._watchers.length > 0, seconds)

    def lengths(self) -> dict[str, tuple[int, int]]:
        """Give by line how many wait in it, and how many may."""
        lines = {"calls": self._calls, "checks": self._checks, "watchers": self._watchers}
        return {name: line.places() for name, line in lines.items()}

    def close(self) -> None:
        """Let go of their threads."""
        for line in (self._calls, self._checks, self._watchers):
            line.close()


class WaitingLine:
    """Counts the calls that wait, and those that were turned away. Thread-safe.

    Those turned away stand in a line of their own that holds nothing but a number: each
    is told to come back when the ones before it, at the speed of the last seconds, will
    have been served. So they come back evenly, and not all at once.
    """

    def __init__(
        self, longest: int, under_way: UnderWay, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._longest, self._under_way, self._clock = longest, under_way, clock
        self._lock = Lock()
        self.length = self._served = 0
        self._turned_away, self._speed = 0.0, _FEWEST_A_SECOND
        self._second = self._seen = clock()
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="rollbook-refusals")

    def wait(self, behavior: Any) -> Any:
        """Give a behavior to be called in a thread once there is one, or one that refuses.

        To be asked when a call comes. The name under which gRPC finds the thread is kept.
        """
        busy = self._join()
        if busy is not None:
            return self._refusing(busy)

        def begin(requests: Any, context: grpc.ServicerContext) -> Any:
            self._under_way.begin(context)  # first, so that it never counts nowhere
            self._leave()
            return behavior(requests, context)

        begin.experimental_thread_pool = behavior.experimental_thread_pool  # type: ignore[attr-defined]
        return begin

    def places(self) -> tuple[int, int]:
        """Give how many wait, and how many may."""
        return self.length, self._longest

    def close(self) -> None:
        """Let go of the thread."""
        self._threads.shutdown(wait=False)

    def _refusing(self, error: RollbookError) -> Any:
        def refuse(_: Any, context: grpc.ServicerContext) -> None:
            context.abort_with_status(not_to_be_repeated(status_of(error)))

        refuse.experimental_thread_pool = self._threads  # type: ignore[attr-defined]
        return refuse

    def _join(self) -> RollbookError | None:
        with self._lock:
            if self.length < self._longest:
                self.length += 1
                return None
            return _busy(self._seconds_to_wait())

    def _leave(self) -> None:
        with self._lock:
            self.length -= 1
            self._served += 1
            self._look_at_the_clock()

    def _seconds_to_wait(self) -> float:
        self._look_at_the_clock()
        self._turned_away += 1
        seconds = self._turned_away / self._speed
        return min(max(seconds, _SHORTEST_SECONDS), _LONGEST_SECONDS)

    def _look_at_the_clock(self) -> None:
        """Let those come who were told to by now, and learn how many a second are served."""
        now = self._clock()
        self._turned_away = max(0.0, self._turned_away - (now - self._seen) * self._speed)
        self._seen = now
        past = now - self._second
        if past >= 1:
            latest = max(_FEWEST_A_SECOND, self._served / past)
            self._speed += _WEIGHT * (latest - self._speed)
            self._second, self._served = now, 0


def _busy(seconds: float) -> RollbookError:
    return RollbookError(
        Reason.SERVER_BUSY,
        f"More calls wait for the server than it takes; try again in {seconds:.1f} seconds.",
    ).retry_after(seconds)

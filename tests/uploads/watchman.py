"""The idle limit of a server by a clock that only a test turns: no machine is too slow for it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from uploads.wire import until

if TYPE_CHECKING:
    from rollbook_server.transport.idle_limit import Watched
    from running import Server
    from uploads.wire import Stream

HOUR = 3_600.0


class Watchman:
    """The idle limit of a server, by a clock of ours."""

    def __init__(self, server: Server) -> None:
        self.now, self.waits = 0.0, 0
        self._limit = server.app._idle
        self._hear, self._hearing = self._limit.heard, threading.local()
        self._limit._clock = self._look_at_the_clock
        self._limit.heard = self._note_what_came  # type: ignore[method-assign]

    def _look_at_the_clock(self) -> float:
        # Every time that a call begins to wait for a message; the limit looks, too.
        serves = threading.current_thread().name.startswith("rollbook-call")
        self.waits += serves and not hasattr(self._hearing, "now")
        return self.now

    def _note_what_came(self, call: Watched) -> None:
        self._hearing.now = True
        self._hear(call)
        del self._hearing.now

    def turn(self, seconds: float) -> None:
        """Go ahead, and let the server look."""
        self.now += seconds
        self._limit.end_idle()

    def drop(self, stream: Stream) -> None:
        """Let so much time go by that a stream which stands still is dropped."""

        def is_dropped() -> bool:
            self.turn(HOUR)
            return stream.is_answered()

        until(is_dropped)

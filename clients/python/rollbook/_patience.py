"""How long to wait between attempts, such as streams of one upload, and when to stop."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_FIRST_SECONDS = 0.2

# A server that comes back is noticed within half a minute at worst.
_LONGEST_SECONDS = 30.0

# 0.2 s doubled so often is beyond the longest; keeps the power from overflowing.
_DOUBLINGS = 8


class Patience:
    """Exponential back-off with jitter that begins anew with every advance."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._clock = clock
        self._jitter = jitter
        self._failures = 0
        self._stuck_since: float | None = None

    def advanced(self) -> None:
        """Note that more was committed."""
        self._failures = 0
        self._stuck_since = None

    def delay(self, at_least_seconds: float, give_up_after_seconds: float) -> float | None:
        """Give how long to wait before the next attempt; None if that would be too long.

        Too long counts from the first failure since the last advance: time spent in a
        stream that got on is no time without headway.
        """
        now = self._clock()
        if self._stuck_since is None:
            self._stuck_since = now
        delay = at_least_seconds + self._backed_off()
        if now + delay - self._stuck_since > give_up_after_seconds:
            return None
        self._failures += 1
        return delay

    def _backed_off(self) -> float:
        doubled: float = _FIRST_SECONDS * 2 ** min(self._failures, _DOUBLINGS)
        return min(_LONGEST_SECONDS, doubled) * (0.5 + self._jitter() / 2)

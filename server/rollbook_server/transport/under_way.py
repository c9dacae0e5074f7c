"""The calls that a server has not answered yet: when they are none, it may end."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import grpc


class UnderWay:
    """Counts calls from their beginning until their answer is sent. Thread-safe."""

    def __init__(self) -> None:
        self._count = 0
        self._changed = threading.Condition()

    def begin(self, context: grpc.ServicerContext) -> None:
        """Count a call that begins."""
        with self._changed:
            self._count += 1
        if not context.add_callback(self._end):  # it is over before it has begun
            self._end()

    def wait_for_none(self, others: Callable[[], bool], seconds: float) -> None:
        """Wait until there are none, nor any `others` that have yet to begin, or no longer."""
        with self._changed:
            self._changed.wait_for(lambda: not (self._count or others()), seconds)

    def _end(self) -> None:
        with self._changed:
            self._count -= 1
            self._changed.notify_all()

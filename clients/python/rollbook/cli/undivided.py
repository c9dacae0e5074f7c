"""Work in whose middle Ctrl-C would leave a mess, and which is short."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def undivided() -> Iterator[None]:
    """Hold Ctrl-C back until the block ends, which then raises KeyboardInterrupt.

    Interrupted between writing and noting that it has written, rich draws the same again
    below. For the main thread, as all that has to do with signals.
    """
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _frame: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if came and callable(before):
        before(came[0], None)

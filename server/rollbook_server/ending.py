"""The end of a server process within its limit, whatever holds it up.

Only what is durable was answered, so that a process which is ended in the middle of
anything loses nothing but its own time.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

FAILED = 1

# How long something is waited for that is only said: who reads stderr may stand still (Ctrl-S,
# a full pipe), and must not keep a server from its end.
_PATIENCE_SECONDS = 0.5

_log = logging.getLogger(__name__)


def end_within(seconds: float) -> None:
    """End this process after so long unless it has ended by itself; gives back at once."""
    # A daemon: it must not be what the process waits for.
    timer = threading.Timer(seconds, _end, (seconds,))
    timer.daemon = True
    timer.start()


def say(text: str) -> None:
    """Write a line to stderr, if anybody takes it."""
    _without_waiting(lambda: _write(f"{text}\n"))


def _write(text: str) -> None:
    """Write past Python's buffer, for whose lock the end of the process would wait."""
    with suppress(AttributeError, OSError, ValueError):  # there is no stderr, or no reader
        os.write(sys.stderr.fileno(), text.encode())


def _without_waiting(tell: Callable[[], None]) -> None:
    thread = threading.Thread(target=tell, daemon=True)
    thread.start()
    thread.join(_PATIENCE_SECONDS)


def _end(seconds: float) -> None:
    _without_waiting(lambda: _tell(seconds))
    os._exit(FAILED)


def _tell(seconds: float) -> None:
    _log.error(
        "not done with stopping after %g seconds (--drain-seconds), and ended all the same; "
        "what was answered is kept",
        seconds,
    )
    logging.shutdown()

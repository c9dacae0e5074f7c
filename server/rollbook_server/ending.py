"""The end of a server process within its limit, whatever holds it up.

Only what is durable was answered, so that a process which is ended in the middle of
anything loses nothing but its own time.
"""

from __future__ import annotations

import logging
import os
import threading

FAILED = 1

_log = logging.getLogger(__name__)


def end_within(seconds: float) -> None:
    """End this process after so long unless it has ended by itself; gives back at once."""
    # A daemon: it must not be what the process waits for.
    timer = threading.Timer(seconds, _end, (seconds,))
    timer.daemon = True
    timer.start()


def _end(seconds: float) -> None:
    _log.error(
        "not done with stopping after %g seconds (--drain-seconds), and ended all the same; "
        "what was answered is kept",
        seconds,
    )
    logging.shutdown()
    os._exit(FAILED)

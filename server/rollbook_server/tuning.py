"""What a server needs otherwise than a script does, for the whole process."""

from __future__ import annotations

import ctypes
import gc
import resource
import sys
import threading
from contextlib import suppress

# How long a thread may hold Python's lock while others want it. While rows stream, the
# writer asks for it after every statement, and would wait Python's 5 ms each time for the
# thread that reads the next rows. At all other times a short turn costs: each thread that
# waits wakes at its end, and of those that serve 64 devices at once most do.
LONG_TURN, SHORT_TURN = sys.getswitchinterval(), 0.000_02

# Objects that are made before Python looks for garbage that refers to itself, of which
# there is hardly any: by default it looks at 700, which with 10,000 rows in hand takes
# longer than making them.
_OBJECTS = 50_000

# File descriptors, of which each connection takes one: by default a process has 1,024, and
# as many strangers who connect and say nothing kept everybody else out. 10 KiB each.
DESCRIPTORS = 65_536

_M_ARENA_MAX = -8  # of glibc's malloc.h


def tune() -> None:
    """Set all of it; before the first thread is started."""
    gc.freeze()
    gc.set_threshold(_OBJECTS, 20, 100)
    _share_one_heap()
    _take_descriptors()


class ShortTurns:
    """Lets threads take short turns while anybody wants that. Thread-safe."""

    def __init__(self) -> None:
        self._lock, self._wanted = threading.Lock(), 0

    def __enter__(self) -> None:
        """Begin, if nobody has."""
        self._count(+1)

    def __exit__(self, *_: object) -> None:
        """End, if nobody else wants it."""
        self._count(-1)

    def _count(self, more: int) -> None:
        with self._lock:
            self._wanted += more
            sys.setswitchinterval(SHORT_TURN if self._wanted else LONG_TURN)


SHORT_TURNS = ShortTurns()
"""Of the process, which has one lock: for a `with`, which may be within another."""


def _share_one_heap() -> None:
    """Let all threads take memory from one heap.

    glibc gives each a heap of its own, from which what one thread frees is of no use to
    the others: of a long upload, whose rows go from thread to thread, the server held
    33 MiB instead of 25. Other systems' libraries have no such setting.
    """
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


def _take_descriptors() -> None:
    """Take as many as the system gives without being asked for more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))

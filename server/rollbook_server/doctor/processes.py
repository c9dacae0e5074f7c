"""Which processes of this machine have a file, as Linux tells it under /proc."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_PROC = Path("/proc")


def lock_holder(path: Path) -> int | None:
    """Give the process that has the lock of a file, without trying to take it.

    To try would turn away a server that starts at that very moment.
    """
    try:
        found, lines = path.stat(), (_PROC / "locks").read_text().splitlines()
    except OSError:
        return None
    place = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"
    for line in lines:
        words = line.split()
        if "FLOCK" in words and place in words and "->" not in words:
            return int(words[words.index(place) - 1])
    return None


def writers(path: Path) -> set[int]:
    """Give the processes that have a file open to write, as far as we may look."""
    real = str(path.resolve())
    return {pid for pid in _pids() if any(_writes(pid, number) for number in _open(pid, real))}


def descriptor_limit(pid: int) -> int | None:
    """Give how many file descriptors a process may have; None if it cannot be told."""
    with suppress(OSError, ValueError, StopIteration):
        lines = (_PROC / str(pid) / "limits").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("Max open files")).split()[3])
    return None


def _pids() -> Iterator[int]:
    yield from (int(each.name) for each in _PROC.iterdir() if each.name.isdigit())


def _open(pid: int, real: str) -> Iterator[str]:
    with suppress(OSError):
        for each in (_PROC / str(pid) / "fd").iterdir():
            with suppress(OSError):
                if str(each.readlink()) == real:
                    yield each.name


def _writes(pid: int, number: str) -> bool:
    with suppress(OSError, ValueError, StopIteration):
        lines = (_PROC / str(pid) / "fdinfo" / number).read_text().splitlines()
        flags = int(next(line for line in lines if line.startswith("flags:")).split()[1], 8)
        return flags & os.O_ACCMODE != os.O_RDONLY
    return False

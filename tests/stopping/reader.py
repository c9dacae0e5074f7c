"""Who reads what a server says, and may leave or stand still."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class Reader:
    """Reads a pipe in the place of a server's log; `end` takes it away.

    What would remain would be opened by whoever searches logs, and waited for.
    """

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self._path, self._end = path, os.open(path, os.O_RDONLY | os.O_NONBLOCK)

    def leave(self) -> None:
        os.close(self._end)

    def end(self) -> None:
        self._path.unlink()

    def stand_still(self) -> None:
        """Take nothing any more, so that whoever writes waits."""
        other = os.open(self._path, os.O_WRONLY | os.O_NONBLOCK)
        with suppress(BlockingIOError):
            while True:
                os.write(other, b"." * 4_096)
        with suppress(BlockingIOError):
            while True:
                os.write(other, b".")  # to the last byte, for short lines fit longer
        os.close(other)

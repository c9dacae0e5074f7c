"""Where the command reads: a real pseudo-terminal at which somebody types, or a pipe."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import pytest

# The session's first terminal becomes the one that controls it, as after a log-in.
_SCRIPT = (
    "import os, sys; os.close(os.open(os.ttyname(0), os.O_RDWR)); "
    "from rollbook.cli import main; sys.exit(main())"
)


class Terminal:
    """One run of the command; `shown` is all that the terminal showed so far."""

    def __init__(self, *arguments: str) -> None:
        self._ours, theirs = pty.openpty()
        self._process = subprocess.Popen(
            [sys.executable, "-c", _SCRIPT, *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**os.environ, "TERM": "dumb", "COLUMNS": "200"},
            start_new_session=True,
        )
        os.close(theirs)
        self.shown = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._ours)

    def answer(self, question: str, typed: str) -> None:
        """Wait for the question after what was answered before, then type a line."""
        seen = len(self.shown)
        while question not in self.shown[seen:]:
            assert self._read(), self.shown
        os.write(self._ours, f"{typed}\n".encode())

    def end(self) -> int:
        """Read to the end; gives the exit code."""
        while self._read():
            pass
        return self._process.wait()

    def _read(self) -> bool:
        try:
            read = os.read(self._ours, 65536)
        except OSError:  # Linux says so when the last one has closed the terminal
            return False
        self.shown += read.decode()
        return bool(read)


class _Piped:
    """A stdin that is no terminal."""

    def __init__(self, data: bytes) -> None:
        self.buffer = io.BytesIO(data)

    def isatty(self) -> bool:
        return False


def pipe(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    """Let the command in this process read the data from stdin."""
    monkeypatch.setattr(sys, "stdin", _Piped(data))

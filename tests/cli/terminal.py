"""Where the command reads: a real pseudo-terminal at which somebody types, or a pipe."""

from __future__ import annotations

import codecs
import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections import deque
from typing import TYPE_CHECKING, Any, Self

import pyte

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pytest

# The session's first terminal becomes the one that controls it, as after a log-in.
_TAKE = "import os, sys; os.close(os.open(os.ttyname(0), os.O_RDWR)); "
_SCRIPT = f"{_TAKE} from rollbook.cli import main; sys.exit(main())"
_OTHER = f"{_TAKE} os.execvp(sys.argv[1], sys.argv[1:])"
# So each drawing in the place of another begins.
_ANEW = re.compile(r"(?=\r\x1b)")


class Terminal:
    """One run of the command; `shown` is all that the terminal got so far.

    A dumb terminal is one that obeys nothing; any other has a `screen` as well.
    """

    lines = 50

    def __init__(
        self,
        *arguments: str,
        program: Sequence[str] = (),
        kind: str = "dumb",
        columns: int = 200,
        **environment: str,
    ) -> None:
        self._ours, theirs = pty.openpty()
        size = struct.pack("HHHH", self.lines, columns, 0, 0)
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, size)
        self._process = subprocess.Popen(
            [sys.executable, "-c", _OTHER if program else _SCRIPT, *program, *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**_without_size(), "TERM": kind, **environment},
            start_new_session=True,
        )
        os.close(theirs)
        self.shown = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._screen = pyte.Screen(columns, self.lines)
        self._stream = pyte.Stream(self._screen)
        self._undrawn: deque[str] = deque()  # of what is shown, by drawing

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
        self.type(f"{typed}\n")

    @property
    def screen(self) -> str:
        """What somebody sees who sits there."""
        return "\n".join(line.rstrip() for line in self._screen.display).rstrip()

    @property
    def cells(self) -> Any:
        """What stands in each line and column, and in which colours."""
        return self._screen.buffer

    def show(self, text: str) -> None:
        """Let the terminal show what nobody sent, such as the command that was typed."""
        self._stream.feed(text)

    @property
    def shows_cursor(self) -> bool:
        return not self._screen.cursor.hidden

    def wait_for(self, there: Callable[[str], bool]) -> None:
        """Read until the screen is as it should be, or was between two drawings.

        Who reads late gets many drawings at once, of which the last may be gone again.
        """
        while not there(self.screen):
            assert self._undrawn or self._read(), self.screen
            self._draw()

    def type(self, keys: str) -> None:
        """Press keys; that for Return is a carriage return."""
        os.write(self._ours, keys.encode())

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self.type("\x03")

    def end(self) -> int:
        """Read to the end; gives the exit code."""
        while self._read():
            pass
        while self._undrawn:
            self._draw()
        return self._process.wait()

    def _read(self) -> bool:
        try:
            read = os.read(self._ours, 65536)
        except OSError:  # Linux says so when the last one has closed the terminal
            return False
        text = self._decoder.decode(read)
        self.shown += text
        self._undrawn += filter(None, _ANEW.split(text))
        return bool(read)

    def _draw(self) -> None:
        if self._undrawn:
            self._stream.feed(self._undrawn.popleft())


def _without_size() -> dict[str, str]:
    """Give the environment without what would say how large the terminal is, or its colours."""
    unset = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "COLORTERM")
    return {name: value for name, value in os.environ.items() if name not in unset}


class _Piped:
    """A stdin that is no terminal."""

    def __init__(self, data: bytes) -> None:
        self.buffer = io.BytesIO(data)

    def isatty(self) -> bool:
        return False


def pipe(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    """Let the command in this process read the data from stdin."""
    monkeypatch.setattr(sys, "stdin", _Piped(data))

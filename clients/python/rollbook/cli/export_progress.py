"""Shows how far an inventory is: a bar on a terminal, a few lines elsewhere."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from rollbook.cli.output import clean, counted, say, stderr_console

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rollbook import Profile

# So many percent lie between two lines at least.
_LINE_EVERY_PERCENT = 25
_LINE_END = b"\r\n"


class CsvCount:
    """Counts bytes and devices of a CSV file that comes piece by piece, cut anywhere."""

    def __init__(self, told: Callable[[int], None]) -> None:
        """Begin a file; `told` is called with the devices so far."""
        self.size = 0
        self._told = told
        self._records = 0
        self._is_quoted = False
        self._last = b""

    @property
    def devices(self) -> int:
        """Whole records so far, without the header."""
        return max(0, self._records - 1)

    def add(self, piece: bytes) -> None:
        """Count the next piece; line ends within quotes end no record."""
        self.size += len(piece)
        for place, part in enumerate(piece.split(b'"')):
            self._is_quoted ^= place > 0
            if not self._is_quoted:
                joined = self._last + part if place == 0 else part
                self._records += joined.count(_LINE_END)
        self._last = piece[-1:] if piece.endswith(b"\r") else b""
        self._told(self.devices)


@contextmanager
def watch(profile: Profile, *, silent: bool) -> Iterator[CsvCount]:
    """Give what takes each piece, for as long as the inventory comes."""
    console = stderr_console()
    if silent:
        yield CsvCount(lambda _devices: None)
    elif console.is_terminal:
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
        )
        with Progress(*columns, console=console, transient=True) as progress:
            task = progress.add_task(clean(profile.name), total=profile.device_count)
            yield CsvCount(lambda devices: progress.update(task, completed=devices))
    else:
        yield CsvCount(_Lines(profile).step)


class _Lines:
    """Decides which steps are worth a line."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._next_percent = _LINE_EVERY_PERCENT

    def step(self, devices: int) -> None:
        """Write a line if the inventory came far enough, and is not whole yet."""
        percent = 100 * devices // max(1, self._profile.device_count)
        if self._next_percent <= percent < 100:  # noqa: PLR2004 - the last is told by the command
            self._next_percent = percent - percent % _LINE_EVERY_PERCENT + _LINE_EVERY_PERCENT
            say(f"{clean(self._profile.name)}: {percent} %, {counted(devices, 'device')}")

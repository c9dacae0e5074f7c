"""Shows how far an upload is: a bar on a terminal, a few lines elsewhere."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.filesize import decimal
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from rollbook.cli.output import clean, say, stderr_console

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from rich.console import Console

    from rollbook import UploadProgress

    Watcher = Callable[[UploadProgress], None]

# So many percent lie between two lines at least.
_LINE_EVERY_PERCENT = 10


def watch(name: str, *, silent: bool) -> AbstractContextManager[Watcher]:
    """Give what is to be called with each step, for as long as the upload goes on."""
    console = stderr_console()
    if silent:
        return _nothing()
    return _bar(clean(name), console) if console.is_terminal else _lines(clean(name))


@contextmanager
def _nothing() -> Iterator[Watcher]:
    yield lambda _step: None


@contextmanager
def _bar(name: str, console: Console) -> Iterator[Watcher]:
    """Draw bytes, rate and time left; the bar is gone when the upload ends."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(name, total=None)

        def draw(step: UploadProgress) -> None:
            progress.update(
                task,
                description=_headline(name, step),
                completed=step.sent_bytes,
                total=step.total_bytes,
            )

        yield draw


def _headline(name: str, step: UploadProgress) -> str:
    if step.sent_bytes == step.total_bytes:
        return f"{name}, the server is finishing"
    return f"{name}, resumed" if step.streams > 1 else name


@contextmanager
def _lines(name: str) -> Iterator[Watcher]:
    """Write a line now and then, and one when all is taken in."""
    lines = _Lines(name)
    yield lines.step
    say(f"{name}: uploaded")


class _Lines:
    """Decides which steps are worth a line."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._next_percent = _LINE_EVERY_PERCENT
        self._streams = 1

    def step(self, step: UploadProgress) -> None:
        """Write a line if the upload was resumed or came far enough."""
        if step.streams > self._streams:
            self._streams = step.streams
            say(f"{self._name}: the connection broke; going on")
        percent = 100 * step.sent_bytes // step.total_bytes if step.total_bytes else 0
        if percent >= self._next_percent:
            self._next_percent = percent - percent % _LINE_EVERY_PERCENT + _LINE_EVERY_PERCENT
            say(f"{self._name}: {percent} %, {decimal(step.sent_bytes)}")

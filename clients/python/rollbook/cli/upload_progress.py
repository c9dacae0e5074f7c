"""Shows how far an upload is: a bar on a terminal, a few lines elsewhere."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from math import ceil
from typing import TYPE_CHECKING

from rich.filesize import decimal
from rich.progress import (
    BarColumn,
    DownloadColumn,
    ProgressColumn,
    Task,
    TaskProgressColumn,
    TextColumn,
)
from rich.text import Text

from rollbook.cli.output import clean, say, stderr_console
from rollbook.cli.progress import bar, is_narrow, short_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from rich.console import Console

    from rollbook import UploadProgress

    Watcher = Callable[[UploadProgress], None]

# So many percent lie between two lines at least.
_LINE_EVERY_PERCENT = 10

# At first only buffers fill, faster than any network.
_UNSETTLED_SECONDS = 2.0

_ALL_SENT = "sent; the server is checking rows"


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
    name = short_name(name, console)
    size = [TaskProgressColumn()] if is_narrow(console) else [BarColumn(), DownloadColumn()]
    text = TextColumn("{task.description}", markup=False)
    with bar(console, text, *size, _SettledSpeed(), _SettledRest()) as progress:
        task = progress.add_task(name, total=None, begun_at=None)

        def draw(step: UploadProgress) -> None:
            if progress.tasks[0].fields["begun_at"] is None:  # a resumed upload has bytes
                progress.update(task, begun_at=step.sent_bytes)
            progress.update(
                task,
                description=_headline(name, step),
                completed=step.sent_bytes,
                total=step.total_bytes,
            )

        yield draw


class _SettledSpeed(ProgressColumn):
    def render(self, task: Task) -> Text:
        """Give the speed, once it tells something and as long as there is one."""
        speed = _mean_speed(task)
        text = f"{decimal(int(speed))}/s" if speed else ""
        return Text(text, style="progress.data.speed", no_wrap=True)


class _SettledRest(ProgressColumn):
    def render(self, task: Task) -> Text:
        """Give the time left, which is known as well as the speed is."""
        speed = _mean_speed(task)
        left = timedelta(seconds=ceil((task.remaining or 0) / speed)) if speed else ""
        return Text(str(left), style="progress.remaining", no_wrap=True)


def _mean_speed(task: Task) -> float:
    """Give the bytes a second since the first step; 0 while nobody can tell.

    Of late, as rich would have it, is wrong here: where the network is slow, buffers take
    megabytes in one moment, and for the next half a minute there is no step at all.
    """
    if task.finished or task.total is None or (task.elapsed or 0.0) <= _UNSETTLED_SECONDS:
        return 0.0
    begun_at: int = task.fields["begun_at"]
    return (task.completed - begun_at) / (task.elapsed or 1.0)


def _headline(name: str, step: UploadProgress) -> str:
    if step.sent_bytes == step.total_bytes:
        return f"{name}, {_ALL_SENT}"
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
            what = f" {_ALL_SENT}" if step.sent_bytes == step.total_bytes else ""
            say(f"{self._name}: {percent} %, {decimal(step.sent_bytes)}{what}")

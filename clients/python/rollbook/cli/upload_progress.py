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
from rollbook.cli.progress import Percents, bar, is_narrow, short_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from rich.console import Console

    from rollbook import UploadProgress

    Watcher = Callable[[UploadProgress], None]

# So many percent lie between two lines at least.
_LINE_EVERY_PERCENT = 10

# The first batches tell little of those to come.
_UNSETTLED_SECONDS = 2.0

_ALL_SENT = "sent; the server is checking rows"
_ALL_KEPT = "the server is checking rows"


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
        pace = _Pace()
        task = progress.add_task(name, total=None, pace=pace)

        def draw(step: UploadProgress) -> None:
            pace.note(step, progress.tasks[0].elapsed or 0.0)
            progress.update(
                task,
                description=_headline(name, step),
                completed=_done_bytes(step),
                total=step.total_bytes,
            )

        yield draw


def _done_bytes(step: UploadProgress) -> int:
    """Give what is durable; a key that may not look knows what was sent, and no more."""
    return step.committed_bytes if step.committed_is_known else step.sent_bytes


class _Pace:
    """How fast an upload goes, by what the server made durable.

    Measured over all that came since the first step, and up to the last batch: they come
    one by one, on a slow network seconds apart. From one on that is later than any before
    it the rate shrinks and the time left grows, until it comes.
    """

    def __init__(self) -> None:
        self._begun_at: int | None = None
        self._reached = 0
        self._reached_at = 0.0
        self._longest_wait = 0.0
        self._is_settled = False

    def note(self, step: UploadProgress, elapsed: float) -> None:
        """Take a step in, so many seconds after the beginning."""
        if self._begun_at is None:  # a resumed upload has bytes
            self._begun_at = self._reached = step.committed_bytes
        if step.committed_bytes > self._reached:
            self._is_settled = self._is_settled or elapsed > _UNSETTLED_SECONDS
            self._longest_wait = max(self._longest_wait, elapsed - self._reached_at)
            self._reached, self._reached_at = step.committed_bytes, elapsed

    def bytes_per_second(self, elapsed: float) -> float:
        """Give the rate, so many seconds after the beginning; 0 if it is not known."""
        if not self._is_settled:
            return 0.0
        measured_until = max(self._reached_at, elapsed - self._longest_wait)
        return (self._reached - (self._begun_at or 0)) / measured_until

    def seconds_left(self, total_bytes: float, elapsed: float) -> int:
        """Give what is left of the time, once there is a rate."""
        needed = (total_bytes - self._reached) / self.bytes_per_second(elapsed)
        return max(0, ceil(needed - min(elapsed - self._reached_at, self._longest_wait)))


class _SettledSpeed(ProgressColumn):
    def render(self, task: Task) -> Text:
        """Give the speed, once it tells something and as long as there is one."""
        pace: _Pace = task.fields["pace"]
        speed = 0.0 if task.finished else pace.bytes_per_second(task.elapsed or 0.0)
        text = f"{decimal(int(speed))}/s" if speed else ""
        return Text(text, style="progress.data.speed", no_wrap=True)


class _SettledRest(ProgressColumn):
    def render(self, task: Task) -> Text:
        """Give the time left, or how long it took so far as long as that is not known."""
        pace: _Pace = task.fields["pace"]
        elapsed = task.elapsed or 0.0
        if task.finished or elapsed < _UNSETTLED_SECONDS:
            text = ""
        elif task.total is None or not pace.bytes_per_second(elapsed):
            text = f"{timedelta(seconds=int(elapsed))} so far"
        else:
            text = str(timedelta(seconds=pace.seconds_left(task.total, elapsed)))
        return Text(text, style="progress.remaining", no_wrap=True)


def _headline(name: str, step: UploadProgress) -> str:
    if step.committed_bytes == step.total_bytes:
        return f"{name}, {_ALL_KEPT}"
    if not step.committed_is_known and step.sent_bytes == step.total_bytes:
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
        self._name, self._percents = name, Percents(_LINE_EVERY_PERCENT)
        self._streams = 1

    def step(self, step: UploadProgress) -> None:
        """Write a line if the upload was resumed or came far enough."""
        if step.streams > self._streams:
            self._streams = step.streams
            say(f"{self._name}: the connection broke; going on")
        done = _done_bytes(step)
        percent = self._percents.reached(done, step.total_bytes) if step.total_bytes else 0
        if percent:
            what = "" if step.committed_is_known else " sent"
            say(f"{self._name}: {percent} %, {decimal(done)}{what}")

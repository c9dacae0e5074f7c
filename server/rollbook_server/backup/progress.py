"""Shows how far a copy of a file is: a bar on a terminal, a few lines elsewhere."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from rollbook.cli.output import say, stderr_console
from rollbook.cli.progress import Percents, bar, is_narrow
from rollbook_server.storage.sqlite.backups import CHECKING, BackupStep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from rich.console import Console

    Watcher = Callable[[BackupStep], None]

_MEGABYTE = 1_000_000


def watch(*, silent: bool) -> AbstractContextManager[Watcher]:
    """Give what is to be called with each step, for as long as it goes on."""
    console = stderr_console()
    if silent:
        return _nothing()
    return _bar(console) if console.is_terminal else _lines()


def megabytes(count: int) -> str:
    """Give a size as people read it."""
    return f"{count / _MEGABYTE:,.1f} MB"


@contextmanager
def _nothing() -> Iterator[Watcher]:
    yield lambda _step: None


@contextmanager
def _bar(console: Console) -> Iterator[Watcher]:
    """Draw bytes, rate and time left; the bar is gone at the end."""
    size = [TaskProgressColumn()] if is_narrow(console) else [BarColumn(), DownloadColumn()]
    text = TextColumn("{task.description}", markup=False)
    with bar(console, text, *size, TransferSpeedColumn(), TimeRemainingColumn()) as progress:
        yield partial(_draw, progress, progress.add_task("", total=None))


def _draw(progress: Progress, task: object, step: BackupStep) -> None:
    """Draw a step; how far checking is nobody knows."""
    progress.update(
        task,  # type: ignore[arg-type]  # an int, which rich calls TaskID
        description=step.phase,
        completed=step.byte_count,
        total=step.byte_total or None,
    )
    if step.phase == CHECKING:
        progress.reset(task, total=None)  # type: ignore[arg-type]


@contextmanager
def _lines() -> Iterator[Watcher]:
    """Write a line now and then."""
    yield _Lines().step


class _Lines:
    """Decides which steps are worth a line."""

    def __init__(self) -> None:
        self._percents = Percents()

    def step(self, step: BackupStep) -> None:
        """Write a line if the copy came far enough."""
        if step.phase == CHECKING:
            say(f"{step.phase}: every page and every index")
            self._percents = Percents()
            return
        percent = self._percents.reached(step.byte_count, step.byte_total)
        if percent:
            say(f"{step.phase}: {percent} %, {megabytes(step.byte_count)}")

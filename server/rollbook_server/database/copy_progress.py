"""Shows how far a copy of a database is: a bar on a terminal, a few lines elsewhere."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from rollbook.cli.output import counted, say, stderr_console
from rollbook.cli.progress import Percents, Rate, bar, is_narrow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from rich.console import Console

    from rollbook_server.storage.copying import CopyStep

    Watcher = Callable[[CopyStep], None]


def watch(*, silent: bool) -> AbstractContextManager[Watcher]:
    """Give what is to be called with each step, for as long as the copy goes on."""
    console = stderr_console()
    if silent:
        return _nothing()
    return _bar(console) if console.is_terminal else _lines()


@contextmanager
def _nothing() -> Iterator[Watcher]:
    yield lambda _step: None


@contextmanager
def _bar(console: Console) -> Iterator[Watcher]:
    """Draw rows, rate and time left of each phase; the bar is gone at the end."""
    size = [TaskProgressColumn()] if is_narrow(console) else [BarColumn(), MofNCompleteColumn()]
    rate = Rate("" if is_narrow(console) else "row")
    text = TextColumn("{task.description}", markup=False)
    with bar(console, text, *size, rate, TimeRemainingColumn()) as progress:
        yield partial(_draw, progress, {})


def _draw(progress: Progress, tasks: dict[str, TaskID], step: CopyStep) -> None:
    """Draw a step; each phase has a bar, that of the one before goes."""
    if step.phase not in tasks:
        for earlier in tasks.values():
            progress.update(earlier, visible=False)
        tasks[step.phase] = progress.add_task("", total=step.row_total, completed=step.row_count)
    progress.update(
        tasks[step.phase],
        description=f"{step.phase} {step.table}",
        completed=step.row_count,
    )


@contextmanager
def _lines() -> Iterator[Watcher]:
    """Write a line now and then."""
    yield _Lines().step


class _Lines:
    """Decides which steps are worth a line."""

    def __init__(self) -> None:
        self._phase, self._percents = "", Percents()

    def step(self, step: CopyStep) -> None:
        """Write a line if the copy came far enough."""
        if step.phase != self._phase:
            self._phase, self._percents = step.phase, Percents()
        percent = self._percents.reached(step.row_count, step.row_total)
        if percent:
            say(f"{step.phase}: {percent} %, {counted(step.row_count, 'row')}")

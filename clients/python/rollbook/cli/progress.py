"""Shows how far something is: on a terminal drawn in place, a few lines elsewhere."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from rollbook.cli.output import clean, counted, say, stderr_console

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

# So many percent lie between two lines at least.
_LINE_EVERY_PERCENT = 25
_SPEED_OVER_SECONDS = 10.0
_ALL = 100
# Columns of a terminal.
_ROOM_FOR_BAR = 72
_LEAST_NAME = 8


class Told(Protocol):
    """What is to be called with the count so far, and with the total once that is known."""

    def __call__(self, count: int, total: int | None = None, /) -> None: ...  # noqa: D102


@contextmanager
def counting(name: str, one: str, total: int | None, *, silent: bool) -> Iterator[Told]:
    """Give what is to be called with the count so far, of things of which one is called so.

    Of a total that nobody will know, 0, neither a share nor the time left can be told; None
    is one that is told later.
    """
    console = stderr_console()
    if silent:
        yield lambda _count, _total=None, /: None
    elif console.is_terminal:
        with bar(console, *_columns(console, one, is_endless=total == 0)) as progress:
            task = progress.add_task(short_name(name, console), total=total or None)
            yield lambda count, total=None, /: progress.update(task, completed=count, total=total)
    else:
        yield _Lines(clean(name), one, total or 0).step


def bar(console: Console, *columns: ProgressColumn) -> Progress:
    """Give a line that is drawn in place, and is gone at the end."""
    return Progress(
        *columns,
        console=console,
        transient=True,
        speed_estimate_period=_SPEED_OVER_SECONDS,
    )


def is_narrow(console: Console) -> bool:
    """Tell whether there is no room for a bar beside the figures."""
    return console.width < _ROOM_FOR_BAR


def short_name(name: str, console: Console) -> str:
    """Give a name of which the figures beside it leave room for."""
    shown = Text(clean(name))
    shown.truncate(max(_LEAST_NAME, console.width // 4), overflow="ellipsis")
    return shown.plain


def _columns(console: Console, one: str, *, is_endless: bool) -> list[ProgressColumn]:
    """Give counts, rate and time left; a bar, and what they are of, where there is room."""
    name = TextColumn("{task.description}", markup=False)
    if is_endless:
        return [name, _Count(), Rate(one)]
    if is_narrow(console):
        return [name, TaskProgressColumn(), Rate(""), TimeRemainingColumn()]
    return [
        name,
        BarColumn(bar_width=console.width // 6),
        _Count(),
        Rate(one),
        TimeRemainingColumn(),
    ]


class _Count(ProgressColumn):
    def render(self, task: Task) -> Text:
        """Give how many there are, and of how many if that is known."""
        of = f" of {task.total:,.0f}" if task.total is not None else ""
        return Text(f"{task.completed:,.0f}{of}", style="progress.download", no_wrap=True)


class Rate(ProgressColumn):
    """How many a second, as of late."""

    def __init__(self, one: str) -> None:
        super().__init__()
        self._many = f" {one}s" if one else ""

    def render(self, task: Task) -> Text:
        """Give the rate once there is one."""
        speed = task.finished_speed or task.speed
        text = f"{speed:,.0f}{self._many}/s" if speed else ""
        return Text(text, style="progress.data.speed", no_wrap=True)


class Percents:
    """Decides how far something has to be to be worth a line."""

    def __init__(self, every: int = _LINE_EVERY_PERCENT) -> None:
        self._every = self._next = every

    def reached(self, count: int, total: int) -> int:
        """Give how many percent that is, if it is far enough behind the last; else 0."""
        percent = _ALL * count // max(1, total)
        if percent < self._next:
            return 0
        self._next = percent - percent % self._every + self._every
        return percent


class _Lines:
    """Decides which counts are worth a line."""

    def __init__(self, name: str, one: str, total: int) -> None:
        self._name, self._one, self._total = name, one, total
        self._percents = Percents()

    def step(self, count: int, total: int | None = None, /) -> None:
        """Write a line if it came far enough, and is not whole yet."""
        self._total = total or self._total
        percent = self._percents.reached(count, self._total) if self._total else 0
        if 0 < percent < _ALL:  # the last is told by the command
            say(f"{self._name}: {percent} %, {counted(count, self._one)}")

"""How `rollbook watch` shows what it sees: drawn in place, as lines, or as JSON documents."""

from __future__ import annotations

import json
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from rich.console import Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from rollbook.cli.output import clean, counted, say, show_raw, stdout_console
from rollbook.cli.plain import plain
from rollbook.cli.undivided import undivided

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import RenderableType

    from rollbook import Profile
    from rollbook.cli.session import Session

    Show = Callable[["Seen"], None]

# Over so long the pace is taken: devices come in bursts, as people unpack them.
_PACE_OVER = timedelta(minutes=5)
_AWAY = "The server does not answer; these are the last counts. Waiting for it."
_BACK = "The server answers again."
_BAR_COLUMNS = 40


@dataclass(frozen=True)
class Seen:
    """A profile at one moment; as it was before, if the server does not answer."""

    profile: Profile
    is_answering: bool = True
    time: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def told(self) -> tuple[object, ...]:
        """What makes a line of its own when it changes."""
        one = self.profile
        counts = (one.device_count, one.registered_count, one.pending_count)
        return (one.name, *counts, self.is_answering)


@contextmanager
def view(session: Session) -> Iterator[Show]:
    """Give what is to be called with everything that is seen."""
    console = stdout_console()
    if session.wants_json:
        yield _Changes(_show_document).see
    elif console.is_terminal and not console.is_dumb_terminal:
        with Live(console=console, auto_refresh=False) as live:
            pace = _Pace()

            def draw(seen: Seen) -> None:
                pace.see(seen)
                with undivided():
                    live.update(_drawn(seen, pace), refresh=True)

            yield draw
    else:
        yield _Changes(_Lines().show).see


class _Changes:
    """Passes on what differs from what was seen before."""

    def __init__(self, show: Show) -> None:
        self._show = show
        self._before: tuple[object, ...] = ()

    def see(self, seen: Seen) -> None:
        if seen.told != self._before:
            self._before = seen.told
            self._show(seen)


def _show_document(seen: Seen) -> None:
    """Write one JSON document on a line of its own."""
    one = seen.profile
    document = {
        "time": seen.time,
        "profile_id": one.profile_id,
        "name": one.name,
        "device_count": one.device_count,
        "registered_count": one.registered_count,
        "pending_count": one.pending_count,
        "is_answering": seen.is_answering,
    }
    show_raw(json.dumps(plain(document), ensure_ascii=False) + "\n")


class _Lines:
    """Writes counts to stdout, and to stderr whether the server is there."""

    def __init__(self) -> None:
        self._was_answering = True

    def show(self, seen: Seen) -> None:
        if seen.is_answering != self._was_answering:
            self._was_answering = seen.is_answering
            say(_BACK if seen.is_answering else _AWAY)
        if seen.is_answering:
            moment = seen.time.astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")
            show_raw(f"{moment}  {clean(seen.profile.name)}: {_counts(seen.profile)}\n")


def _counts(one: Profile) -> str:
    return (
        f"{one.registered_count:,} registered, {one.pending_count:,} pending "
        f"of {counted(one.device_count, 'device')}"
    )


class _Pace:
    """How fast devices register, from what was seen in the last minutes."""

    def __init__(self) -> None:
        self._seen: deque[tuple[datetime, int]] = deque()

    def see(self, seen: Seen) -> None:
        """Take in what is seen, and forget what is too old or was taken back."""
        self._seen.append((seen.time, seen.profile.registered_count))
        while seen.time - self._seen[0][0] > _PACE_OVER:
            self._seen.popleft()
        if self._seen[0][1] > seen.profile.registered_count:
            self._seen.clear()

    def per_second(self) -> float:
        """Give how many devices a second; 0 while nothing is known."""
        if not self._seen:
            return 0.0
        (first, before), (last, now) = self._seen[0], self._seen[-1]
        seconds = (last - first).total_seconds()
        return (now - before) / seconds if seconds else 0.0


def _drawn(seen: Seen, pace: _Pace) -> RenderableType:
    one = seen.profile
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(justify="right", no_wrap=True)
    grid.add_row("registered", Text(f"{one.registered_count:,}", style="green"))
    grid.add_row("pending", Text(f"{one.pending_count:,}", style="yellow"))
    grid.add_row("devices", f"{one.device_count:,}")
    bar = ProgressBar(max(1, one.device_count), one.registered_count, width=_width())
    lines = Table.grid()
    for line in (Text(clean(one.name), style="bold", overflow="fold"), grid, bar):
        lines.add_row(line)
    # The last line stays outside: had it blanks up to the edge, the ^C of the terminal would
    # begin another one, and the first be there twice.
    return Group(lines, _below(seen, pace))


def _width() -> int:
    return min(_BAR_COLUMNS, stdout_console().width)


def _below(seen: Seen, pace: _Pace) -> Text:
    """Give the last lines: how fast it goes and when it ends, how old that is, how to stop."""
    moment = seen.time.astimezone().strftime("%H:%M:%S %Z")
    lines = [] if seen.is_answering else [(f"{_AWAY}\n", "red")]
    rate = pace.per_second()
    if rate and seen.profile.pending_count:
        left = timedelta(seconds=round(seen.profile.pending_count / rate))
        lines.append((f"{rate * 60:,.0f} a minute, {left} left\n", ""))
    return Text.assemble(*lines, (f"{moment}, Ctrl-C ends", "dim"))

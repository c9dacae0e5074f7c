"""What a command shows: tables for people, JSON for programs.

Results go to stdout, everything said about them to stderr. Whatever came from
a server is cleaned before it meets a terminal, and never read as markup.
"""

from __future__ import annotations

import json
import shutil
import sys
import unicodedata
from datetime import datetime
from enum import Enum, StrEnum
from itertools import chain
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.console import Console, ConsoleDimensions, Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from rollbook.cli.plain import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import RenderableType

# A pipe has no width: nothing is cut or folded there, so that every row stays a line.
_PIPE_WIDTH = 2**31
# Control characters, lone surrogates, line and paragraph separators.
_UNPRINTABLE_CATEGORIES = frozenset({"Cc", "Cs", "Zl", "Zp"})
# They turn the direction of the text around them, and so can make one name look
# like another.
_DIRECTION_MARKS = frozenset(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)

_GAP = 2  # columns between a name and its value
_LEAST_WIDTH = 12  # of a value beside its name; longer ones are folded


class Output(StrEnum):
    """For whom a command writes."""

    TABLE = "table"
    JSON = "json"


def clean(text: str) -> str:
    """Give the text on one line, without what a terminal would obey."""
    return "".join(_clean_character(character) for character in text)


def _clean_character(character: str) -> str:
    if character in "\t\n\r":
        return " "
    unprintable = unicodedata.category(character) in _UNPRINTABLE_CATEGORIES
    return "" if unprintable or character in _DIRECTION_MARKS else character


def words(value: object) -> str:
    """Give a value as people read it: `-` for nothing, times in their own zone."""
    if value is None or value == "":
        return "-"
    if isinstance(value, datetime):
        return value.astimezone().strftime("%Y-%m-%d %H:%M %Z")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, Enum):
        return str(value.value).replace("_", " ").title()
    return clean(str(value))


def counted(number: int, one: str) -> str:
    """Give a number and what it counts, whose plural ends in s."""
    return f"{number:,} {one}" if number == 1 else f"{number:,} {one}s"


def facts(pairs: Mapping[str, object]) -> RenderableType:
    """Give one thing's properties, each on a line of its own, or below its name if that is narrow.

    Nothing of a name or value is left out on any terminal.
    """
    shown = {clean(name): words(value) for name, value in pairs.items()}
    names, values = (max(map(cell_len, each), default=0) for each in (shown, shown.values()))
    if stdout_width() - names - _GAP < min(values, _LEAST_WIDTH):
        return Group(*chain.from_iterable(below(Text(n, "bold"), v) for n, v in shown.items()))
    result = Table.grid(padding=(0, _GAP))
    result.add_column(style="bold", no_wrap=True)
    result.add_column(overflow="fold")
    for name, value in shown.items():
        result.add_row(name, Text(value))
    return result


def below(title: Text, text: str) -> tuple[RenderableType, RenderableType]:
    """Give a title, and a text to stand below it, for terminals that are too narrow for both."""
    title.overflow = "fold"
    return title, Padding(Text(text, overflow="fold"), (0, 0, 0, _GAP))


def show(*things: RenderableType) -> None:
    """Write tables and lines to stdout."""
    console = stdout_console()
    for thing in things:
        if console.is_terminal:
            console.print(thing, soft_wrap=isinstance(thing, str))
        else:
            _show_unpadded(console, thing)


def _show_unpadded(console: Console, thing: RenderableType) -> None:
    """Write lines without the blanks at their ends, which the longest line calls for."""
    with console.capture() as captured:
        console.print(thing, soft_wrap=isinstance(thing, str))
    for line in captured.get().split("\n")[:-1]:
        sys.stdout.write(line.rstrip(" ") + "\n")


def show_json(value: object) -> None:
    """Write one JSON document to stdout."""
    show_raw(json.dumps(plain(value), indent=2, ensure_ascii=False) + "\n")


def show_raw(text: str) -> None:
    """Write text to stdout as it is: it must be clean, or meant for a program."""
    sys.stdout.write(text)
    sys.stdout.flush()


def show_bytes(data: bytes) -> None:
    """Write a file to stdout."""
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def say(text: str, style: str = "") -> None:
    """Write lines to stderr, cleaned, and never folded so that commands can be copied."""
    console = _console(stderr=True)
    for line in text.split("\n"):
        console.print(Text(clean(line), style=style), soft_wrap=True)


def warn(text: str) -> None:
    """Write to stderr what is doubtful about a result."""
    say(f"Warning: {text}", style="yellow")


def stdout_width() -> int:
    """Give how many columns stdout has; of a pipe, more than anything needs."""
    return stdout_console().width


def stdout_console() -> Console:
    """Give stdout, which may be a terminal."""
    return _console(stderr=False)


def stderr_console() -> Console:
    """Give the terminal, if there is one, on which progress is drawn."""
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = _PIPE_WIDTH
    elif console.is_dumb_terminal:  # of which rich believes that all have 80 columns
        console.size = ConsoleDimensions(*shutil.get_terminal_size())
    return console

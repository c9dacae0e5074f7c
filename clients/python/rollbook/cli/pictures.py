"""Pictures of half-block characters on the terminal: whole and to be scanned, or not at all."""

from __future__ import annotations

import re

from rich.text import Text

from rollbook.cli.errors import CommandError
from rollbook.cli.output import clean, stdout_console

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
# Fixed colours of the 256: a theme redefines the first sixteen.
_WHITE_ON_BLACK = "color(231) on color(16)"


def show_picture(drawn: str) -> None:
    """Write a picture to stdout, white on black.

    The colours in it are ours, whatever it brings: they have to be right on a dark
    terminal and on a light one. Raises CommandError for a terminal that would tear it.
    """
    console = stdout_console()
    lines = [clean(line) for line in _COLOUR.sub("", drawn).splitlines()]
    wide = max(map(len, lines), default=0)
    if console.is_terminal and console.width < wide:
        raise _too_wide(wide, console.width)
    for line in lines:
        console.print(Text(line, style=_WHITE_ON_BLACK), no_wrap=True, crop=False)


def _too_wide(wide: int, width: int) -> CommandError:
    return CommandError(
        f"The picture needs {wide} columns and this terminal has {width}, so nobody could scan it.",
        reason="TERMINAL_TOO_NARROW",
        next_step="Make the window wider, or write the picture to a file: --out FILE.png",
    )

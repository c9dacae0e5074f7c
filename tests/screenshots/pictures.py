"""From the cells of a terminal to a picture of it."""

from __future__ import annotations

import io
import re
from itertools import groupby
from typing import TYPE_CHECKING

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.style import Style
from rich.text import Text

if TYPE_CHECKING:
    from typing import Any

# Nobody's browser is to fetch a font because of a README.
_FORMAT = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL).replace(
    "Fira Code, monospace", "ui-monospace, Menlo, Consolas, DejaVu Sans Mono, monospace"
)
_OLD_NAMES = {"brown": "yellow"}


def picture(cells: Any, columns: int, lines: int, title: str) -> str:
    """Give an SVG of the lines of a pyte screen's buffer."""
    console = Console(
        record=True,
        width=columns,
        file=io.StringIO(),
        force_terminal=True,
        color_system="truecolor",
        legacy_windows=False,
    )
    for number in range(lines):
        console.print(_line(cells[number], columns), no_wrap=True, crop=False)
    # The ids in it are of the title, so that it differs from the last one only by its content.
    return console.export_svg(title=title, code_format=_FORMAT, unique_id=_id(title))


def _line(cells: Any, columns: int) -> Text:
    text = Text()
    for look, alike in groupby((cells[column] for column in range(columns)), key=_look):
        text.append("".join(cell.data for cell in alike), _style(*look))
    text.rstrip()
    return text


def _look(cell: Any) -> tuple[str, str, bool]:
    return cell.fg, cell.bg, cell.bold


def _style(colour: str, background: str, bold: bool) -> Style:
    return Style(color=_colour(colour), bgcolor=_colour(background), bold=bold or None)


def _colour(name: str) -> str | None:
    if name == "default":
        return None
    if re.fullmatch(r"[0-9a-f]{6}", name):
        return f"#{name}"
    name = re.sub(r"^bright", "bright_", name)
    return _OLD_NAMES.get(name, name)


def _id(title: str) -> str:
    return "picture-" + re.sub(r"\W+", "-", title)

"""Tables that a narrow terminal does not tear apart."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING

from rich import box
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from rollbook.cli.output import stdout_width, words

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

# What lies between two columns.
_GAP = 2


def table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, whole: Collection[str] = ()
) -> Table:
    """Give rows under a header; numbers stand on the right.

    Where it is wider than the terminal, headers take several lines and long text
    loses its end; times and numbers, of which every character counts, stay whole, as do
    the columns named so: ids are there to be copied.
    """
    kept = [tuple(row) for row in rows]
    result = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    narrow = _natural_width(columns, kept) > stdout_width()
    for place, column in enumerate(columns):
        cells = [row[place] for row in kept]
        is_whole = column in whole or not _is_text(cells)
        right = bool(cells) and all(isinstance(cell, int) for cell in cells)
        result.add_column(
            column,
            justify="right" if right else "left",
            width=_least_width(column, cells) if narrow and is_whole else None,
            min_width=_least_width(column, []) if narrow else None,
        )
    for row in kept:
        result.add_row(*map(_cell, row))
    return result


def _cell(value: object) -> Text:
    if _is_text([value]):
        return Text(words(value), no_wrap=True, overflow="ellipsis")
    return Text(words(value))


def _is_text(cells: Iterable[object]) -> bool:
    """Tell what can be shortened: not the words of an enum, which are text as well."""
    return all(isinstance(cell, str) and not isinstance(cell, Enum) for cell in cells)


def _natural_width(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> int:
    lines = (columns, *([words(cell) for cell in row] for row in rows))
    widths = [max(map(cell_len, column)) for column in zip(*lines, strict=True)]
    return sum(widths) + _GAP * (len(widths) - 1)


def _least_width(column: str, cells: Iterable[object]) -> int:
    """Give the length of the longest word; a time is one."""
    parts = column.split()
    for cell in cells:
        parts += [words(cell)] if isinstance(cell, datetime) else words(cell).split()
    return max(map(cell_len, parts))

"""Tables that a narrow terminal does not tear apart."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from rich import box
from rich.cells import cell_len
from rich.console import Group
from rich.table import Table
from rich.text import Text

from rollbook.cli.output import facts, stdout_width, words

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from rich.console import RenderableType

# What lies between two columns.
_GAP = 2


def table(
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    whole: Collection[str] = (),
    folded: Collection[str] = (),
) -> RenderableType:
    """Give rows under a header; numbers stand on the right.

    Where it is wider than the terminal, headers take several lines and long text
    loses its end; times and numbers, of which every character counts, stay whole, as do
    the columns named so: ids are there to be copied. Those named as folded, such as
    names, take several lines. Where even that has no room, every row becomes a list.
    """
    kept = [tuple(row) for row in rows]
    shapes = [_shape(column, kept, at, whole, folded) for at, column in enumerate(columns)]
    if _total(shape.natural for shape in shapes) <= stdout_width():
        return _table(shapes, kept, narrow=False)
    if _total(shape.least for shape in shapes) <= stdout_width():
        return _table(shapes, kept, narrow=True)
    return Group(*_lists(columns, kept))


class _Shape(NamedTuple):
    """A column: how wide it would be, must be at least, and what may be done to it."""

    name: str
    natural: int
    least: int
    is_whole: bool
    is_text: bool
    is_number: bool


def _shape(
    column: str,
    rows: Sequence[Sequence[object]],
    at: int,
    whole: Collection[str],
    folded: Collection[str],
) -> _Shape:
    cells = [row[at] for row in rows]
    is_whole = column in whole or not _is_text(cells)
    return _Shape(
        column,
        max(map(cell_len, (column, *map(words, cells)))),
        _least_width(column, cells if is_whole else []),
        is_whole or column in folded,
        _is_text(cells),
        bool(cells) and all(isinstance(cell, int) for cell in cells),
    )


def _table(shapes: Sequence[_Shape], rows: Sequence[Sequence[object]], *, narrow: bool) -> Table:
    result = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    for shape in shapes:
        result.add_column(
            shape.name,
            justify="right" if shape.is_number else "left",
            width=shape.least if narrow and not shape.is_text else None,
            min_width=shape.least if narrow else None,
        )
    for row in rows:
        cells = zip(row, shapes, strict=True)
        result.add_row(*(_cell(value, is_whole=shape.is_whole) for value, shape in cells))
    return result


def _lists(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[RenderableType]:
    for number, row in enumerate(rows):
        if number:
            yield ""
        yield facts(dict(zip(columns, row, strict=True)))


def _cell(value: object, *, is_whole: bool) -> Text:
    if is_whole:
        return Text(words(value), overflow="fold")
    return Text(words(value), no_wrap=True, overflow="ellipsis")


def _total(widths: Iterable[int]) -> int:
    each = list(widths)
    return sum(each) + _GAP * (len(each) - 1)


def _is_text(cells: Iterable[object]) -> bool:
    """Tell what can be shortened: not the words of an enum, which are text as well."""
    return all(isinstance(cell, str) and not isinstance(cell, Enum) for cell in cells)


def _least_width(column: str, cells: Iterable[object]) -> int:
    """Give the length of the longest word; a time is one."""
    parts = column.split()
    for cell in cells:
        parts += [words(cell)] if isinstance(cell, datetime) else words(cell).split()
    return max(map(cell_len, parts))

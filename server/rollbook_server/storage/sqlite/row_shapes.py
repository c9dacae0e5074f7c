"""What rows have in common, so that it is bound once for all of them.

Binding a parameter takes as long as inserting half a row: what is alike in the rows of
a batch, or rises with them, is no parameter of each.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from rollbook_server.storage.attribute_texts import texts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rollbook_server.domain.row_blocks import RowBlock

ALWAYS = ("place", "imei", "serial_number", "attributes")
OFTEN_SHARED = ("imei2", "manufacturer", "manufacturer_key")
RISING = ("source_row", "source_line")


@dataclass(frozen=True, slots=True)
class Shape:
    """What the rows of a batch have in common: the columns of each, and values of all.

    Of `source_row` and `source_line` the value of all is what added to its place makes
    that of each.
    """

    columns: tuple[str, ...]
    shared: Mapping[str, Any]

    def values(self, names: Sequence[str]) -> list[Any]:
        """Give the values of all, of these names, in their order."""
        return [self.shared[name] for name in names if name in self.shared]

    def fits(self, block: RowBlock, place: int) -> bool:
        """Tell whether a block has the values of all, too, if its first row is at a place."""
        return all(_has(block, name, value, place) for name, value in self.shared.items())

    def cells(self, block: RowBlock, place: int) -> list[Any]:
        """Give the parameters of a block whose first row is at a place, row by row."""
        size, width = len(block.row), len(self.columns)
        cells: list[Any] = [None] * (size * width)
        for index, name in enumerate(self.columns):  # faster than a tuple for every row
            if name == "place":
                cells[index::width] = range(place, place + size)
            elif name == "attributes":
                cells[index::width] = texts(block.attributes)
            elif name in RISING:
                cells[index::width] = _numbers(block, name)
            else:
                cells[index::width] = _nullable(getattr(block, name))
        return cells


def shape_of(blocks: Sequence[RowBlock]) -> Shape:
    """Give what blocks that follow each other have in common."""
    shared: dict[str, Any] = {}
    for name in OFTEN_SHARED:
        found = set(chain.from_iterable(set(getattr(block, name)) for block in blocks))
        if len(found) == 1:
            shared[name] = found.pop() or None
    for name in RISING:
        offset = _offset_of([_numbers(block, name) for block in blocks])
        if offset is not None:
            shared[name] = offset
    own = (name for name in (*OFTEN_SHARED, *RISING) if name not in shared)
    return Shape((*ALWAYS, *own), shared)


def _has(block: RowBlock, name: str, value: Any, place: int) -> bool:
    if name in RISING:
        return _rises(_numbers(block, name), value + place)
    column = getattr(block, name)
    return bool(column.count(value or "") == len(column))


def _numbers(block: RowBlock, name: str) -> Sequence[int]:
    return block.row if name == "source_row" else block.line


def _offset_of(columns: Sequence[Sequence[int]]) -> int | None:
    """Give what added to its place makes the number of each row; none if nothing does."""
    if not columns:
        return None
    offset = here = columns[0][0]
    for column in columns:
        if not _rises(column, here):
            return None
        here += len(column)
    return offset


def _rises(column: Sequence[int], begin: int) -> bool:
    span = range(begin, begin + len(column))
    return column == span or list(column) == list(span)


def _nullable(column: Sequence[str]) -> Sequence[str | None]:
    """Give a column with NULL for what is unknown."""
    return [cell or None for cell in column] if "" in column else column

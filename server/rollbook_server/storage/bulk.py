"""Many rows in one statement: `VALUES` with a parameter for every cell.

Python binds all of them in one go and is free to do other things while SQLite works.
Half the time of a JSON array that SQLite takes apart, and of a statement a row, each of
which waits for Python's lock; or for PostgreSQL.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# How many rows a statement takes; those that are lacking are filled up with NULL. After
# each the writer waits for Python's lock; but to prepare one of 2,000 rows takes 10 ms,
# and with more, what is bound does not fit into the processor's cache.
_SIZES = (8, 32, 128, 512, 1024)
_MOST_PARAMETERS = 32_000  # SQLite takes 32,766, some bound once for all; PostgreSQL 65,535


class Piece(NamedTuple):
    """Some of many rows: the text for `VALUES`, its parameters, and how many rows they are."""

    values: str
    parameters: list[Any]
    size: int


def pieces(cells: Sequence[Any], width: int) -> Iterator[Piece]:
    """Cut the cells of rows of `width` cells each; rows filled up are NULL throughout."""
    most = max(size for size in _SIZES if size * width <= _MOST_PARAMETERS)
    for begin in range(0, len(cells), most * width):
        mine = cells[begin : begin + most * width]
        size = next(size for size in _SIZES if size * width >= len(mine))
        filling = [None] * (size * width - len(mine))
        yield Piece(values_of(width, size), [*mine, *filling], len(mine) // width)


@cache
def values_of(width: int, size: int) -> str:
    """Give the text for `VALUES` of so many rows."""
    row = f"({', '.join('?' * width)})"
    return f"VALUES {', '.join([row] * size)}"

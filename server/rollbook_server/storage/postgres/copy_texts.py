"""Rows in the text form of COPY: cells with tabs between them, a line each."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

NULL = r"\N"

# Lines that are sent at once: few enough that PostgreSQL, which takes some milliseconds for
# them, has begun before the last are made, and that they take no memory worth speaking of.
_AT_ONCE = 1_000

_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})
_ESCAPED = "\\\t\n\r"


def cells(column: Sequence[Any]) -> Sequence[str]:
    """Give a column of texts, numbers and None in the form of COPY."""
    if all(type(value) is str for value in column):
        return escaped(column)
    return [NULL if value is None else str(value).translate(_ESCAPES) for value in column]


def escaped(column: Sequence[str]) -> Sequence[str]:
    """Give a column of texts; most need nothing."""
    joined = "".join(column)
    if not any(character in joined for character in _ESCAPED):
        return column
    return [value.translate(_ESCAPES) for value in column]


def nullable(column: Sequence[str]) -> Sequence[str]:
    """Give a column of texts, with NULL for those that are empty."""
    ready = escaped(column)
    return [value or NULL for value in ready] if "" in ready else ready


def lines(columns: Iterable[Iterable[str]]) -> list[str]:
    """Put columns together, of which one at least has an end."""
    return [f"{line}\n" for line in map("\t".join, zip(*columns, strict=False))]


def numbered(ready: Iterable[str], first: int, alike: str) -> Iterator[str]:
    """Put before each line a number, which counts on, and what is alike in all."""
    return (f"{number}{alike}{line}" for number, line in enumerate(ready, first))


def pieces(ready: Iterable[str]) -> Iterator[str]:
    """Give lines put together, some at a time."""
    rest = iter(ready)
    while some := "".join(islice(rest, _AT_ONCE)):
        yield some

"""From columns of cells to the text of a CSV file that spreadsheets may safely open.

Works on whole columns: hardly any of them holds a cell that takes quotes or a
guard, and one search through a column tells that of all its cells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollbook_server.domain.formula_cells import RISKY_BEGINNINGS, escape_cell

if TYPE_CHECKING:
    from collections.abc import Sequence

LINE_END = "\r\n"  # as in RFC 4180
# No cell holds it but by chance, and then its column is looked at cell by cell.
_BETWEEN = "\x1f"
_QUOTED = '",\r\n'


def safe(column: Sequence[str]) -> Sequence[str]:
    """Give the cells as they stand in the file: with guards and in quotes where needed."""
    joined = _BETWEEN + _BETWEEN.join(column)
    # The single character first: that search is faster by far, and mostly enough.
    if any(sign in joined and _BETWEEN + sign in joined for sign in RISKY_BEGINNINGS):
        column = list(map(escape_cell, column))
    if any(sign in joined for sign in _QUOTED):
        column = list(map(_quoted, column))
    return column


def lines(columns: Sequence[Sequence[str]]) -> str:
    """Give the rows of some columns of safe cells, which are of one length."""
    rows = zip(*columns, strict=True)
    return LINE_END.join([*map(",".join, rows), ""])


def _quoted(cell: str) -> str:
    if any(sign in cell for sign in _QUOTED):
        return '"' + cell.replace('"', '""') + '"'
    return cell

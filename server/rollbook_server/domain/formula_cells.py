"""Guards for cells that a spreadsheet would run as a formula.

An export leads such a cell with an apostrophe; an import takes exactly that
apostrophe off again, so that a file that was exported, opened and uploaded
gives the cells it was made from. The room knows cells, not files.
"""

from __future__ import annotations

import re

# What Excel, LibreOffice and Sheets take as the beginning of a formula, and the
# white space they skip before one (OWASP, "CSV Injection"). Apostrophes before
# it are counted in, so that guarding is one more and unguarding one less.
RISKY_BEGINNINGS = "=+-@\t\r'"
"""No cell that begins with another character is guarded."""
_RISKY_CELL = re.compile(r"'*[=+\-@\t\r]")
_GUARDED_CELL = re.compile(r"'+[=+\-@\t\r]")
_GUARD_ANYWHERE = re.compile(r"'[=+\-@\t\r]")


def escape_cell(cell: str) -> str:
    """Give the cell as a spreadsheet may safely open it."""
    return "'" + cell if _RISKY_CELL.match(cell) else cell


def unescape_cell(cell: str) -> str:
    """Give the cell that `escape_cell` was given; other cells stay as they are."""
    return cell[1:] if _GUARDED_CELL.match(cell) else cell


def may_hold_guards(text: str) -> bool:
    """Tell whether any cell of a piece of CSV can be guarded.

    One search over the piece spares a look at each of its cells: hardly any file
    holds a guard, and it may say yes too often but never no too often.
    """
    return "'" in text and _GUARD_ANYWHERE.search(text) is not None

"""Rejected rows as a CSV file: mend it in a spreadsheet, upload it again."""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import TextIO

    from rollbook.resources import RowError

# The server leaves this column out of account when the file comes back.
ERROR_COLUMN = "Rollbook Error"

# What a spreadsheet would run as a formula, and what an apostrophe before it hides;
# the server's import takes exactly one apostrophe off again.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")


class ErrorCsv:
    """Writes rejected rows under the uploader's own header, with the error in a last column."""

    def __init__(self, file: TextIO, columns: Sequence[str], delimiter: str = ",") -> None:
        self._writer = csv.writer(file, delimiter=delimiter)
        # A file that was mended and uploaded again brings the column of the time before.
        self._kept = [place for place, name in enumerate(columns) if name != ERROR_COLUMN]
        self._width = len(columns)
        self._write([columns[place] for place in self._kept], ERROR_COLUMN, [])

    def write(self, errors: Iterable[RowError]) -> int:
        """Write a line for each row; gives how many."""
        count = 0
        for error in errors:
            cells = [error.values[at] if at < len(error.values) else "" for at in self._kept]
            # Cells beyond the header stay beyond it, so that the error has one place.
            self._write(cells, _sentence(error), error.values[self._width :])
            count += 1
        return count

    def _write(self, cells: Sequence[str], error: str, beyond: Sequence[str]) -> None:
        self._writer.writerow([harmless(cell) for cell in (*cells, error, *beyond)])


def _sentence(error: RowError) -> str:
    place = f"{error.column}: " if error.column else ""
    repair = f"; write {error.suggestion}" if error.suggestion else ""
    return f"{error.reason}: {place}{error.message}{repair}"


def harmless(cell: str) -> str:
    """Lead a cell by an apostrophe if a spreadsheet would run it."""
    return f"'{cell}" if _FORMULA.match(cell) else cell

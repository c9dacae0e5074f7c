"""The file of an upload's rejected rows: its name, and its writing."""

from __future__ import annotations

import codecs
import csv
import io
import re
import unicodedata
from itertools import dropwhile
from pathlib import Path
from typing import TYPE_CHECKING

from rollbook.cli.new_files import NewFile
from rollbook.cli.progress import counting
from rollbook.cli.upload_inputs import passes
from rollbook.cli.upload_request import free_path

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import BinaryIO

    from rollbook import AdminClient, Upload

# Fewer rows are there before anybody wonders.
_WORTH_SHOWING = 1_000
_DELIMITERS = (",", ";", "\t")
_BLANK = ",;\t| \r\n"
_SEPARATOR_LINE = re.compile(r'\s*"?sep=([,;\t])"?[,;\t\s]*', re.IGNORECASE)  # Excel's
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_LONGEST_HEADER = 131_072  # characters, what Python's csv takes as a field
_OF_PIPES = Path("rejected.csv")
# A file of rejected rows that was mended and has some again gets no second ending.
_ENDING = re.compile(r"\.rejected(-\d+)?$")


def beside(file: Path) -> NewFile:
    """Give the name that is taken when nobody says one: beside the file, and free.

    Of a pipe, which lies nowhere, it is in the present directory.
    """
    if passes(file):
        return NewFile(free_path(_OF_PIPES), "--errors")
    name = _ENDING.sub("", file.stem)
    return NewFile(free_path(file.with_name(f"{name}.rejected.csv")), "--errors")


def write_errors(
    client: AdminClient, done: Upload, source: Path, new: NewFile, *, silent: bool
) -> Path:
    """Write the rejected rows of an upload as its source has them; gives the path of the file."""
    total = done.rejected_count
    silent = silent or total < _WORTH_SHOWING
    with (
        counting(new.path.name, "row", total, silent=silent) as told,
        new.writing() as file,
    ):
        text = _Rows(file, told)
        client.write_upload_errors(done.upload_id, text, delimiter=delimiter_of(source, done))
        text.detach()  # which writes what is left
    return new.path


def delimiter_of(source: Path, done: Upload) -> str:
    """Give what parts the cells of a file; a comma if its beginning cannot be read again.

    Whose spreadsheet writes semicolons sees a file with commas as one column.
    """
    blank_or_more = [] if passes(source) else _beginning(source)
    lines = list(dropwhile(lambda line: not line.strip(_BLANK), blank_or_more))
    named = _SEPARATOR_LINE.fullmatch(lines[0]) if lines else None
    return named[1] if named else _delimiter_by_columns(lines, [one.column for one in done.columns])


def _delimiter_by_columns(lines: Sequence[str], columns: Sequence[str]) -> str:
    """Give what cuts the first record into as many cells as the server saw columns.

    Their names decide only where that leaves a choice: a file may have no header.
    """
    first = {delimiter: _first_record(lines, delimiter) for delimiter in _DELIMITERS}
    fits = [each for each, cells in first.items() if len(cells) == len(columns)] or [*_DELIMITERS]
    names = [_plain(name) for name in columns]
    alike = (each for each in fits if [_plain(cell) for cell in first[each]] == names)
    return next(alike, fits[0])


def _first_record(lines: Sequence[str], delimiter: str) -> list[str]:
    try:
        return next(csv.reader(lines, delimiter=delimiter), [])
    except csv.Error:
        return []


def _plain(name: str) -> str:
    """Write a header as the server tells it: without an apostrophe that guards a formula."""
    return unicodedata.normalize("NFC", name).strip().removeprefix("'")


def _beginning(source: Path) -> list[str]:
    """Give the first lines of a file, of which one may be cut off; none if it has no text."""
    try:
        with source.open("rb") as raw:
            encoding = "utf-16" if raw.read(2) in _UTF16 else "utf-8-sig"
        with source.open(encoding=encoding, newline="") as file:
            # Not by splitlines, which parts lines also where CSV does not.
            return list(io.StringIO(file.read(_LONGEST_HEADER), newline=""))
    except (OSError, UnicodeError):
        return []


class _Rows(io.TextIOWrapper):
    """A CSV file that tells how many rows it has; each is written at once."""

    def __init__(self, file: BinaryIO, told: Callable[[int], None]) -> None:
        # Without the mark at its beginning, spreadsheets take it for another encoding.
        super().__init__(file, encoding="utf-8-sig", newline="")
        self._told, self._count = told, -1  # the header is none

    def write(self, text: str, /) -> int:
        self._count += 1
        self._told(self._count)
        return super().write(text)

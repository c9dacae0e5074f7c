"""Why a CSV file cannot be read on, and where.

The standard library's reader says only that something is wrong. This room walks
the one record that stopped it, by the same rules, and finds place and cause.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from rollbook_server.domain.errors import FileError, Reason

if TYPE_CHECKING:
    from collections.abc import Sequence

# Possessive, so that a megabyte of quotes costs no memory for going back.
_INSIDE_QUOTES = re.compile(r'(?:[^"]++|"")*+')
_LINE_END = re.compile(r"\r*+(?:\n|\Z)")

_BARE_RETURN = (
    "a carriage return stands outside quotes with no line feed after it; save the file with"
    " line endings LF or CRLF, or put the field in quotes"
)


@dataclass(frozen=True, slots=True)
class CsvLimits:
    """How much of a file is taken at once.

    65,536 characters hold any attribute with its 4,096, and far more than a
    person means to write. 1,048,576 for a record hold a device with 100 attributes of
    4,096 quotes each, which are written twice; more are met only by an unclosed quote
    or a file that is no CSV. That bounds what a stream keeps in memory.

    A reader holds bytes back until it has 16 KiB, or as many as the characters it
    carries of an unfinished record: then every byte is parsed about twice at the
    most, into however small pieces the file is cut.
    """

    field_characters: int = 65_536
    record_characters: int = 1_048_576
    hold_bytes: int = 16_384


class Place(NamedTuple):
    """Where a record begins, and the names of its fields."""

    line: int
    row: int
    headers: Sequence[str] = ()


def find_fault(
    text: str, delimiter: str, place: Place, limits: CsvLimits, *, is_ended: bool
) -> FileError | None:
    """Give the first fault of the record with which a text begins.

    None if there is none so far: the text may break off inside the record, unless
    the file `is_ended` with it.
    """
    return _Walk(text, delimiter, place, limits, is_ended=is_ended).fault()


class _Walk:
    """Goes through the fields of one record up to its first fault."""

    def __init__(
        self, text: str, delimiter: str, place: Place, limits: CsvLimits, *, is_ended: bool
    ) -> None:
        # Never more than a reader would have carried, so that the verdict on a
        # record is the same into whatever pieces the file is cut.
        self._text = text[: limits.record_characters + 1]
        self._is_too_long = len(self._text) > limits.record_characters
        self._is_ended = is_ended or self._is_too_long
        self._delimiter, self._place, self._limits = delimiter, place, limits
        self._unquoted = re.compile(rf"[^\r\n{re.escape(delimiter)}]*+")
        self._field = self._begin = 0
        self._fault: FileError | None = None

    def fault(self) -> FileError | None:
        """Walk, and give the fault or none."""
        while self._pass_field():
            self._field += 1
        if self._fault is None and self._is_ended:
            # Out of reach, unless another part of the process lowers the limit that
            # the `csv` module keeps for all of them.
            self._refuse(Reason.CSV_FIELD_TOO_LARGE, "this row cannot be read", 0)
        return self._fault

    def _pass_field(self) -> bool:
        """Pass one field; false if it is the last, or faulty, or breaks off."""
        if self._text.startswith('"', self._begin):
            return self._pass_quoted_field()
        found = self._unquoted.match(self._text, self._begin)
        end = found.end() if found else self._begin
        is_whole = end < len(self._text) or self._is_ended
        if is_whole and self._refuse_size(end - self._begin):
            return False
        return self._pass_delimiter(end)

    def _pass_quoted_field(self) -> bool:
        inner = _INSIDE_QUOTES.match(self._text, self._begin + 1)
        closing = inner.end() if inner else self._begin
        if closing >= len(self._text):
            return self._refuse_unclosed()
        doubled = self._text.count('""', self._begin + 1, closing)
        if self._refuse_size(closing - self._begin - 1 - doubled):
            return False
        return self._pass_delimiter(closing + 1)

    def _pass_delimiter(self, end: int) -> bool:
        if self._text.startswith(self._delimiter, end):
            self._begin = end + 1
            return True
        if _LINE_END.match(self._text, end):
            return self._refuse_long_record(end)
        if self._text[end] == "\r":
            return self._refuse(Reason.CSV_LINE_ENDING, _BARE_RETURN, end)
        return self._refuse(Reason.CSV_QUOTE_MISPLACED, self._misplaced(end), end)

    def _misplaced(self, end: int) -> str:
        opened = self._place.line + self._text.count("\n", 0, self._begin)
        closed = opened + self._text.count("\n", self._begin, end)
        where = "" if opened == closed else f", which was opened in line {opened}"
        return (
            f"text follows the closing quote of a field{where}; close the field where it ends, "
            'and write a quote inside a quoted field twice ("")'
        )

    def _refuse_unclosed(self) -> bool:
        if not self._is_ended:
            return False
        most = f" within {self._limits.record_characters:,} characters"
        message = (
            f"a quoted field begins here and is not closed{most if self._is_too_long else ''}; "
            'put a quote (") at its end, or take away the one at its beginning'
        )
        return self._refuse(Reason.CSV_UNCLOSED_QUOTE, message, self._begin)

    def _refuse_size(self, size: int) -> bool:
        """Refuse a field of too many characters; true if it was."""
        most = self._limits.field_characters
        if size > most:
            message = f"a field has more than {most:,} characters; shorten it"
            self._refuse(Reason.CSV_FIELD_TOO_LARGE, message, self._begin)
        return size > most

    def _refuse_long_record(self, end: int) -> bool:
        if self._is_too_long and end + 1 >= len(self._text):
            message = f"the row has more than {self._limits.record_characters:,} characters"
            self._fault = FileError(
                Reason.CSV_FIELD_TOO_LARGE, message, line=self._place.line, row=self._place.row
            )
        return False

    def _refuse(self, reason: Reason, message: str, offset: int) -> bool:
        """Keep the fault; false, because the walk ends with it."""
        headers = self._place.headers
        column = headers[self._field] if self._field < len(headers) else ""
        line = self._place.line + self._text.count("\n", 0, offset)
        self._fault = FileError(reason, message, line=line, row=self._place.row, column=column)
        return False

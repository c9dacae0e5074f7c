"""From the bytes of a CSV file to its records, piece by piece, with positions.

A reader keeps nothing of the file but the record that is not complete yet, and
always knows how many bytes lie behind it, so that a stream that broke off, or a
server that was restarted, goes on at the next byte. What columns mean is told in
`columns`, whether a row is good in `rows`.
"""

from __future__ import annotations

import csv
import io
import zlib
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from rollbook_server.domain import csv_encoding
from rollbook_server.domain.columns import Columns, understand
from rollbook_server.domain.csv_faults import CsvLimits, Place, find_fault
from rollbook_server.domain.csv_records import cut_into_columns, parse, tidied, without_guards
from rollbook_server.domain.dialects import detect_delimiter, is_json, separator_named_by
from rollbook_server.domain.errors import FileError, Reason, RollbookError
from rollbook_server.domain.formula_cells import may_hold_guards
from rollbook_server.domain.row_blocks import CellColumns, Records

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rollbook_server.domain.csv_records import Parsed

_BLANK = " \t,;|\r\n"


@dataclass(frozen=True, slots=True)
class Position:
    """How far a file is read: behind the last record that was given.

    `crc32` is that of the first `offset` bytes; `lines` counts all lines there,
    `rows` the records without header and blank lines.
    """

    offset: int = 0
    crc32: int = 0
    rows: int = 0
    lines: int = 0


class CsvReader:
    """Reads one file, in order, from one thread.

    What is wrong with the file does not take away the good records before it:
    these are returned, `error` is set, and every later call raises it. The
    position is then before the record that cannot be read, so a mended file can
    be read on from there.
    """

    def __init__(
        self, limits: CsvLimits | None = None, column_mapping: Mapping[str, str] | None = None
    ) -> None:
        """Begin a file; `column_mapping` (header to field) overrules recognition."""
        self.columns: Columns | None = None
        self.position = Position()
        self.error: RollbookError | None = None
        self._limits = limits or CsvLimits()
        self._column_mapping = dict(column_mapping or {})
        self._encoding = self._delimiter = ""
        self._mark = b""
        self._held = bytearray()
        self._carry = ""
        # The module's limit is one for the whole process, and below ours by default.
        # It is only ever raised, which nobody else can notice; ours are checked here.
        csv.field_size_limit(max(csv.field_size_limit(), self._limits.record_characters))

    @classmethod
    def resume(cls, snapshot: Mapping[str, Any], limits: CsvLimits | None = None) -> CsvReader:
        """Give a reader that goes on with the byte at the snapshot's `offset`."""
        reader = cls(limits, snapshot["column_mapping"])
        reader.position = Position(**snapshot["position"])
        reader._encoding, reader._delimiter = snapshot["encoding"], snapshot["delimiter"]
        if snapshot["columns"]:
            reader.columns = Columns.from_dict(snapshot["columns"])
        return reader

    def snapshot(self) -> dict[str, object]:
        """Give what `resume` needs, in a form that JSON can hold."""
        return {
            "position": asdict(self.position),
            # Before the first line is read, the mark is still to come.
            "encoding": self._encoding if self.position.offset else "",
            "delimiter": self._delimiter,
            "column_mapping": self._column_mapping,
            "columns": self.columns.to_dict() if self.columns else None,
        }

    def feed(self, data: bytes) -> Records:
        """Take the next bytes, cut anywhere, and give the records complete by now.

        Raises:
            RollbookError: an earlier call has set `error`.
        """
        self.raise_error()
        self._held += data
        if len(self._held) < max(self._limits.hold_bytes, len(self._carry)):
            return self._none()
        return self._read(final=False)

    def read_held(self) -> Records:
        """Give the records that came whole and were held back to be read together."""
        return self._none() if self.error else self._read(final=False)

    def finish(self) -> Records:
        """Give the last records, at the end of the file; look at `error` afterwards.

        Raises:
            RollbookError: an earlier call has set `error`.
        """
        self.raise_error()
        records = self._read(final=True)
        if self.error is None and self.position.rows == 0:
            self.error = self._nothing_read()
        return records

    def raise_error(self) -> None:
        """Raise what is wrong with the file, if anything was found so far."""
        if self.error is not None:
            raise self.error

    def _json(self, used: int) -> FileError:
        message = (
            "the file is JSON, such as AWS IoT takes line by line, and no CSV; write a header"
            " with the names, and the values of each object as one line below it"
        )
        line = self.position.lines + used + 1
        return FileError(Reason.CSV_NO_IDENTIFIER_COLUMN, message, line=line)

    def _nothing_read(self) -> FileError:
        line = max(1, self.position.lines)
        if self.columns is None:
            return FileError(Reason.FILE_EMPTY, "the file is empty", line=line)
        message = "the file holds a header and no rows"
        return FileError(Reason.FILE_WITHOUT_ROWS, message, line=line)

    def _none(self) -> Records:
        return Records((), (), ())

    def _read(self, *, final: bool) -> Records:
        if not self._encoding and not self._recognise_encoding(final=final):
            return self._none()
        data = bytes(self._held)
        text, used, fault = csv_encoding.decode(data, self._encoding, final=final)
        self._held = bytearray(data[used:])
        records = self._take(self._carry + text, final=final and fault is None)
        if fault and self.error is None:
            self.error = self._wrong_encoding(fault)
        return records

    def _recognise_encoding(self, *, final: bool) -> bool:
        if len(self._held) < csv_encoding.MARK_BYTES and not final:
            return False
        self._encoding, self._mark = csv_encoding.recognise(bytes(self._held))
        del self._held[: len(self._mark)]
        return True

    def _wrong_encoding(self, fault: UnicodeDecodeError) -> FileError:
        behind = len(self._mark) + len(self._carry.encode(self._encoding))
        return csv_encoding.wrong_encoding(
            fault, self._encoding, self._carry, self.position.offset + behind, self._place()
        )

    def _take(self, text: str, *, final: bool) -> Records:
        """Give the records of the complete lines of a text, and carry the rest."""
        plain = None if final else self._take_plainly(text)
        return self._take_carefully(text, final=final) if plain is None else plain

    def _take_plainly(self, text: str) -> Records | None:
        """Give the records if all are alike, each on a line of its own, and none is guarded."""
        whole, end, rest = text.rpartition("\n")
        if not (end and self.columns) or len(rest) > self._limits.record_characters:
            return None
        if may_hold_guards(whole):
            return None
        width = len(self.columns.headers)
        cells = cut_into_columns(whole, self._delimiter, width, self._limits)
        if cells is None:
            return None
        here, count = self.position, len(cells[0])
        lines = range(here.lines + 1, here.lines + 1 + count)
        self._carry = rest
        self._advance(whole + end, count, count)
        return Records(_numbers(here.rows, lines), lines, CellColumns(cells))

    def _take_carefully(self, text: str, *, final: bool) -> Records:
        lines = list(io.StringIO(text, newline="\n"))
        open_line = "" if final or not lines or lines[-1].endswith("\n") else lines.pop()
        used = 0 if self.columns else self._take_header(lines, open_line)
        records = self._none()
        if self.columns:
            parsed = parse(lines[used:], self._delimiter, self._limits)
            records = self._records(parsed, self.columns, used, may_hold_guards(text))
            used += parsed.line_count
        rest = "".join(lines[used:])
        self._carry = rest + open_line
        self._advance(text[: len(text) - len(self._carry)], used, len(records))
        self._find_fault(rest, final=final)
        return records

    def _take_header(self, lines: Sequence[str], open_line: str) -> int:
        """Find out what the columns are; give how many lines that took."""
        used = self._skip_to_header(lines)
        is_whole = used < len(lines)
        if is_json(lines[used] if is_whole else open_line):
            self.error = self._json(used)
        return self._read_header(lines, used) if is_whole and self.error is None else used

    def _read_header(self, lines: Sequence[str], used: int) -> int:
        delimiter = self._delimiter_of(lines[used])
        parsed = parse(lines[used:], delimiter, self._limits, most=1)
        for cells in without_guards(parsed.rows):
            self._understand(cells, delimiter, used)
        has_header = self.columns is not None and self.columns.has_header
        return used + parsed.line_count * has_header

    def _skip_to_header(self, lines: Sequence[str]) -> int:
        for used, line in enumerate(lines):
            named = "" if self._delimiter else separator_named_by(line)
            self._delimiter = self._delimiter or named
            if not named and line.strip(_BLANK):
                return used
        return len(lines)

    def _delimiter_of(self, line: str) -> str:
        # Cut, so that a line beyond the limit is judged the same in whatever pieces.
        return self._delimiter or detect_delimiter(line[: self._limits.record_characters + 1])

    def _understand(self, cells: Sequence[str], delimiter: str, used: int) -> None:
        line = self.position.lines + used + 1
        try:
            self.columns = understand(cells, self._column_mapping, line=line)
            self._delimiter = delimiter
        except RollbookError as error:
            self.error = error

    def _records(self, parsed: Parsed, columns: Columns, used: int, has_guards: bool) -> Records:
        """Number the records that follow the used lines."""
        rows, starts = tidied(parsed, len(columns.headers))
        if has_guards:
            rows = without_guards(rows)
        lines = list(map((self.position.lines + used + 1).__add__, starts))
        return Records(_numbers(self.position.rows, lines), lines, rows)

    def _advance(self, text: str, lines: int, rows: int) -> None:
        """Move the position behind a text that is done with."""
        if not lines:
            return
        data = self._mark + text.encode(self._encoding)
        self._mark = b""
        here = self.position
        self.position = Position(
            offset=here.offset + len(data),
            crc32=zlib.crc32(data, here.crc32),
            rows=here.rows + rows,
            lines=here.lines + lines,
        )

    def _find_fault(self, rest: str, *, final: bool) -> None:
        """Tell apart a record that is faulty from one that is not complete yet."""
        is_long = len(self._carry) > self._limits.record_characters
        if self.error is None and (rest or is_long):
            delimiter = self._delimiter_of(self._carry.partition("\n")[0])
            text = self._carry if is_long else rest
            self.error = find_fault(text, delimiter, self._place(), self._limits, is_ended=final)

    def _place(self) -> Place:
        """Give the place of the first record that is not read yet."""
        if self.columns is None:
            return Place(self.position.lines + 1, 0)
        return Place(self.position.lines + 1, self.position.rows + 1, self.columns.headers)


def _numbers(before: int, lines: Sequence[int]) -> range:
    """Give the numbers of records on these lines that follow so many others."""
    return range(before + 1, before + 1 + len(lines))

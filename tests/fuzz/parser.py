"""What must hold of any file that is read and judged, whatever is in it."""

from __future__ import annotations

import csv
import io
import json
import re
import zlib
from typing import TYPE_CHECKING, NamedTuple

from fuzz import files
from rollbook_server.domain.csv_faults import CsvLimits
from rollbook_server.domain.csv_reader import CsvReader, Position
from rollbook_server.domain.errors import FileError, Reason, RollbookError, RowReason
from rollbook_server.domain.rows import RowChecker

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from random import Random

    from fuzz.files import File
    from rollbook_server.domain.devices import DeviceRow, RowError
    from rollbook_server.domain.row_blocks import Records

# Most are small, so that a few bytes meet them, and cut where the pieces are.
LIMITS = [
    CsvLimits(),
    CsvLimits(hold_bytes=1),
    CsvLimits(hold_bytes=16),
    CsvLimits(field_characters=20, record_characters=90, hold_bytes=1),
    CsvLimits(field_characters=60, record_characters=200, hold_bytes=16),
]
FILE_REASONS = {
    *(reason for reason in Reason if reason.startswith("CSV_")),
    *(Reason.FILE_EMPTY, Reason.FILE_WITHOUT_ROWS),
}
MAPPINGS = [
    {"a": "imei"},
    {"IMEI": "serial_number", "note": "ignored"},
    {"imei": "x"},
    {"": "imei"},
]
_GUARD = re.compile(r"'+[=+\-@\t\r]")


class Verdict(NamedTuple):
    """What a file turned out to be."""

    records: list[tuple[int, int, list[str]]]
    rows: list[DeviceRow]
    errors: list[RowError]
    position: Position
    error: RollbookError | None
    delimiter: str

    @property
    def outcomes(self) -> list[str]:
        """The words to count: how the file ended, and what became of its rows."""
        end = str(self.error.reason) if self.error else "read to its end"
        return [f"file: {end}", *(f"row: {error.reason}" for error in self.errors)]


def check(rng: Random) -> list[str]:
    """Make a file and read it twice; raises AssertionError if anything is wrong with that."""
    return check_file(files.make(rng), rng)


def check_file(file: File, rng: Random) -> list[str]:
    """Read one file whole and in pieces."""
    limits = rng.choice(LIMITS)
    mapping = rng.choice(MAPPINGS) if rng.random() < 0.05 else {}
    whole = read(file.data, [len(file.data)], CsvReader(limits, mapping), limits)
    _check_verdict(whole, file, limits, has_mapping=bool(mapping))
    resumes = rng.random() < 0.3
    reader = CsvReader(limits, mapping)
    cut = read(file.data, files.pieces(file.data, rng), reader, limits, resumes=resumes)
    assert _told(cut) == _told(whole)
    return [*whole.outcomes, *(["row: taken"] * len(whole.rows))]


def read(
    data: bytes, ends: Iterable[int], reader: CsvReader, limits: CsvLimits, *, resumes: bool = False
) -> Verdict:
    """Read a file piece by piece; if it `resumes`, by a new reader for each."""
    verdict = Verdict([], [], [], reader.position, None, "")
    begin = 0
    for end in ends:
        if reader.error is None:
            _judge(reader.feed(data[begin:end]), reader, verdict)
            begin = end
        if resumes and reader.error is None:
            reader = CsvReader.resume(json.loads(json.dumps(reader.snapshot())), limits)
            begin = reader.position.offset
    if reader.error is None and begin < len(data):
        _judge(reader.feed(data[begin:]), reader, verdict)
    if reader.error is None:
        _judge(reader.finish(), reader, verdict)
    delimiter = str(reader.snapshot()["delimiter"])
    return verdict._replace(position=reader.position, error=reader.error, delimiter=delimiter)


def _judge(records: Records, reader: CsvReader, into: Verdict) -> None:
    if not records:
        return
    assert reader.columns
    rows, errors = RowChecker(reader.columns).check(records)
    assert len(rows) + len(errors) == len(records)
    assert all(len(record.values) >= len(reader.columns.headers) for record in records)
    into.records.extend((record.row, record.line, list(record.values)) for record in records)
    into.rows.extend(row._replace(values=list(row.values)) for row in rows)
    into.errors.extend(error._replace(values=list(error.values)) for error in errors)


def _told(verdict: Verdict) -> tuple[object, ...]:
    error = verdict.error
    return (*verdict[:4], error and (error.reason, error.message, error.metadata))


def _check_verdict(verdict: Verdict, file: File, limits: CsvLimits, *, has_mapping: bool) -> None:
    position, error = verdict.position, verdict.error
    assert position.crc32 == zlib.crc32(file.data[: position.offset])
    assert position.rows == len(verdict.records)
    assert error or position.offset == len(file.data)
    _check_reason(error, has_mapping=has_mapping)
    assert all(type(found.reason) is RowReason and found.message for found in verdict.errors)
    for row in verdict.rows:
        assert row.imei or (row.serial_number and row.manufacturer_key)
    if limits.field_characters > 10_000 and not has_mapping:
        assert error is None or not file.is_clean or error.reason not in _BROKEN
        _compare_with_csv(verdict, file.data)


# A file that `csv` wrote has none of these.
_BROKEN = FILE_REASONS - {Reason.FILE_EMPTY, Reason.FILE_WITHOUT_ROWS}


def _check_reason(error: RollbookError | None, *, has_mapping: bool) -> None:
    if isinstance(error, FileError):
        assert error.reason in FILE_REASONS
    elif error is not None:
        assert has_mapping
        assert error.reason is Reason.FIELD_INVALID
    assert error is None or error.message


def _compare_with_csv(verdict: Verdict, data: bytes) -> None:
    """Compare with what Python's own reader makes of the file, guards taken off."""
    if verdict.error:
        return
    values = [record[2] for record in verdict.records]
    rows = [list(map(_unguarded, r)) for r in _filled(_cut_by_csv(data, verdict.delimiter))]
    assert [_trimmed(row) for row in rows[-len(values) :]] == [_trimmed(row) for row in values]


def _cut_by_csv(data: bytes, delimiter: str) -> Iterator[list[str]]:
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    text = _without_blank_lines(data.decode(encoding))
    first, _, rest = text.partition("\n")
    if first.lstrip('"').lower().startswith("sep="):  # so is Excel's line, even half quoted
        text = _without_blank_lines(rest)
    return csv.reader(io.StringIO(text, newline="\n"), delimiter=delimiter, strict=True)


def _without_blank_lines(text: str) -> str:
    """Pass over what stands before the header unread, even if it is no CSV."""
    while text and not text.partition("\n")[0].strip(" \t,;|\r"):
        text = text.partition("\n")[2]
    return text


def _filled(rows: Iterable[Sequence[str]]) -> Iterator[Sequence[str]]:
    return (row for row in rows if any(map(str.strip, row)))


def _unguarded(cell: str) -> str:
    return cell[1:] if _GUARD.match(cell) else cell


def _trimmed(row: Sequence[str]) -> list[str]:
    """Give the cells without the blank ones at the end, of which readers keep more or fewer."""
    cells = list(row)
    while cells and not cells[-1].strip():
        cells.pop()
    return cells

"""What an upload is made of, CSV bytes or typed rows, as a source of judged rows.

A source knows how far the stream has come, compares what is sent again with what
was committed, and turns the rest into rows and row errors.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rollbook_server.domain import typed_rows
from rollbook_server.domain.csv_reader import CsvReader
from rollbook_server.domain.errors import Reason, RollbookError
from rollbook_server.domain.row_blocks import DeviceRows
from rollbook_server.domain.rows import RowChecker
from rollbook_server.domain.uploads import Progress

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rollbook_server.domain.devices import RowError
    from rollbook_server.domain.row_blocks import Records
    from rollbook_server.domain.typed_rows import TypedRows
    from rollbook_server.domain.uploads import Upload


@dataclass(slots=True)
class Judged:
    """Rows and row errors, in order each."""

    rows: DeviceRows = field(default_factory=DeviceRows)
    errors: list[RowError] = field(default_factory=list)

    def __len__(self) -> int:
        """Count the rows that were judged, good and bad."""
        return len(self.rows) + len(self.errors)

    @property
    def weight(self) -> int:
        """How many good rows take as much memory: an error holds a message beside its cells."""
        return len(self.rows) + 2 * len(self.errors)

    def extend(self, more: Judged) -> None:
        """Add what was judged next."""
        self.rows.extend(more.rows)
        self.errors.extend(more.errors)


class Resumed:
    """Follows a stream up to the committed position and compares what it skips."""

    def __init__(self, committed: int, committed_crc32: int, unit: str) -> None:
        """Begin a stream; `unit` names in messages what positions count."""
        self.committed, self._committed_crc32, self._unit = committed, committed_crc32, unit
        self.sent = self.crc32 = self.taken_bytes = 0
        self._begun = False

    def begin(self) -> None:
        """Go on at the committed position if the stream has sent nothing so far."""
        if not self._begun:
            self.place(self.committed)

    def place(self, offset: int) -> None:
        """Check that the next piece begins where the stream is.

        The first piece begins at 0, or at the committed position and takes the
        committed CRC as its own.
        """
        if not self._begun and offset == self.committed:
            self.sent, self.crc32 = self.committed, self._committed_crc32
        if offset != self.sent:
            raise self._gap(offset)
        self._begun = True

    def skip(self, piece: bytes, units: int) -> None:
        """Pass over committed content that was sent again."""
        self.take(piece, units)
        if self.sent == self.committed and self.crc32 != self._committed_crc32:
            raise self._changed(f"The first {self.committed} {self._unit} differ from those")

    def end(self) -> None:
        """Check at the end of the stream that the source still holds all that is committed."""
        if self.sent < self.committed:
            raise self._changed(f"{self.sent} {self._unit} are fewer than the {self.committed}")

    def take(self, piece: bytes, units: int) -> None:
        """Move on over content."""
        self.crc32 = zlib.crc32(piece, self.crc32)
        self.sent += units
        self.taken_bytes += len(piece)

    def _changed(self, finding: str) -> RollbookError:
        return RollbookError(
            Reason.UPLOAD_SOURCE_CHANGED,
            f"{finding} committed: the source changed in between. Upload it anew; rows that "
            "are on the roll already count as unchanged.",
            committed=self.committed,
        )

    def _gap(self, offset: int) -> RollbookError:
        begun = self.sent if self._begun else self.committed
        return RollbookError(
            Reason.UPLOAD_GAP,
            f"The stream goes on at {self._unit[:-1]} {begun}, not at {offset}; "
            "begin at 0 or at the committed position and leave nothing out.",
            expected=begun,
        )


class _Source:
    """What both kinds of content have in common: how far their stream has come."""

    def __init__(self, stream: Resumed) -> None:
        self._stream = stream

    @property
    def sent(self) -> int:
        """Bytes, or typed rows, passed on or skipped."""
        return self._stream.sent

    @property
    def crc32(self) -> int:
        """CRC-32 of these bytes, or of the rows' canonical text."""
        return self._stream.crc32

    @property
    def taken_bytes(self) -> int:
        """Bytes that this stream brought."""
        return self._stream.taken_bytes

    def begin(self) -> None:
        """Go on at the committed position if the stream has sent nothing so far."""
        self._stream.begin()


class CsvSource(_Source):
    """CSV bytes."""

    def __init__(self, upload: Upload) -> None:
        """Go on where the upload stands."""
        progress, mapping = upload.progress, upload.options.column_mapping
        super().__init__(Resumed(progress.offset, progress.crc32, "bytes"))
        self._reader = (
            CsvReader.resume(progress.reader)
            if progress.reader
            else CsvReader(column_mapping=mapping)
        )
        self._checker: RowChecker | None = None

    @property
    def progress_rows(self) -> int:
        """Rows judged so far, also by earlier streams."""
        return self._reader.position.rows

    def take(self, offset: int, data: bytes) -> Judged:
        """Judge the rows that end in the next piece of the file."""
        stream = self._stream
        stream.place(offset)
        behind = max(0, stream.committed - stream.sent)
        if behind:
            stream.skip(data[:behind], len(data[:behind]))
            data = data[behind:]
        stream.take(data, len(data))
        return self._judge(self._reader.feed(data))

    def finish(self) -> Judged:
        """Judge the last row, which may lack its line ending."""
        self._stream.end()
        return self._judge(self._reader.finish())

    def drain(self) -> Judged:
        """Judge the whole rows that came but were held back to be read together."""
        return self._judge(self._reader.read_held())

    def raise_error(self) -> None:
        """Raise what is wrong with the file behind the rows judged so far."""
        self._reader.raise_error()

    def progress(self) -> Progress:
        """Give the position behind the last judged row."""
        position = self._reader.position
        return Progress(position.offset, position.rows, position.crc32, self._reader.snapshot())

    def headers(self) -> Mapping[str, str]:
        """Say how the uploader calls our fields."""
        columns = self._reader.columns
        return {field: column for column, field in columns.mapping()} if columns else {}

    def attribute_names(self) -> Sequence[str]:
        """Name the attribute columns, in their order."""
        return self._reader.columns.attribute_names if self._reader.columns else ()

    def _judge(self, records: Records) -> Judged:
        if not records:
            return Judged()
        if self._checker is None:
            assert self._reader.columns is not None  # a record comes after its header
            self._checker = RowChecker(self._reader.columns)
        return Judged(*self._checker.check(records))


class RowsSource(_Source):
    """Typed rows."""

    def __init__(self, upload: Upload) -> None:
        """Go on where the upload stands."""
        progress = upload.progress
        super().__init__(Resumed(progress.rows, progress.crc32, "rows"))

    @property
    def progress_rows(self) -> int:
        """Rows judged so far, also by earlier streams."""
        return self._stream.sent

    def take(self, first_row: int, rows: TypedRows) -> Judged:
        """Judge the next rows."""
        stream = self._stream
        stream.place(first_row)
        behind = max(0, stream.committed - stream.sent)
        if behind and rows:
            stream.skip(_canonical(rows[:behind]), len(rows[:behind]))
            rows = rows[behind:]
        stream.take(_canonical(rows), len(rows))
        return Judged(*typed_rows.check(rows, stream.sent - len(rows) + 1))

    def finish(self) -> Judged:
        """Give nothing: every row was judged when it came."""
        self._stream.end()
        if not self._stream.sent:
            raise RollbookError(Reason.FILE_WITHOUT_ROWS, "The upload holds no rows.")
        return Judged()

    def drain(self) -> Judged:
        """Give nothing, as `finish`."""
        return Judged()

    def raise_error(self) -> None:
        """Do nothing: typed rows are wrong one by one."""

    def progress(self) -> Progress:
        """Give the position behind the last row."""
        return Progress(rows=self._stream.sent, crc32=self._stream.crc32)

    def headers(self) -> Mapping[str, str]:
        """Give nothing: typed rows use our own names."""
        return {}

    def attribute_names(self) -> Sequence[str]:
        """Give nothing: typed rows have no columns."""
        return ()


def _canonical(rows: TypedRows) -> bytes:
    return typed_rows.canonical(rows).encode()

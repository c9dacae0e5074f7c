"""What an upload reads from: a CSV file or typed rows, begun anew for every stream."""

from __future__ import annotations

import time
import zlib
from collections.abc import AsyncIterator, Iterator, Sized
from io import SEEK_END
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from rollbook import _convert
from rollbook.errors import SourceChangedError
from rollbook.v1 import device_service_pb2
from rollbook.words import UploadState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from os import PathLike
    from typing import BinaryIO

    from rollbook.resources import DeviceRow, Upload

# What the contract recommends: few messages, each far below the 4 MiB a server takes.
_CHUNK_BYTES = 256 * 1024
_ROWS_PER_MESSAGE = 1_000
# In UTF-8 up to four times as many bytes, and the fields around them.
_ROW_CHARACTERS_PER_MESSAGE = 512 * 1024
# A source that comes slowly is sent as it comes: a server ends who is silent for long.
_GATHER_SECONDS = 1.0

_SourceT = TypeVar("_SourceT")


class Reader(Protocol):
    """One pass over the source; counts what it gave, from the source's beginning."""

    sent_bytes: int
    sent_rows: int
    total_bytes: int | None
    total_rows: int | None

    def skip(self, upload: Upload) -> None:
        """Pass over what the upload holds; SourceChangedError if it is not the same."""

    def messages(self) -> Iterator[device_service_pb2.UploadDevicesRequest]:
        """Give the rest, and `finish`."""

    def close(self) -> None:
        """Let go of the source."""


class CsvReader:
    """One pass over a CSV file, in chunks."""

    def __init__(self, file: BinaryIO, clock: Callable[[], float] = time.monotonic) -> None:
        self.sent_bytes = 0
        self.sent_rows = 0
        self.total_bytes = _length(file)
        self.total_rows: int | None = None
        self._file, self._clock = file, clock
        self._crc32 = 0

    def skip(self, upload: Upload) -> None:
        """Pass over the committed bytes and compare their CRC.

        Of a finished upload they are all.
        """
        while missing := upload.committed_offset - self.sent_bytes:
            data = self._file.read(min(_CHUNK_BYTES, missing))
            if not data:
                raise _changed(upload, f"it ends at byte {self.sent_bytes}")
            self._count(data)
        if self._crc32 != upload.committed_crc32:
            raise _changed(upload, f"its first {upload.committed_offset} bytes differ")
        if upload.state is UploadState.FINISHED and self._file.read(1):
            raise _changed(upload, f"it goes on behind byte {self.sent_bytes}, the last of then")

    def messages(self) -> Iterator[device_service_pb2.UploadDevicesRequest]:
        """Give the rest of the file, and `finish`."""
        while data := self._chunk():
            csv = device_service_pb2.UploadCsv(offset=self.sent_bytes, data=data)
            self._count(data)
            yield device_service_pb2.UploadDevicesRequest(csv=csv)
        finish = device_service_pb2.UploadFinish(total_bytes=self.sent_bytes, crc32=self._crc32)
        yield device_service_pb2.UploadDevicesRequest(finish=finish)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _chunk(self) -> bytes:
        """Give a whole chunk, or of a pipe what came within a while; nothing at the end."""
        if self.total_bytes is not None:
            return self._file.read(_CHUNK_BYTES)
        read = getattr(self._file, "read1", self._file.read)  # does not wait for more
        begun, data = self._clock(), b""
        while len(data) < _CHUNK_BYTES and (piece := read(_CHUNK_BYTES - len(data))):
            data += piece
            if self._clock() - begun >= _GATHER_SECONDS:
                break
        return data

    def _count(self, data: bytes) -> None:
        self._crc32 = zlib.crc32(data, self._crc32)
        self.sent_bytes += len(data)


class RowReader:
    """One pass over typed rows, in batches."""

    def __init__(
        self, rows: Iterable[DeviceRow], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.sent_bytes = 0
        self.sent_rows = 0
        self.total_bytes: int | None = None
        self.total_rows = len(rows) if isinstance(rows, Sized) else None
        self._rows, self._clock = iter(rows), clock
        self._crc32 = 0

    def skip(self, upload: Upload) -> None:
        """Pass over the committed rows and compare the CRC of their canonical text.

        Of a finished upload they are all.
        """
        for row in islice(self._rows, upload.committed_rows):
            self._count((canonical_text(row),))
        if self.sent_rows < upload.committed_rows:
            raise _changed(upload, f"they end after row {self.sent_rows}")
        if self._crc32 != upload.committed_crc32:
            raise _changed(upload, f"the first {upload.committed_rows} rows differ")
        if upload.state is UploadState.FINISHED and any(True for _ in self._rows):
            raise _changed(upload, f"they go on behind row {self.sent_rows}, the last of then")

    def messages(self) -> Iterator[device_service_pb2.UploadDevicesRequest]:
        """Give the rest of the rows, and `finish`."""
        while (batch := self._batch()).rows:
            yield device_service_pb2.UploadDevicesRequest(rows=batch)
        finish = device_service_pb2.UploadFinish(total_rows=self.sent_rows, crc32=self._crc32)
        yield device_service_pb2.UploadDevicesRequest(finish=finish)

    def close(self) -> None:
        """Do nothing: an iterator goes with its last user."""

    def _batch(self) -> device_service_pb2.UploadRows:
        batch = device_service_pb2.UploadRows(first_row=self.sent_rows)
        texts, size, begun = list[str](), 0, self._clock()
        for row in islice(self._rows, _ROWS_PER_MESSAGE):
            _convert.fill_device_row(batch.rows.add(), row)
            texts.append(canonical_text(row))
            size += len(texts[-1])
            is_late = self._clock() - begun >= _GATHER_SECONDS
            if size >= _ROW_CHARACTERS_PER_MESSAGE or is_late:
                break
        self._count(texts)
        return batch

    def _count(self, texts: Sequence[str]) -> None:
        self._crc32 = zlib.crc32("".join(texts).encode(), self._crc32)
        self.sent_rows += len(texts)


def canonical_text(row: DeviceRow) -> str:
    """Give what the contract takes the CRC of, in UTF-8; raises TypeError naming a field."""
    try:
        attributes = chain.from_iterable(sorted(row.attributes.items()))
        return "\x1f".join(
            (row.imei, row.imei2, row.serial_number, row.manufacturer, *attributes, "\x1e")
        )
    except TypeError as error:
        raise TypeError(_convert.misfit(row) or str(error)) from error


def csv_opener(source: PathLike[str] | str | Callable[[], BinaryIO]) -> Callable[[], CsvReader]:
    """Give what begins a pass over the file; TypeError if it can be read only once."""
    if callable(source):
        anew = Anew(source)
        return lambda: CsvReader(anew())
    if hasattr(source, "read"):
        raise TypeError(
            "an open file cannot be read again when the connection breaks: pass its path, "
            "or a function that opens it"
        )
    if Path(source).is_fifo():
        raise TypeError(
            f"{source} is a pipe, which cannot be read again when the connection breaks: copy "
            "what it gives to a file, or pass a function that has it written anew"
        )
    return lambda: CsvReader(Path(source).open("rb"))


def name(source: PathLike[str] | str | Callable[[], BinaryIO]) -> str:
    """Give what people call the file, as text that can be sent; of a function nobody knows."""
    called = "" if callable(source) else Path(source).name
    return called.encode(errors="surrogateescape").decode(errors="replace")


def row_opener(
    rows: Iterable[DeviceRow] | Callable[[], Iterable[DeviceRow]],
) -> Callable[[], RowReader]:
    """Give what begins a pass over the rows; TypeError if they can be read only once."""
    if callable(rows):
        anew = Anew(rows)
        return lambda: RowReader(anew())
    if isinstance(rows, Iterator | AsyncIterator):
        raise TypeError(
            "an iterator cannot be read again when the connection breaks: pass a list, "
            "or a function that gives the rows from the first on"
        )
    return lambda: RowReader(rows)


class Anew(Generic[_SourceT]):
    """A function that begins a source, of which it is asked that it does so every time.

    The rest of an iterator, or nothing, would be taken for the whole source.
    """

    def __init__(self, begin: Callable[[], _SourceT]) -> None:
        self._begin = begin
        self._last: object = None

    def __call__(self) -> _SourceT:
        source = self._begin()
        if source is self._last and isinstance(source, Iterator | AsyncIterator):
            raise TypeError(
                "the function gave the same iterator or open file again when the connection "
                "broke: it has to give a new one, from the beginning, each time"
            )
        self._last = source
        return source


def _length(file: BinaryIO) -> int | None:
    """Give the length of what can be rewound; of a pipe nobody knows it."""
    if not file.seekable():
        return None
    length = file.seek(0, SEEK_END)
    file.seek(0)
    return length


def _changed(upload: Upload, what: str) -> SourceChangedError:
    return SourceChangedError(
        f"the source is not the one that upload {upload.upload_id} began with: {what}. "
        "Nothing was sent; go on with the source of that time, or begin a new upload",
        reason="UPLOAD_SOURCE_CHANGED",
        code="FAILED_PRECONDITION",
    )

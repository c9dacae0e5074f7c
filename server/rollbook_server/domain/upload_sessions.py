"""Leads one upload stream: opens, takes content batch by batch, finishes.

Batches go into the store beside the reading, see `batches_under_way`. No transaction is open
while the stream waits for its client.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from rollbook_server.domain import leftovers, staging, tally, uploads
from rollbook_server.domain.batches import Batch
from rollbook_server.domain.batches_under_way import BatchesUnderWay
from rollbook_server.domain.errors import Reason, RollbookError
from rollbook_server.domain.sources import CsvSource, Judged, RowsSource
from rollbook_server.domain.tally import NoTally, Tally
from rollbook_server.domain.uploads import Counts, Progress, UploadState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollbook_server.domain.clock import Clock
    from rollbook_server.domain.ports import Roll, Store
    from rollbook_server.domain.repositories import PackedRows
    from rollbook_server.domain.typed_rows import TypedRows
    from rollbook_server.domain.upload_limits import UploadLimits
    from rollbook_server.domain.upload_options import UploadOptions
    from rollbook_server.domain.uploads import Upload

S = TypeVar("S", CsvSource, RowsSource)

# Read at once at most, whatever a message holds: bounds memory, batches, and for how
# long Python does one thing in which enrollments cannot have its lock.
PIECE_BYTES = 16 * 1024


class UploadSession:
    """One stream on one upload. Not thread-safe: belongs to the stream's thread.

    After any error the upload stands at its committed position and can be
    resumed by another session, unless the error says that it failed.
    """

    def __init__(
        self, store: Store, clock: Clock, limits: UploadLimits, told: Tally | None = None
    ) -> None:
        self._store, self._clock, self._limits = store, clock, limits
        self._tally = told or NoTally()
        self._upload: Upload | None = None
        self._source: CsvSource | RowsSource | None = None
        self._judged, self._packing = Judged(), store.packing()
        self._flushed_bytes = 0
        self._handed_over = Progress()
        self._under_way = BatchesUnderWay(store, clock, limits, self._took)

    @property
    def upload(self) -> Upload:
        """The upload as it stood when the stream opened it."""
        if self._upload is None:
            raise unexpected("The first message of the stream must be `open`.")
        return self._upload

    def open(self, options: UploadOptions) -> Upload:
        """Open the upload; if it is FINISHED already, there is nothing more to do."""
        if self._upload is not None:
            raise unexpected("`open` may only be the first message of the stream.")
        now = self._clock()
        self._upload = self._store.write(
            lambda roll: uploads.open_upload(roll, options, now), is_bulk=True
        )
        self._handed_over = self._upload.progress
        leftovers.clear_the_way(self._store)
        return self._upload

    def take_csv(self, offset: int, data: bytes) -> None:
        """Take the next piece of the file, which begins at `offset`."""
        source = self._open_source(CsvSource)
        with self._settled_on_error():
            piece = self._piece_bytes()
            for begin in range(0, len(data), piece) or (0,):
                self._add(source.take(offset + begin, data[begin : begin + piece]))
                source.raise_error()

    def take_rows(self, first_row: int, rows: TypedRows) -> None:
        """Take the next rows; `first_row` counts those before them."""
        source = self._open_source(RowsSource)
        with self._settled_on_error():
            self._add(source.take(first_row, rows))

    def finish(
        self, *, total_bytes: int | None, total_rows: int | None, crc32: int | None
    ) -> Upload:
        """End the upload, if what arrived is what the client says it sent.

        Raises RollbookError with UPLOAD_TOTAL_MISMATCH, UPLOAD_CHECKSUM_MISMATCH,
        FILE_EMPTY, FILE_WITHOUT_ROWS or a CSV_ reason, and the upload stays OPEN;
        with UPLOAD_HAS_INVALID_ROWS, and it has failed.
        """
        total = total_rows if total_bytes is None else total_bytes
        source: CsvSource | RowsSource = (
            self._open_source(RowsSource) if total_bytes is None else self._open_source(CsvSource)
        )
        source.begin()
        with self._settled_on_error():
            self._check_totals(source, total, crc32)
            self._add(source.finish())
            source.raise_error()
        self._settle()
        ended = staging.finish(self._store, self.upload, source.headers(), self._clock)
        self._tally.took(tally.at_the_end(ended))
        if ended.state is UploadState.FAILED:
            raise _has_invalid_rows(ended)
        return ended

    def suspend(self) -> Upload:
        """Keep the whole rows that came, and give the upload as it now stands."""
        self.keep()
        return self._stored()

    def keep(self) -> None:
        """Keep the whole rows that came, if any did."""
        if self._source is not None:
            self._add(self._source.drain())
        self._settle()

    def _piece_bytes(self) -> int:
        """Give how much is read at once: where rows are judged one by one, few of them."""
        return PIECE_BYTES // 4 if self.upload.options.is_judged_row_by_row else PIECE_BYTES

    def _open_source(self, kind: type[S]) -> S:
        """Give the source of the stream, which has one kind of content only."""
        if self._source is None:
            upload = self.upload
            if upload.progress.rows and upload.progress.of_csv is not (kind is CsvSource):
                raise unexpected("The upload was begun with the other kind of content.")
            self._source = kind(upload)
        if not isinstance(self._source, kind):
            raise unexpected("A stream carries csv or rows, and finishes with the same total.")
        return self._source

    @contextmanager
    def _settled_on_error(self) -> Iterator[None]:
        """Keep what was good before an error, so that a resume begins behind it."""
        try:
            yield
        except RollbookError as error:
            self._settle()
            if error.reason is Reason.UPLOAD_GAP:
                error.metadata |= self._position()
            raise

    def _position(self) -> dict[str, str]:
        """Tell where a client is to go on."""
        progress = self._stored().progress
        return {"committed_offset": str(progress.offset), "committed_rows": str(progress.rows)}

    def _stored(self) -> Upload:
        upload_id = self.upload.upload_id
        return self._store.read(lambda roll: uploads.get(roll, upload_id))

    def _add(self, judged: Judged) -> None:
        self._judged.extend(judged)
        if self.upload.options.goes_in_as_set:
            self._packing.add(judged.rows)
        source = self._source
        if source is not None and source.progress_rows > self._limits.max_rows:
            self._fail_for_rows()
        if self._judged.weight >= self._most_rows() or self._is_heavy():
            self._flush()

    def _most_rows(self) -> int:
        return self._under_way.rows(judged=self.upload.options.is_judged_row_by_row)

    def _is_heavy(self) -> bool:
        """Tell whether the bytes that came since the last batch are enough for one."""
        came = self._source.taken_bytes - self._flushed_bytes if self._source else 0
        return came >= self._limits.batch_bytes

    def _flush(self) -> None:
        """Hand over what was judged."""
        if not len(self._judged) or self._source is None:
            return
        judged, self._judged = self._judged, Judged()
        self._flushed_bytes = self._source.taken_bytes
        self._store.check_room()
        batch = self._batch(self._source, judged)
        self._handed_over = batch.progress
        self._under_way.hand_over(self.upload, batch, judged.weight)

    def _batch(self, source: CsvSource | RowsSource, judged: Judged) -> Batch:
        return Batch(
            judged.rows,
            judged.errors,
            self._handed_over,
            source.progress(),
            source.headers(),
            self._packed(source),
        )

    def _packed(self, source: CsvSource | RowsSource) -> PackedRows | None:
        """Give the rows in the form for the roll, if they go into it."""
        if not self.upload.options.goes_in_as_set:
            return None
        return self._packing.take(source.attribute_names())

    def _took(self, counts: Counts) -> None:
        """Count the rows of a durable batch, if it put them on the roll."""
        if self.upload.options.writes_at_once:
            self._tally.took(counts)

    def _settle(self) -> None:
        """Make everything judged so far durable."""
        self._flush()
        self._under_way.wait()

    def _check_totals(
        self, source: CsvSource | RowsSource, total: int | None, crc32: int | None
    ) -> None:
        if total is None or total != source.sent:
            raise RollbookError(
                Reason.UPLOAD_TOTAL_MISMATCH,
                f"finish tells a total of {total}, but {source.sent} arrived; "
                "send the rest, or finish with the right total.",
                arrived=source.sent,
            )
        if crc32 is not None and crc32 != source.crc32:
            raise RollbookError(
                Reason.UPLOAD_CHECKSUM_MISMATCH,
                "The CRC-32 in finish is not that of what arrived: the content was damaged "
                "on its way or changed while it was read. Upload it anew.",
                crc32=source.crc32,
            )

    def _fail_for_rows(self) -> None:
        """Fail the upload for its length; its PENDING devices go with it, and it changed none."""
        self._judged = Judged()  # first: if the batch before fails, these must not follow it
        self._under_way.wait()
        upload, now, reason = self.upload, self._clock(), Reason.UPLOAD_TOO_MANY_ROWS

        def fail(roll: Roll) -> None:
            uploads.check_grows(roll, upload)
            uploads.end(roll, upload, UploadState.FAILED, now, reason)

        self._store.write(fail)
        raise RollbookError(
            reason,
            f"The upload has more than {self._limits.max_rows} rows and has failed; "
            "nothing of it is kept. Split the file, or raise the server's limit (--max-rows).",
            limit=self._limits.max_rows,
            upload_id=upload.upload_id,
        )


def unexpected(message: str) -> RollbookError:
    """Give the error for a message that does not belong where it came."""
    return RollbookError(Reason.UPLOAD_MESSAGE_UNEXPECTED, message)


def _has_invalid_rows(upload: Upload) -> RollbookError:
    first = upload.errors[0]
    return RollbookError(
        Reason.UPLOAD_HAS_INVALID_ROWS,
        f"{upload.counts.rejected} of {upload.counts.total} rows are invalid, so nothing of the "
        f"upload was kept. The first: line {first.line}, {first.column or 'whole row'}: "
        f"{first.message}. ListUploadErrors gives all of them.",
        upload_id=upload.upload_id,
        rejected_count=upload.counts.rejected,
        row=first.row,
        line=first.line,
        column=first.column,
        row_reason=first.reason,
    )

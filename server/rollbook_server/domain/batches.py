"""Takes batches of rows in: rows, errors, counters and position, each in one transaction."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rollbook_server.domain import preparing, settling
from rollbook_server.domain.error_blocks import RowErrors
from rollbook_server.domain.settling import Settlement
from rollbook_server.domain.uploads import Counts, Progress, check_grows, check_held

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from rollbook_server.domain.devices import DeviceRow, RowError
    from rollbook_server.domain.ports import Roll
    from rollbook_server.domain.repositories import PackedRows
    from rollbook_server.domain.uploads import Upload


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of an upload in their order, the errors among them, and the positions around them.

    `headers` says how the uploader calls our fields. `packed` are the same rows for the
    roll, where they go into it as a set.
    """

    rows: Sequence[DeviceRow]
    errors: Sequence[RowError]
    before: Progress
    progress: Progress
    headers: Mapping[str, str] = field(default_factory=dict)
    packed: PackedRows | None = None


def commit(roll: Roll, upload: Upload, batch: Batch, now: datetime) -> Counts:
    """Take a batch in: rows, errors, counters and position, in one transaction.

    Gives what it adds to the counts. Raises RollbookError as `uploads.check_held` does,
    leaving nothing of the batch; so does one that does not go on where the upload stands,
    for the batch before it failed.
    """
    check_held(roll, upload, batch.before)
    settlement = _settle(roll, upload, batch, now)
    errors = RowErrors(batch.errors)
    errors.extend(settlement.errors)
    roll.uploads.add_errors(upload.upload_id, errors)
    counts = settlement.counts + Counts(rejected=len(errors))
    roll.uploads.advance(upload, batch.progress, counts, now)
    return counts


def _settle(roll: Roll, upload: Upload, batch: Batch, now: datetime) -> Settlement:
    options = upload.options
    if options.validate_only:
        verdicts = settling.rehearse(roll, upload, batch.rows, batch.headers, now)
        return Settlement(verdicts.counts, verdicts)
    if options.is_all_or_nothing:
        return _stage(roll, upload, batch, now)
    if options.may_change_devices:
        return _set_aside(roll, upload, batch.rows)
    assert batch.packed is not None, "rows that go onto the roll at once are packed"
    return settling.write(roll, upload, batch.packed, batch.headers, now)


def _set_aside(roll: Roll, upload: Upload, rows: Sequence[DeviceRow]) -> Settlement:
    """Stage the rows as they are: they are judged when the upload ends."""
    check_grows(roll, upload)
    roll.uploads.stage(upload.upload_id, rows)
    return Settlement(Counts())


def _stage(roll: Roll, upload: Upload, batch: Batch, now: datetime) -> Settlement:
    """Stage rows of an upload that is all or nothing, and prepare its end for them.

    If what was prepared for those before has been forgotten, nor are these prepared now.
    Once a row is rejected nothing will be written, and so nothing is staged any more.
    """
    if preparing.reached(roll, upload).through_row == batch.before.rows:
        settlement = preparing.put_in(roll, upload, _piece(batch), now)
    else:
        verdicts = settling.rehearse(roll, upload, batch.rows, batch.headers, now)
        settlement = Settlement(verdicts.counts, verdicts)
    if not (batch.errors or settlement.errors):
        roll.uploads.stage(upload.upload_id, batch.rows)
    return settlement


def _piece(batch: Batch) -> preparing.Piece:
    unpacked = batch.packed is None  # packed rows know their names
    columns = batch.progress.columns() if unpacked else None
    names = columns.attribute_names if columns else ()
    return preparing.Piece(batch.rows, batch.progress.rows, batch.headers, names, batch.packed)

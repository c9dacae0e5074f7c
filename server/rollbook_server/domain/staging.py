"""Ends uploads: writes what was staged, under FAIL all or nothing.

Rows of an upload under FAIL wait in a staging table, invisible to enrollment,
until every row is known to be good. The last transaction puts all of them on the
roll and finishes the upload; so there is no instant, and no crash, after which
some of them are enrollable and the upload is not FINISHED.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollbook_server.domain import applying, batches, uploads
from rollbook_server.domain.applying import PIECE
from rollbook_server.domain.uploads import Counts, OnInvalidRow

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from rollbook_server.domain.clock import Clock
    from rollbook_server.domain.devices import DeviceRow
    from rollbook_server.domain.ports import Roll, Store
    from rollbook_server.domain.uploads import Upload


class _ConflictsArose(Exception):  # noqa: N818 - a signal that undoes a transaction
    """Staged rows that were good when they were checked meet a device by now."""


def finish(store: Store, upload: Upload, headers: Mapping[str, str], clock: Clock) -> Upload:
    """End an upload whose rows are all taken in: FINISHED, or FAILED under FAIL.

    What it leaves in the staging table is to be swept up. Raises RollbookError as
    `uploads.check_held` does.
    """
    now = clock()
    if upload.options.is_set_aside:
        applying.apply(store, upload, headers, now)
    try:
        return store.write(lambda roll: _write_and_finish(roll, upload, headers, now), is_bulk=True)
    except _ConflictsArose:
        return store.write(lambda roll: _judge_and_finish(roll, upload, headers, now), is_bulk=True)


def _write_and_finish(
    roll: Roll, upload: Upload, headers: Mapping[str, str], now: datetime
) -> Upload:
    uploads.check_held(roll, upload)
    if _has_staged(roll, upload):
        counts = Counts()
        columns = uploads.attribute_columns(roll, upload)
        for rows in _staged(roll, upload.upload_id):
            packed = roll.devices.pack(rows, columns)
            settlement = batches.write(roll, upload, packed, headers, now)
            if settlement.errors:
                raise _ConflictsArose
            counts += settlement.counts
        roll.uploads.recount(upload.upload_id, counts)
    return uploads.finish(roll, upload, now)


def _has_staged(roll: Roll, upload: Upload) -> bool:
    options = upload.options
    if options.validate_only or options.on_invalid_row is OnInvalidRow.SKIP:
        return False
    return not uploads.stored(roll, upload).counts.rejected


def _staged(roll: Roll, upload_id: str) -> Iterator[list[DeviceRow]]:
    after = 0
    while rows := roll.uploads.staged(upload_id, after=after, limit=PIECE):
        yield rows
        after = rows[-1].row


def _judge_and_finish(
    roll: Roll, upload: Upload, headers: Mapping[str, str], now: datetime
) -> Upload:
    """Judge all rows anew, of which one met a device, and finish.

    What is wrong is kept piece by piece, for it may be every row. If the device has gone
    meanwhile, the rows are written after all.
    """
    uploads.check_held(roll, upload)
    roll.uploads.unclaim(upload.upload_id)
    counts = Counts()
    for rows in _staged(roll, upload.upload_id):
        verdicts = batches.rehearse(roll, upload, rows, headers, now)
        roll.uploads.add_errors(upload.upload_id, verdicts.errors)
        counts += verdicts.counts + Counts(rejected=len(verdicts.errors))
    if not counts.rejected:
        return _write_and_finish(roll, upload, headers, now)
    roll.uploads.recount(upload.upload_id, counts)
    return uploads.finish(roll, upload, now)

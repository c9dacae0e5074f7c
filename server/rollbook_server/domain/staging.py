"""Ends uploads: writes what was staged, under FAIL all or nothing.

Rows of an upload under FAIL wait, invisible to enrollment, until every row is
known to be good. The last transaction puts all of them on the roll and finishes
the upload; so there is no instant, and no crash, after which some of them are
enrollable and the upload is not FINISHED. Others wait for that transaction, so
nearly all it would do is prepared as the rows come; see `preparing`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from rollbook_server.domain import applying, preparing, settling, uploads
from rollbook_server.domain.endings import Ending
from rollbook_server.domain.errors import Reason, RollbookError
from rollbook_server.domain.preparing import FEW, ConflictsAroseError, DisturbedError
from rollbook_server.domain.upload_options import OnConflict
from rollbook_server.domain.uploads import Counts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rollbook_server.domain.clock import Clock
    from rollbook_server.domain.devices import DeviceRow
    from rollbook_server.domain.ports import Roll, Store
    from rollbook_server.domain.uploads import Upload

AT_ONCE = 2_000  # rows that were put off; bounds memory
ROUNDS, RETRY_SECONDS = 10, 5


def finish(store: Store, upload: Upload, headers: Mapping[str, str], clock: Clock) -> Upload:
    """End an upload whose rows are all taken in: FINISHED, or FAILED under FAIL.

    What it leaves in the staging table is to be swept up. Raises RollbookError as
    `Ending`, and with STORE_UNAVAILABLE if others come between again and again; to
    finish the upload again goes on where that broke off.
    """
    ending = Ending(store, upload, headers, clock())
    if upload.options.is_set_aside:
        applying.apply(ending)
    if store.read(partial(_has_staged, upload)):
        return _finish_staged(ending)
    return ending.step(lambda roll: uploads.finish(roll, upload, ending.now))


def _has_staged(upload: Upload, roll: Roll) -> bool:
    if upload.options.validate_only or not upload.options.is_all_or_nothing:
        return False
    return not uploads.stored(roll, upload).counts.rejected


def _finish_staged(ending: Ending) -> Upload:
    """Prepare the end and come to it; anew, a few times, if others come between."""
    for _ in range(ROUNDS):
        try:
            preparing.prepare(ending)
            return ending.step(partial(_conclude, ending))
        except DisturbedError:
            preparing.forget(ending)
        except ConflictsAroseError:
            preparing.forget(ending)
            counts = _judge(ending)
            if counts.rejected:
                return ending.step(partial(_end, ending, counts))
    raise RollbookError(
        Reason.STORE_UNAVAILABLE,
        f"Others keep changing the devices of upload {ending.upload_id}; nothing of it is on "
        "the roll so far. Finish it again.",
        upload_id=ending.upload_id,
    ).retry_after(RETRY_SECONDS)


def _conclude(ending: Ending, roll: Roll) -> Upload:
    """Put all rows on the roll, where most are already, closed until the upload ends."""
    upload = ending.upload
    prepared = preparing.prepared(roll, upload)
    if roll.uploads.devices_of(upload.upload_id).pending != prepared.created:
        raise DisturbedError  # by whoever needed the key of a closed device
    updated = _write_over(ending, roll, prepared.through_row)
    counts = Counts(prepared.created, updated, prepared.unchanged)
    if counts.created or counts.updated:
        new = {"pending": counts.created, "registered": 0}
        roll.profiles.move_counts(upload.profile_id, ending.now, **new)
    counts += _write_put_off(ending, roll)
    if counts.total != uploads.stored(roll, upload).counts.total:
        raise DisturbedError  # rather that than lose a row
    return _end(ending, counts, roll)


def _write_over(ending: Ending, roll: Roll, through_row: int) -> int:
    """Write what is laid down over its devices; gives how many there are."""
    upload, now = ending.upload, ending.now
    if roll.preparations.put_off_outdated(upload.upload_id, range(1, through_row + 1)) > FEW:
        raise DisturbedError
    if upload.options.on_conflict is OnConflict.MOVE:
        for profile_id, left in roll.preparations.profiles_of(upload.upload_id).items():
            moved = {"pending": left.pending, "registered": left.registered}
            gone = {state: -count for state, count in moved.items()}
            roll.profiles.move_counts(profile_id, now, **gone)
            roll.profiles.move_counts(upload.profile_id, now, **moved)
    return roll.preparations.write_over(upload, now)


def _write_put_off(ending: Ending, roll: Roll) -> Counts:
    """Judge and write the rows that were put off, in their order."""
    counts, after = Counts(), 0
    columns = uploads.attribute_columns(roll, ending.upload)
    put_off = partial(roll.preparations.rows_put_off, ending.upload_id, limit=AT_ONCE)
    while rows := put_off(after=after):
        packed = roll.devices.pack(rows, columns)
        settled = settling.write(roll, ending.upload, packed, ending.headers, ending.now)
        if settled.errors:
            raise ConflictsAroseError
        counts += settled.counts
        after = rows[-1].row
    return counts


def _judge(ending: Ending) -> Counts:
    """Judge all rows anew, of which one met a device, and keep what is wrong with them.

    Nothing is if the device has gone meanwhile.
    """
    preparing.unclaim(ending)
    pieces = (ending.step(partial(_judge_piece, ending, rows)) for rows in ending.staged())
    return sum(pieces, Counts())


def _judge_piece(ending: Ending, rows: Sequence[DeviceRow], roll: Roll) -> Counts:
    verdicts = settling.rehearse(roll, ending.upload, rows, ending.headers, ending.now)
    roll.uploads.add_errors(ending.upload_id, verdicts.errors)
    return verdicts.counts + Counts(rejected=len(verdicts.errors))


def _end(ending: Ending, counts: Counts, roll: Roll) -> Upload:
    roll.uploads.recount(ending.upload_id, counts)
    return uploads.finish(roll, ending.upload, ending.now)

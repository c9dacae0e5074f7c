"""Settles batches of rows: what each row does to the roll.

A batch gives the same result as if each of its rows had come alone, wherever the
batches are cut. Good rows without conflict, the common case, are put on the roll
by one set-based statement; only what is left over is judged row by row.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from rollbook_server.domain.conflicts import Judge, keys_of
from rollbook_server.domain.devices import DeviceState
from rollbook_server.domain.uploads import Counts, OnConflict, Progress, superseded

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from rollbook_server.domain.conflicts import Change
    from rollbook_server.domain.devices import DeviceRow, RowError
    from rollbook_server.domain.ports import PackedRows, Roll
    from rollbook_server.domain.uploads import Upload


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of an upload in their order, the errors among them, and the position behind.

    `headers` says how the uploader calls our fields.
    """

    rows: PackedRows
    errors: Sequence[RowError]
    progress: Progress
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Settlement:
    """What rows did, and the errors that came of conflicts."""

    counts: Counts
    errors: Sequence[RowError]


def commit(roll: Roll, upload: Upload, batch: Batch, now: datetime) -> None:
    """Take a batch in: rows, errors, counters and position, in one transaction.

    Raises RollbookError with UPLOAD_SUPERSEDED, leaving nothing of the batch, if
    a later stream took the upload up.
    """
    judge = Judge(roll, upload, batch.headers, now)
    settle = write if upload.options.writes_at_once else rehearse
    settlement = settle(roll, judge, batch.rows)
    errors = [*batch.errors, *settlement.errors]
    roll.uploads.add_errors(upload.upload_id, errors)
    counts = settlement.counts + Counts(rejected=len(errors))
    if not roll.uploads.advance(upload, batch.progress, counts, now):
        raise superseded(upload.upload_id)


def write(roll: Roll, judge: Judge, packed: PackedRows) -> Settlement:
    """Put rows on the roll."""
    if _may_settle_in_sets(roll, judge.upload, packed):
        return _write_as_set(roll, judge, packed)
    return _write_in_turn(roll, judge, packed.rows)


def rehearse(roll: Roll, judge: Judge, packed: PackedRows) -> Settlement:
    """Find what writing the rows would do, without touching the roll.

    Rows that passed are staged if they are to be written at the end.
    """
    keys = [key for row in packed.rows for _, key in keys_of(row)]
    upload_id = judge.upload.upload_id
    judge.recall = lambda wanted: roll.uploads.claims(upload_id, wanted)
    judge.claims = dict(judge.recall(keys))
    _judge_all(roll, judge, packed.rows)
    roll.uploads.claim(upload_id, judge.claims)
    if not judge.upload.options.validate_only:
        roll.uploads.stage(upload_id, judge.passed_rows)
    return Settlement(judge.counts, judge.errors)


def _judge_all(roll: Roll, judge: Judge, rows: Sequence[DeviceRow]) -> None:
    for row, holders in zip(rows, roll.devices.holders(rows), strict=True):
        judge.judge(row, holders)


def _may_settle_in_sets(roll: Roll, upload: Upload, packed: PackedRows) -> bool:
    """Tell whether the unique keys alone find every conflict, in the right order.

    They do not see one device's first IMEI as another's second; and updates may
    free or take keys that later rows hold.
    """
    keeps_roll = upload.options.on_conflict in (OnConflict.REJECT, OnConflict.KEEP)
    return keeps_roll and not packed.crosses_itself and not roll.devices.crosses(packed)


def _write_as_set(roll: Roll, judge: Judge, packed: PackedRows) -> Settlement:
    left = roll.devices.insert(judge.upload, packed, judge.now)
    created = len(packed.rows) - len(left)
    _judge_all(roll, judge, left)
    _count(roll, judge, created)
    return Settlement(replace(judge.counts, created=created), judge.errors)


def _write_in_turn(roll: Roll, judge: Judge, rows: Sequence[DeviceRow]) -> Settlement:
    """Judge every row first; changes go before new devices, whose keys they may free."""
    _judge_all(roll, judge, rows)
    roll.devices.change([change.after for change in judge.changes])
    left = roll.devices.insert(judge.upload, roll.devices.pack(judge.new_rows), judge.now)
    if left:
        raise AssertionError("a row that was judged to be new met a device of the roll")
    _count(roll, judge, len(judge.new_rows))
    return Settlement(judge.counts, judge.errors)


def _count(roll: Roll, judge: Judge, created: int) -> None:
    """Keep the counts of every profile that gained, lost or changed devices."""
    pending: Counter[str] = Counter()
    registered: Counter[str] = Counter()
    if created:
        pending[judge.upload.profile_id] += created
    for change in judge.changes:
        _count_change(change, pending, registered)
    for profile_id in pending.keys() | registered.keys():
        roll.profiles.move_counts(
            profile_id, judge.now, pending=pending[profile_id], registered=registered[profile_id]
        )


def _count_change(change: Change, pending: Counter[str], registered: Counter[str]) -> None:
    kind = registered if change.before.state is DeviceState.REGISTERED else pending
    kind[change.before.profile_id] -= 1
    kind[change.after.profile_id] += 1

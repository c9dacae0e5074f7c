"""Settles rows: what each does to the roll.

Many give the same result as if each of them had come alone, wherever they are cut. Good
rows without conflict, the common case, are put on the roll by one set-based statement;
only what is left over is judged row by row.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from rollbook_server.domain.conflicts import Judge, Verdicts
from rollbook_server.domain.devices import DeviceState
from rollbook_server.domain.row_blocks import DeviceRows
from rollbook_server.domain.uploads import Counts, attribute_columns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from rollbook_server.domain.conflicts import Change
    from rollbook_server.domain.devices import DeviceRow
    from rollbook_server.domain.error_blocks import RowErrors
    from rollbook_server.domain.ports import Roll
    from rollbook_server.domain.repositories import PackedRows
    from rollbook_server.domain.uploads import Upload


@dataclass(frozen=True, slots=True)
class Settlement:
    """What rows did, and the verdicts on those that were judged one by one.

    `same_rows` were not: each is as it says the device is with the number at its place in
    `same_devices`.
    """

    counts: Counts
    verdicts: Verdicts = field(default_factory=Verdicts)
    same_rows: DeviceRows = field(default_factory=DeviceRows)
    same_devices: Sequence[int] = ()

    @property
    def errors(self) -> RowErrors:
        """The errors that came of conflicts."""
        return self.verdicts.errors


def write(
    roll: Roll, upload: Upload, packed: PackedRows, headers: Mapping[str, str], now: datetime
) -> Settlement:
    """Put rows on the roll."""
    judge = Judge(roll, upload, headers, now)
    settlement = _put_in(judge, packed)
    _count(judge, settlement.counts.created)
    return settlement


def write_closed(
    roll: Roll, upload: Upload, packed: PackedRows, headers: Mapping[str, str], now: datetime
) -> Settlement:
    """Put rows that change no device where nothing counts them until the upload has ended."""
    return _put_in(Judge(roll, upload, headers, now), packed)


def _put_in(judge: Judge, packed: PackedRows) -> Settlement:
    if _may_settle_in_sets(judge.roll, judge.upload, packed):
        return _put_in_as_set(judge, packed)
    return _put_in_in_turn(judge, packed.rows, packed.attribute_names)


def write_and_remember(
    roll: Roll,
    upload: Upload,
    rows: Sequence[DeviceRow],
    headers: Mapping[str, str],
    now: datetime,
) -> Settlement:
    """Put rows on the roll; later batches know which devices they left as they were."""
    recall = partial(roll.uploads.claims, upload.upload_id)
    judge = Judge(roll, upload, headers, now, recall)
    settlement = _put_in_in_turn(judge, rows, attribute_columns(roll, upload))
    _count(judge, settlement.counts.created)
    roll.uploads.claim(upload.upload_id, judge.seen)
    return settlement


def rehearse(
    roll: Roll,
    upload: Upload,
    rows: Sequence[DeviceRow],
    headers: Mapping[str, str],
    now: datetime,
) -> Verdicts:
    """Find what writing the rows would do, without touching the roll.

    Later batches know of the keys that the rows took.
    """
    recall = partial(roll.uploads.claims, upload.upload_id)
    judge = Judge(roll, upload, headers, now, recall)
    verdicts = judge.judge_all(rows)
    roll.uploads.claim(upload.upload_id, judge.claims)
    return verdicts


def _may_settle_in_sets(roll: Roll, upload: Upload, packed: PackedRows) -> bool:
    """Tell whether the unique keys alone find every conflict, in the right order.

    They do not see one device's first IMEI as another's second; and updates may
    free or take keys that later rows hold.
    """
    keeps_roll = not upload.options.may_change_devices
    return keeps_roll and not packed.crosses_itself and not roll.devices.crosses(packed)


def _put_in_as_set(judge: Judge, packed: PackedRows) -> Settlement:
    judge.roll.leftovers.evict(packed.rows, sparing=judge.upload.upload_id)
    left_out = judge.roll.devices.insert(judge.upload, packed, judge.now)
    created = len(packed.rows) - len(left_out)
    judge.reject_duplicates(packed.rows.at(left_out.repeated), left_out.lines)
    beside = frozenset(packed.rows.numbers()) if left_out.unclear else frozenset()
    verdicts = judge.judge_all(packed.rows.at(left_out.unclear), beside)
    if verdicts.created_rows:
        raise AssertionError("a row that met a device of the roll was judged to be new")
    same = packed.rows.at(left_out.same)
    counts = replace(verdicts.counts, created=created) + Counts(unchanged=len(same))
    return Settlement(counts, verdicts, same, left_out.devices)


def _put_in_in_turn(
    judge: Judge, rows: Sequence[DeviceRow], attribute_names: Sequence[str]
) -> Settlement:
    """Judge every row first; changes go before new devices, whose keys they may free."""
    verdicts, devices = judge.judge_all(rows), judge.roll.devices
    devices.release([change.before for change in verdicts.changes if change.renames])
    devices.change([change.after for change in verdicts.changes])
    insert(judge.roll, judge.upload, verdicts.created_rows, attribute_names, judge.now)
    return Settlement(verdicts.counts, verdicts)


def insert(
    roll: Roll,
    upload: Upload,
    rows: Sequence[DeviceRow],
    attribute_names: Sequence[str],
    now: datetime,
) -> None:
    """Put in rows that were judged to be new."""
    packed = roll.devices.pack(rows, attribute_names)
    if roll.devices.insert(upload, packed, now):
        raise AssertionError("a row that was judged to be new met a device of the roll")


def _count(judge: Judge, created: int) -> None:
    """Keep the counts of every profile that gained, lost or changed devices."""
    pending: Counter[str] = Counter()
    registered: Counter[str] = Counter()
    if created:
        pending[judge.upload.profile_id] += created
    for change in judge.verdicts.changes:
        _count_change(change, pending, registered)
    for profile_id in pending.keys() | registered.keys():
        judge.roll.profiles.move_counts(
            profile_id, judge.now, pending=pending[profile_id], registered=registered[profile_id]
        )


def _count_change(change: Change, pending: Counter[str], registered: Counter[str]) -> None:
    kind = registered if change.before.state is DeviceState.REGISTERED else pending
    kind[change.before.profile_id] -= 1
    kind[change.after.profile_id] += 1

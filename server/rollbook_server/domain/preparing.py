"""Prepares the end of an upload under FAIL in short steps; then its last transaction is short.

What its rows do to the roll is done before, unseen. New devices are put among the others,
closed: for as long as the upload is OPEN they are seen, counted and enrolled by nobody, and
whoever needs a key of theirs removes them, as if they were leftovers. What is to be written
over a device is laid down, with the revision that it was judged by. Rows that are possible
only once others have changed their devices are put off to the end, and rows that find their
device as it should be are done with.

How far that is, is stored: who finishes an upload again goes on there.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from rollbook_server.domain import batches, uploads
from rollbook_server.domain.conflicts import Judge
from rollbook_server.domain.preparation_repository import Preparation
from rollbook_server.domain.row_blocks import DeviceRows
from rollbook_server.domain.uploads import Counts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rollbook_server.domain.conflicts import Verdicts
    from rollbook_server.domain.devices import DeviceRow
    from rollbook_server.domain.endings import Ending
    from rollbook_server.domain.ports import Roll
    from rollbook_server.domain.repositories import PackedRows


class ConflictsAroseError(Exception):
    """Staged rows that were good when they were checked meet a device by now."""


def prepare(ending: Ending) -> None:
    """Prepare the end for all staged rows for which it is not.

    Raises ConflictsAroseError, and RollbookError as `Ending`; what was prepared stays.
    """
    reached = ending.store.read(lambda roll: roll.preparations.get(ending.upload_id))
    if reached is None:
        _clear(ending)
    columns = ending.store.read(lambda roll: uploads.attribute_columns(roll, ending.upload))
    prepare_rows = _prepare_changes if ending.upload.options.may_change_devices else _prepare_new
    for rows in ending.staged(after=reached.through_row if reached else 0):
        prepare_rows(ending, rows, columns)


def forget(ending: Ending) -> None:
    """Remove what was prepared, and errors of rows that were judged at the end."""
    ending.repeat(lambda roll, limit: roll.preparations.forget(ending.upload_id, limit))


def unclaim(ending: Ending) -> None:
    """Remove the claims of all rows."""
    ending.repeat(lambda roll, limit: roll.uploads.unclaim(ending.upload_id, limit))


def _clear(ending: Ending) -> None:
    """Remove what rows left when they were staged, or judged by whoever did not come to an end."""
    forget(ending)
    if ending.upload.options.may_change_devices:
        unclaim(ending)


def _prepare_new(ending: Ending, rows: Sequence[DeviceRow], columns: Sequence[str]) -> None:
    """Prepare rows that change no device; they are packed before others wait."""
    packing = ending.store.packing()
    packing.add(DeviceRows.of(rows))
    ending.step(partial(_close, ending, packing.take(columns)))


def _close(ending: Ending, packed: PackedRows, roll: Roll) -> None:
    settled = batches.write_closed(roll, ending.upload, packed, ending.headers, ending.now)
    if settled.errors:
        raise ConflictsAroseError
    _reach(ending, roll, packed.rows[-1].row, settled.counts)


def _prepare_changes(ending: Ending, rows: Sequence[DeviceRow], columns: Sequence[str]) -> None:
    def work(roll: Roll) -> None:
        verdicts = _judged(ending, roll, rows)
        batches.insert(roll, ending.upload, verdicts.new_rows, columns, ending.now)
        counts = Counts(len(verdicts.new_rows), 0, len(verdicts.unchanged_rows))
        _reach(ending, roll, rows[-1].row, counts)

    ending.step(work)


def _judged(ending: Ending, roll: Roll, rows: Sequence[DeviceRow]) -> Verdicts:
    """Judge rows and lay down what they change, or put it off.

    Later rows know of the keys that they take or free.
    """
    recall = partial(roll.uploads.claims, ending.upload_id)
    judge = Judge(roll, ending.upload, ending.headers, ending.now, recall)
    verdicts = judge.judge_all(rows)
    if verdicts.errors:
        raise ConflictsAroseError
    roll.uploads.claim(ending.upload_id, judge.claims)
    stay = [change for change in verdicts.changes if not change.moves_keys]
    move = [change.row for change in verdicts.changes if change.moves_keys]
    roll.preparations.lay_down(ending.upload, stay)
    roll.preparations.put_off(ending.upload_id, [*move, *verdicts.following_rows])
    return verdicts


def _reach(ending: Ending, roll: Roll, row: int, counts: Counts) -> None:
    """Note that all rows up to one are prepared; `counts` is what the last of them do."""
    reached = roll.preparations.get(ending.upload_id) or Preparation()
    created, unchanged = reached.created + counts.created, reached.unchanged + counts.unchanged
    roll.preparations.reach(ending.upload_id, Preparation(row, created, unchanged))

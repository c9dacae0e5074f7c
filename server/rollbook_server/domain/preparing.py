"""Prepares the end of an upload under FAIL; then its last transaction is short.

What its rows do to the roll is done as they come, unseen. New devices are put among the
others, closed: for as long as the upload is OPEN they are seen, counted and enrolled by
nobody, and whoever needs a key of theirs removes them, as if they were leftovers. What is to
be written over a device is laid down, with the revision that it was judged by. Rows that are
possible only once others have changed their devices are put off to the end. Of rows that
find their device as it should be, the device and its revision are noted: before the end it is
looked whether it is still so.

All rows are staged beside it, so that nothing is lost with what is prepared: it is forgotten
and made anew where others removed closed devices, and after an hour in which nobody went on.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from rollbook_server.domain import settling
from rollbook_server.domain.preparation_repository import Preparation
from rollbook_server.domain.row_blocks import DeviceRows
from rollbook_server.domain.settling import Settlement
from rollbook_server.domain.uploads import attribute_columns

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from rollbook_server.domain.devices import DeviceRow
    from rollbook_server.domain.endings import Ending
    from rollbook_server.domain.ports import Roll, Store
    from rollbook_server.domain.repositories import PackedRows
    from rollbook_server.domain.uploads import Upload

# Closed devices cost whoever else puts rows in: each batch looks whether it needs their keys.
IDLE = timedelta(hours=1)
PIECE = 2_000  # rows or devices that are forgotten in one transaction
FEW = 500  # rows whose devices have changed meanwhile: more are not judged at the end


class DisturbedError(Exception):
    """What was prepared is not there any more, or does not fit: it is to be made anew."""


class ConflictsAroseError(Exception):
    """Staged rows that were good when they came meet a device by now."""


class Piece(NamedTuple):
    """Rows in their order, good each by itself, up to row `through_row` of the upload.

    `headers` says how the uploader calls our fields, `attribute_names` names attributes in
    the order of their columns; `packed` are the same rows for the roll, where they change
    no device.
    """

    rows: Sequence[DeviceRow]
    through_row: int
    headers: Mapping[str, str]
    attribute_names: Sequence[str]
    packed: PackedRows | None


def reached(roll: Roll, upload: Upload) -> Preparation:
    """Tell how far the end of an upload is prepared."""
    return roll.preparations.get(upload.upload_id) or Preparation()


def prepared(roll: Roll, upload: Upload) -> Preparation:
    """Tell the same of one that must be prepared; raises DisturbedError."""
    found = roll.preparations.get(upload.upload_id)
    if found is None:
        raise DisturbedError
    return found


def put_in(roll: Roll, upload: Upload, piece: Piece, now: datetime) -> Settlement:
    """Prepare the end for the rows that come next; tells what they will do."""
    before, upload_id = reached(roll, upload), upload.upload_id
    if piece.packed is None:
        settled, closed = _lay_down(roll, upload, piece, now)
    else:
        settled = settling.write_closed(roll, upload, piece.packed, piece.headers, now)
        closed = settled.counts.created
    verdicts, same = settled.verdicts, settled.same_rows.numbers()
    roll.preparations.note_left(upload_id, verdicts.unchanged_rows, verdicts.unchanged_devices)
    roll.preparations.note_same(upload_id, same, settled.same_devices)
    created, unchanged = before.created + closed, before.unchanged + settled.counts.unchanged
    roll.preparations.reach(upload, Preparation(piece.through_row, created, unchanged), now)
    return settled


def _lay_down(roll: Roll, upload: Upload, piece: Piece, now: datetime) -> tuple[Settlement, int]:
    """Judge rows that may change devices; tells also how many became closed devices.

    Later rows know of the keys that these take or free.
    """
    upload_id = upload.upload_id
    verdicts = settling.rehearse(roll, upload, piece.rows, piece.headers, now)
    stay = [change for change in verdicts.changes if not change.renames]
    move = [change.row for change in verdicts.changes if change.renames]
    roll.preparations.lay_down(upload, stay)
    roll.preparations.put_off(upload_id, [*move, *verdicts.following_rows])
    settling.insert(roll, upload, verdicts.new_rows, piece.attribute_names, now)
    return Settlement(verdicts.counts, verdicts), len(verdicts.new_rows)


def prepare(ending: Ending) -> None:
    """Prepare the end for all staged rows for which it is not.

    Raises ConflictsAroseError, DisturbedError, and RollbookError as `Ending`; what was
    prepared stays.
    """
    begun = ending.store.read(lambda roll: roll.preparations.get(ending.upload_id))
    if begun is None:
        _clear(ending)
    after = begun.through_row if begun else 0
    names = ending.store.read(lambda roll: attribute_columns(roll, ending.upload))
    for rows in ending.staged(after=after):
        packed = None if ending.upload.options.may_change_devices else _packed(ending, rows, names)
        piece = Piece(rows, rows[-1].row, ending.headers, names, packed)
        ending.step(partial(_put_in_good, ending, piece, after))
        after = piece.through_row
    _look_again(ending)


def forget(ending: Ending) -> None:
    """Remove what was prepared, and errors of rows that were judged at the end."""
    ending.repeat(lambda roll: roll.preparations.forget(ending.upload_id, PIECE))


def unclaim(ending: Ending) -> None:
    """Remove the claims of all rows."""
    ending.repeat(lambda roll: roll.uploads.unclaim(ending.upload_id, PIECE))


def forget_idle(store: Store, now: datetime, goes_on: Callable[[], bool]) -> None:
    """Remove what was prepared where nobody went on for an hour, piece by piece."""
    since = now - IDLE
    while goes_on() and store.write(
        lambda roll: roll.preparations.forget_idle(since, PIECE), is_bulk=True
    ):
        pass


def _clear(ending: Ending) -> None:
    """Remove what rows left when they came, or when they were judged at an end that broke off."""
    forget(ending)
    if ending.upload.options.may_change_devices:
        unclaim(ending)


def _look_again(ending: Ending) -> None:
    """Put off rows whose devices have changed since they were found or laid down for.

    What changes from now on is seen at the end, if it is to be written over; the others are
    done with.
    """
    done = ending.store.read(lambda roll: reached(roll, ending.upload))
    if done.created == done.through_row:  # every row became a device of its own
        return
    for behind in range(0, done.through_row, PIECE):
        ending.step(partial(_put_off_outdated, ending, range(behind + 1, behind + PIECE + 1)))


def _put_off_outdated(ending: Ending, rows: range, roll: Roll) -> None:
    before = prepared(roll, ending.upload)
    if roll.preparations.put_off_outdated(ending.upload_id, rows) > FEW:
        raise DisturbedError
    lost = roll.preparations.put_off_unlike(ending.upload_id, rows)
    if lost > FEW:
        raise DisturbedError
    after = replace(before, unchanged=before.unchanged - lost)
    roll.preparations.reach(ending.upload, after, ending.now)


def _packed(ending: Ending, rows: Sequence[DeviceRow], names: Sequence[str]) -> PackedRows:
    """Pack rows before others wait."""
    packing = ending.store.packing()
    packing.add(DeviceRows.of(rows))
    return packing.take(names)


def _put_in_good(ending: Ending, piece: Piece, after: int, roll: Roll) -> None:
    if reached(roll, ending.upload).through_row != after:
        raise DisturbedError
    if put_in(roll, ending.upload, piece, ending.now).errors:
        raise ConflictsAroseError

"""Judges rows against the devices that hold their keys already.

Rows are judged in their order, each as if it had come alone: what an earlier row
of the upload claimed or set free counts for the later ones.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING

from rollbook_server.domain import refusals
from rollbook_server.domain.devices import RowError
from rollbook_server.domain.error_blocks import ErrorBlock, RowErrors
from rollbook_server.domain.errors import RowReason
from rollbook_server.domain.keys import holds, keys_of, values_of
from rollbook_server.domain.merging import differing, merged
from rollbook_server.domain.refusals import duplicate_text
from rollbook_server.domain.upload_options import OnConflict
from rollbook_server.domain.uploads import Counts

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from rollbook_server.domain.devices import Device, DeviceRow
    from rollbook_server.domain.keys import Key
    from rollbook_server.domain.ports import Roll
    from rollbook_server.domain.refusals import Refusal
    from rollbook_server.domain.row_blocks import DeviceRows
    from rollbook_server.domain.uploads import Upload

FREE = 0
"""Claim on a key that its device gave up in this upload: no line of the file has it.

A negative claim is the line, with its sign turned, of a row that found its device as
it should be: later rows may find the same, and none may change it.
"""


_DUPLICATE = RowReason.DUPLICATE_IN_FILE
_number = attrgetter("row")


@dataclass(frozen=True, slots=True)
class Change:
    """A row that changes a device of the roll."""

    row: DeviceRow
    before: Device
    after: Device
    renames: bool  # whether the device gives up or is given a key, or a serial number


@dataclass(slots=True)
class Verdicts:
    """What is to be done with the rows of a batch.

    `following_rows` are new, too, once earlier rows have freed the keys that devices of the
    roll hold.
    """

    new_rows: list[DeviceRow] = field(default_factory=list)
    following_rows: list[DeviceRow] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    unchanged_rows: list[DeviceRow] = field(default_factory=list)
    unchanged_devices: list[Device] = field(default_factory=list)  # those that these rows found
    errors: RowErrors = field(default_factory=RowErrors)

    @property
    def counts(self) -> Counts:
        """Rows by what becomes of them; the rejected ones are counted by their errors."""
        return Counts(len(self.created_rows), len(self.changes), len(self.unchanged_rows))

    @property
    def created_rows(self) -> list[DeviceRow]:
        """Rows that become devices, in their order."""
        if not self.following_rows:
            return self.new_rows
        return sorted([*self.new_rows, *self.following_rows], key=_number)


def _nothing(_: Iterable[str]) -> Mapping[str, int]:
    return {}


class Judge:
    """Judges the rows of one batch, one after another.

    `claims` maps the keys that earlier rows of the same upload took, and of which
    the roll does not know yet, to their lines, and those of devices that were seen
    unchanged; `recall` gives those of earlier batches. `headers` says how the uploader
    calls our fields.
    """

    def __init__(
        self,
        roll: Roll,
        upload: Upload,
        headers: Mapping[str, str],
        now: datetime,
        recall: Callable[[Iterable[str]], Mapping[str, int]] = _nothing,
    ) -> None:
        self.roll, self.upload, self.now = roll, upload, now
        self._headers, self._recall = headers, recall
        self.claims: dict[str, int] = {}
        self._beside: Collection[int] = ()
        self.verdicts = Verdicts()

    @property
    def seen(self) -> Mapping[str, int]:
        """Claims on the keys of devices that rows found as they should be."""
        return {key: line for key, line in self.claims.items() if line < FREE}

    def judge_all(self, rows: Sequence[DeviceRow], beside: Collection[int] = ()) -> Verdicts:
        """Judge rows in their order; gives the verdicts on all rows so far.

        Those whose numbers are given `beside` went in as one set with these.
        """
        if not rows:  # the common case of a batch that went in as a set
            return self.verdicts
        self._beside = beside
        self.roll.leftovers.evict(rows, sparing=self.upload.upload_id)
        self.claims |= self._recall(key.value for row in rows for key in keys_of(row))
        for row, holders in zip(rows, self.roll.devices.holders(rows), strict=True):
            self._judge(row, holders)
        return self.verdicts

    def reject_duplicates(self, rows: DeviceRows, lines: Iterable[int]) -> None:
        """Reject rows whose first keys earlier ones of the upload have, on these lines."""
        earlier, text = iter(lines), cache(duplicate_text)
        named = {key: self._headers.get(key, key) for key in ("imei", "serial_number")}
        for block in rows.blocks:  # in columns: of a file with one device all rows come here
            keys = ["imei" if imei else "serial_number" for imei in block.imei]
            columns, messages = map(named.__getitem__, keys), map(text, keys, earlier)
            reasons, nothing = [_DUPLICATE] * len(keys), [""] * len(keys)
            told = list(columns), reasons, list(messages), nothing, block.values, nothing
            self.verdicts.errors.add(ErrorBlock(block.row, block.line, *told))

    def _judge(self, row: DeviceRow, holders: Collection[Device]) -> None:
        """Judge the next row; `holders` are the devices of the roll with a key of it."""
        keys = keys_of(row)
        standing = [device for device in holders if self._stands(device, row, keys)]
        if refusal := self._refusal(keys, standing):
            self._reject(row, refusal)
        elif standing:
            self._judge_against(row, standing[0])
        else:
            (self.verdicts.following_rows if holders else self.verdicts.new_rows).append(row)
            self._claim(keys, row)

    def _stands(self, device: Device, row: DeviceRow, keys: Sequence[Key]) -> bool:
        """Tell whether the device has a key of the row at the time of the row.

        One has not that went in beside the row, but comes later.
        """
        is_mine = device.upload_id == self.upload.upload_id
        if is_mine and device.source_row > row.row and device.source_row in self._beside:
            return False
        held = values_of(device)
        return any(key.value in held and self.claims.get(key.value) != FREE for key in keys)

    def _refusal(self, keys: Sequence[Key], standing: Sequence[Device]) -> Refusal | None:
        """Refuse keys that an earlier row took, or that several devices have."""
        for key in keys:
            line = max(FREE, self.claims.get(key.value, FREE)) or self._line_of_mine(key, standing)
            if line:
                return refusals.duplicate(key.field, line)
        return refusals.several_devices(keys, standing) if len(standing) > 1 else None

    def _line_of_mine(self, key: Key, standing: Sequence[Device]) -> int:
        for device in standing:
            if device.upload_id == self.upload.upload_id and holds(device, key):
                return device.source_line
        return 0

    def _judge_against(self, row: DeviceRow, device: Device) -> None:
        """Judge a row whose one device is on the roll."""
        here = device.profile_id == self.upload.profile_id
        policy = self.upload.options.on_conflict
        if policy is OnConflict.KEEP:
            self._leave(row, device)
        elif not here and policy is not OnConflict.MOVE:
            self._reject(row, refusals.other_profile(row, device))
        else:
            self._judge_content(row, device)

    def _judge_content(self, row: DeviceRow, device: Device) -> None:
        """Judge a row that may say of its device what is on the roll."""
        after = merged(row, device)._replace(profile_id=self.upload.profile_id)
        fields = differing(after, device)
        if device.profile_id == after.profile_id and not fields:
            self._leave(row, device)
        elif self.upload.options.on_conflict is OnConflict.REJECT:
            self._reject(row, refusals.other_content(row, device, fields))
        else:
            self._judge_change(row, device, after)

    def _leave(self, row: DeviceRow, device: Device) -> None:
        """Leave a device as it is; under policies that change devices, for the whole upload.

        Else two rows that contradict each other would take turns: the file would change
        the device again each time it is uploaded.
        """
        self.verdicts.unchanged_rows.append(row)
        self.verdicts.unchanged_devices.append(device)
        if self.upload.options.may_change_devices:
            self.claims.update((key.value, -row.line) for key in keys_of(device))

    def _judge_change(self, row: DeviceRow, device: Device, after: Device) -> None:
        """Judge a row that would make of its device what it is `after`."""
        before_keys, after_keys = keys_of(device), keys_of(after)
        known = {key.value for key in (*keys_of(row), *before_keys)}
        gained = [key for key in after_keys if key.value not in known]
        refusal = self._seen_before(keys_of(row)) or self._taken(row, device, after, gained)
        if refusal:
            self._reject(row, refusal)
            return
        renames = before_keys != after_keys or device.serial_number != after.serial_number
        self._change(row, device, after, renames=renames)
        self.claims.update((key.value, FREE) for key in before_keys)
        self._claim(after_keys, row)

    def _seen_before(self, keys: Iterable[Key]) -> Refusal | None:
        """Refuse to change the device of an earlier row that left it as it was."""
        for key in keys:
            line = self.claims.get(key.value, FREE)
            if line < FREE:
                return refusals.duplicate(key.field, -line)
        return None

    def _taken(
        self, row: DeviceRow, device: Device, after: Device, gained: Sequence[Key]
    ) -> Refusal | None:
        """Refuse a key that row and device make only together, if another has it.

        The row may bring a serial number and the device its manufacturer, or the other
        way round; whoever has both was not found by the keys of the row.
        """
        if not gained:
            return None
        self.claims = {**self._recall(key.value for key in gained), **self.claims}
        made = row._replace(
            serial_number=after.serial_number, manufacturer_key=after.manufacturer_key
        )
        self.roll.leftovers.evict([made], sparing=self.upload.upload_id)
        others = self.roll.devices.holders([made])[0]
        standing = [other for other in others if self._stands(other, row, gained)]
        if not standing:
            return self._refusal(gained, standing)
        mine = self._refusal(gained, standing[:1])
        return mine or refusals.several_devices(keys_of(after), [device, *standing])

    def _change(self, row: DeviceRow, device: Device, after: Device, *, renames: bool) -> None:
        after = after._replace(
            upload_id=self.upload.upload_id,
            source_row=row.row,
            source_line=row.line,
            update_time=self.now,
            revision=device.revision + 1,
        )
        self.verdicts.changes.append(Change(row, device, after, renames))

    def _claim(self, keys: Iterable[Key], row: DeviceRow) -> None:
        self.claims.update((key.value, row.line) for key in keys)

    def _reject(self, row: DeviceRow, refusal: Refusal) -> None:
        reason, field, message, device_id = refusal
        column = self._headers.get(field, field)
        self.verdicts.errors.append(
            RowError(row.row, row.line, column, reason, message, device_id, row.values)
        )

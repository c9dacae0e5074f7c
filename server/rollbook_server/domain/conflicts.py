"""Judges rows against the devices that hold their keys already.

Rows are judged in their order, each as if it had come alone: what an earlier row
of the upload claimed or set free counts for the later ones.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from rollbook_server.domain import identifiers
from rollbook_server.domain.devices import RowError
from rollbook_server.domain.errors import RowReason
from rollbook_server.domain.uploads import Counts, OnConflict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from rollbook_server.domain.devices import Device, DeviceRow
    from rollbook_server.domain.ports import Roll
    from rollbook_server.domain.uploads import Upload

FREE = 0
"""Claim on a key that its device gave up in this upload: no line of the file has it."""

_CONTENT = ("imei", "imei2", "serial_number", "manufacturer", "attributes")


def keys_of(thing: DeviceRow | Device) -> list[tuple[str, str]]:
    """Give the identity keys as (field, key), where no two devices share a key.

    Both IMEIs live in one space; the separator cannot stand in a serial number.
    """
    keys = [(name, getattr(thing, name)) for name in ("imei", "imei2") if getattr(thing, name)]
    if thing.serial_number and thing.manufacturer_key:
        keys.append(("serial_number", f"{thing.serial_number}\x1f{thing.manufacturer_key}"))
    return keys


@dataclass(frozen=True, slots=True)
class Change:
    """A device of the roll that a row changes."""

    before: Device
    after: Device


@dataclass(slots=True)
class Judge:
    """Judges the rows of one batch; afterwards its lists say what is to be done.

    `claims` maps the keys that earlier rows of the same upload took to their
    lines, as far as the roll does not know of them yet; `recall` gives those of
    earlier batches.
    """

    roll: Roll
    upload: Upload
    headers: Mapping[str, str]
    now: datetime
    claims: dict[str, int] = field(default_factory=dict)
    recall: Callable[[Iterable[str]], Mapping[str, int]] = lambda _: {}
    new_rows: list[DeviceRow] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    unchanged_rows: list[DeviceRow] = field(default_factory=list)
    changing_rows: list[DeviceRow] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)

    @property
    def counts(self) -> Counts:
        """Rows by what becomes of them; the rejected ones are counted by their errors."""
        return Counts(len(self.new_rows), len(self.changes), len(self.unchanged_rows))

    @property
    def passed_rows(self) -> list[DeviceRow]:
        """Rows without an error, in their order."""
        passed = [*self.new_rows, *self.changing_rows, *self.unchanged_rows]
        return sorted(passed, key=lambda row: row.row)

    def judge(self, row: DeviceRow, holders: Iterable[Device]) -> None:
        """Judge the next row; `holders` are the devices of the roll with a key of it."""
        keys = keys_of(row)
        standing = [device for device in holders if self._stands(device, row, keys)]
        earlier = self._earlier_row(keys, standing)
        if earlier:
            self._reject(row, *earlier)
        elif not standing:
            self.new_rows.append(row)
            self._claim(keys, row)
        elif len(standing) > 1:
            self._reject(row, *self._several(keys, standing))
        else:
            self._judge_one(row, standing[0])

    def _stands(self, device: Device, row: DeviceRow, keys: list[tuple[str, str]]) -> bool:
        """Tell whether the device has a key of the row at the time of the row."""
        if device.upload_id == self.upload.upload_id and device.source_row > row.row:
            return False
        held = {key for _, key in keys_of(device)}
        return any(key in held and self.claims.get(key) != FREE for _, key in keys)

    def _earlier_row(
        self, keys: list[tuple[str, str]], standing: Sequence[Device]
    ) -> tuple[RowReason, str, str, str] | None:
        for name, key in keys:
            line = self.claims.get(key) or self._line_of_mine(key, standing)
            if line:
                text = (
                    f"Line {line} of the same file has this {_WORDS[name]} already; "
                    "keep one of the two rows."
                )
                return RowReason.DUPLICATE_IN_FILE, self._column(name), text, ""
        return None

    def _line_of_mine(self, key: str, standing: Sequence[Device]) -> int:
        for device in standing:
            mine = device.upload_id == self.upload.upload_id
            if mine and any(key == held for _, held in keys_of(device)):
                return device.source_line
        return 0

    def _several(
        self, keys: list[tuple[str, str]], standing: Sequence[Device]
    ) -> tuple[RowReason, str, str, str]:
        owners = [
            f"{_WORDS[name]} of {device.device_id}"
            for name, key in keys
            for device in standing
            if any(key == held for _, held in keys_of(device))
        ]
        text = (
            f"The row mixes devices of the roll: {', '.join(owners)}; "
            "correct the identifiers, or delete the device that is wrong."
        )
        return RowReason.KEYS_OF_SEVERAL_DEVICES, "", text, standing[0].device_id

    def _judge_one(self, row: DeviceRow, device: Device) -> None:
        merged = self._merged(row, device)
        differing = [name for name in _CONTENT if getattr(merged, name) != getattr(device, name)]
        here = device.profile_id == self.upload.profile_id
        policy = self.upload.options.on_conflict
        if (here and not differing) or policy is OnConflict.KEEP:
            self.unchanged_rows.append(row)
        elif policy is OnConflict.REJECT or not (here or policy is OnConflict.MOVE):
            self._reject(row, *self._refusal(row, device, differing))
        elif taken := self._taken(row, device, merged):
            self._reject(row, *taken)
        else:
            self._change(row, device, merged)

    def _taken(
        self, row: DeviceRow, device: Device, merged: Device
    ) -> tuple[RowReason, str, str, str] | None:
        """Tell who has the key that row and device make only together, if anyone.

        The row may bring a serial number and the device its manufacturer, or the other
        way round; whoever has both was not found by the keys of the row.
        """
        gained = [key for key in keys_of(merged) if key not in keys_of(row) + keys_of(device)]
        if not gained:
            return None
        self.claims = {**self.recall(key for _, key in gained), **self.claims}
        made = row._replace(
            serial_number=merged.serial_number, manufacturer_key=merged.manufacturer_key
        )
        others = self.roll.devices.holders([made])[0]
        standing = [other for other in others if self._stands(other, row, gained)]
        earlier = self._earlier_row(gained, standing)
        return earlier or (
            self._several(keys_of(merged), [device, *standing]) if standing else None
        )

    def _merged(self, row: DeviceRow, device: Device) -> Device:
        """Give the device with the row's content; identifiers the row lacks are kept.

        Manufacturers that differ in case alone are the same.
        """
        imei, imei2 = _merged_imeis(row, device)
        same_maker = identifiers.manufacturer_key(row.manufacturer) == device.manufacturer_key
        return replace(
            device,
            profile_id=self.upload.profile_id,
            imei=imei,
            imei2=imei2,
            serial_number=row.serial_number or device.serial_number,
            manufacturer=device.manufacturer
            if same_maker or not row.manufacturer
            else row.manufacturer,
            attributes=dict(row.attributes),
        )

    def _change(self, row: DeviceRow, device: Device, merged: Device) -> None:
        after = replace(
            merged,
            upload_id=self.upload.upload_id,
            source_row=row.row,
            source_line=row.line,
            update_time=self.now,
            revision=device.revision + 1,
        )
        self.changes.append(Change(device, after))
        self.changing_rows.append(row)
        self.claims.update((key, FREE) for _, key in keys_of(device))
        self._claim(keys_of(after), row)

    def _claim(self, keys: list[tuple[str, str]], row: DeviceRow) -> None:
        self.claims.update((key, row.line) for _, key in keys)

    def _refusal(
        self, row: DeviceRow, device: Device, differing: list[str]
    ) -> tuple[RowReason, str, str, str]:
        column = self._column(_shared_key(row, device))
        if device.profile_id != self.upload.profile_id:
            text = (
                f"The device stands on the roll of profile {device.profile_id}; delete it "
                "there, or upload with the conflict policy MOVE."
            )
            return RowReason.DEVICE_IN_OTHER_PROFILE, column, text, device.device_id
        words = " and ".join(_WORDS[name] for name in differing)
        text = (
            f"The device is on the roll already with another {words}; make the row equal, "
            "or upload with the conflict policy UPDATE or KEEP."
        )
        return RowReason.DEVICE_ON_ROLL, column, text, device.device_id

    def _reject(
        self, row: DeviceRow, reason: RowReason, column: str, message: str, device_id: str
    ) -> None:
        self.errors.append(
            RowError(row.row, row.line, column, reason, message, device_id, row.values)
        )

    def _column(self, name: str) -> str:
        return self.headers.get(name, name)


_WORDS = {
    "imei": "IMEI",
    "imei2": "second IMEI",
    "serial_number": "serial number",
    "manufacturer": "manufacturer",
    "attributes": "custom attributes",
}


def _merged_imeis(row: DeviceRow, device: Device) -> tuple[str, str]:
    """Give both IMEIs; a row with the device's second one alone leaves the first out."""
    if not row.imei2 and row.imei in ("", device.imei2):
        return device.imei, device.imei2
    return row.imei, row.imei2 or device.imei2


def _shared_key(row: DeviceRow, device: Device) -> str:
    held = {key for _, key in keys_of(device)}
    return next((name for name, key in keys_of(row) if key in held), "")

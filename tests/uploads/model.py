"""What uploads do, told once more and naively: one row after the other, on a dictionary."""

from __future__ import annotations

from collections import Counter
from copy import deepcopy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from uploads.wire import FAIL, KEEP, MOVE, UPDATE, Device

if TYPE_CHECKING:
    from collections.abc import Sequence

Key = tuple[str, ...]


class Given(NamedTuple):
    """A row as it is sent; `imei` and `imei2` are cores, or a word that is none."""

    imei: str
    imei2: str
    serial_number: str
    manufacturer: str
    site: str

    @property
    def reason(self) -> str:
        """Why the row is bad by itself, if it is."""
        if "oops" in (self.imei, self.imei2):
            return "IMEI_CHARACTERS"
        if not (self.imei or self.imei2):
            lacks = (not self.serial_number, not self.manufacturer)
            return _LACKING[lacks]
        return "IMEI_REPEATED" if self.imei == self.imei2 else ""


_LACKING = {
    (False, False): "",
    (False, True): "MANUFACTURER_MISSING",
    (True, False): "SERIAL_NUMBER_MISSING",
    (True, True): "NO_IDENTIFIER",
}


@dataclass
class Result:
    """What became of an upload."""

    counts: Counter[str] = field(default_factory=Counter)
    errors: list[tuple[int, str]] = field(default_factory=list)
    failed: bool = False


@dataclass
class Opening:
    """How an upload is opened."""

    upload_id: str
    profile: str
    on_invalid_row: int
    on_conflict: int
    validate_only: bool


class ModelRoll:
    """The roll: a list of devices, searched from the first to the last."""

    def __init__(self) -> None:
        self.devices: list[Device] = []
        self._left: set[int] = set()

    def upload(self, opening: Opening, rows: Sequence[tuple[int, Given]]) -> Result:
        """Take in rows, each with its line."""
        before, result = deepcopy(self.devices), Result()
        self._left = set()
        for ordinal, (line, given) in enumerate(rows, 1):
            what = given.reason or self._take(opening, given, line)
            if what in ("created", "updated", "unchanged"):
                result.counts[what] += 1
            else:
                result.errors.append((ordinal, what))
        result.counts["rejected"] = len(result.errors)
        result.failed = opening.on_invalid_row == FAIL and bool(result.errors)
        if result.failed or opening.validate_only:
            self.devices = before
        return result

    def enroll(self, imei: str) -> bool:
        """Register the device with this IMEI."""
        holders = self._holders([("imei", imei)])
        for place in holders:
            self.devices[place] = self.devices[place]._replace(registered=True)
        return bool(holders)

    def counts(self, profile: str) -> tuple[int, int]:
        """Give how many devices of a profile are pending and registered."""
        states = Counter(device.registered for device in self.devices if device.profile == profile)
        return states[False], states[True]

    def _take(self, opening: Opening, given: Given, line: int) -> str:
        row = _device(opening, given, line)
        holders = self._holders(_keys(row))
        if any(self.devices[place].upload == opening.upload_id for place in holders):
            return "DUPLICATE_IN_FILE"
        if not holders:
            self.devices.append(row)
            return "created"
        if len(holders) > 1:
            return "KEYS_OF_SEVERAL_DEVICES"
        return self._meet(opening, row, holders[0])

    def _meet(self, opening: Opening, row: Device, place: int) -> str:
        """Let a row meet the one device that has a key of it."""
        device = self.devices[place]
        merged = _merged(row, device)
        content = merged._replace(upload=device.upload, line=device.line)
        if content == device or opening.on_conflict == KEEP:
            self._left.add(place)
            return "unchanged"
        if device.profile != opening.profile and opening.on_conflict != MOVE:
            return "DEVICE_IN_OTHER_PROFILE"
        if opening.on_conflict not in (UPDATE, MOVE):
            return "DEVICE_ON_ROLL"
        if place in self._left:
            return "DUPLICATE_IN_FILE"
        others = [self.devices[p] for p in self._holders(_keys(merged)) if p != place]
        if others:
            mine = others[0].upload == opening.upload_id
            return "DUPLICATE_IN_FILE" if mine else "KEYS_OF_SEVERAL_DEVICES"
        self.devices[place] = merged
        return "updated"

    def _holders(self, keys: Sequence[Key]) -> list[int]:
        wanted = set(keys)
        return [n for n, device in enumerate(self.devices) if wanted & set(_keys(device))]


def _keys(device: Device) -> list[Key]:
    keys: list[Key] = [("imei", imei) for imei in (device.imei, device.imei2) if imei]
    if device.serial_number and device.manufacturer:
        keys.append(("serial", device.serial_number, device.manufacturer.casefold()))
    return keys


def _device(opening: Opening, given: Given, line: int) -> Device:
    return Device(
        profile=opening.profile,
        imei=given.imei or given.imei2,
        imei2=given.imei2 if given.imei else "",
        serial_number=given.serial_number,
        manufacturer=given.manufacturer,
        attributes={"site": given.site} if given.site else {},
        registered=False,
        upload=opening.upload_id,
        line=line,
    )


def _merged(row: Device, device: Device) -> Device:
    alone = not row.imei2 and row.imei in ("", device.imei2)
    known = alone or {row.imei, row.imei2} == {device.imei, device.imei2}
    same_maker = row.manufacturer.casefold() == device.manufacturer.casefold()
    return row._replace(
        imei=device.imei if known else row.imei,
        imei2=device.imei2 if known else row.imei2 or device.imei2,
        serial_number=row.serial_number or device.serial_number,
        manufacturer=device.manufacturer
        if same_maker or not row.manufacturer
        else row.manufacturer,
        registered=device.registered,
    )

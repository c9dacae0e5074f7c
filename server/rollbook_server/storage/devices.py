"""Devices in the database."""

from __future__ import annotations

import json
from collections import defaultdict
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from rollbook_server.domain import clock
from rollbook_server.domain.devices import registered
from rollbook_server.domain.left_out import LeftOut
from rollbook_server.domain.matching import Candidates
from rollbook_server.storage import device_rows
from rollbook_server.storage.attribute_names import AttributeNames
from rollbook_server.storage.attribute_texts import attribute_names
from rollbook_server.storage.counters import NEXT_DEVICE, give_away, next_number, reserve
from rollbook_server.storage.device_lists import StoredDeviceLists
from rollbook_server.storage.device_rows import DEVICE_COLUMNS, DEVICE_TABLES, STAYS
from rollbook_server.storage.profile_ranges import ProfileRanges
from rollbook_server.storage.search_keys import HOLDERS, search_keys
from rollbook_server.storage.upload_keys import upload_key
from rollbook_server.storage.upload_ranges import UploadRanges

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from rollbook_server.domain.devices import Device, DeviceRow
    from rollbook_server.domain.matching import Presented
    from rollbook_server.domain.repositories import Origin
    from rollbook_server.domain.repositories import PackedRows as Packed
    from rollbook_server.storage.engine import PackedBatch, RollDatabase
    from rollbook_server.storage.profiles import StoredProfiles

    _Question = tuple[str, tuple[str, str, int]]

_FIRST_IS_SECOND = """
SELECT 1 FROM ($TEXTS) r $THEN devices d ON d.imei2 = r.value LIMIT 1
"""
_SECOND_IS_FIRST = """
SELECT 1 FROM ($TEXTS) r $THEN devices d ON d.imei = r.value LIMIT 1
"""

# In order, or PostgreSQL would look through all devices rather than at an empty index.
HAS_SECOND = "SELECT 1 FROM devices WHERE imei2 IS NOT NULL ORDER BY imei2 LIMIT 1"

_BY_NUMBER = f"SELECT {DEVICE_COLUMNS} FROM {DEVICE_TABLES} WHERE d.id $AMONG_NUMBERS"

# The ids first: with all that is joined, PostgreSQL would plan it twice, for each key anew.
# Where there is none, a stand-in is read in its place, and thrown away: else a device that is
# on the roll and refused would take longer than one that is not on it.
_BY_IMEI = f"""
WITH found AS (
    SELECT id FROM devices WHERE imei $AMONG_TEXTS
    UNION ALL SELECT id FROM devices WHERE imei2 $AMONG_TEXTS
)
SELECT {DEVICE_COLUMNS} FROM {DEVICE_TABLES} WHERE d.id IN (
    SELECT id FROM found
    UNION ALL SELECT CAST(? AS BIGINT) WHERE NOT EXISTS (SELECT 1 FROM found)
) AND {STAYS}
"""

_CHANGE = """
UPDATE devices SET profile = column1, upload = CAST(column2 AS BIGINT), imei = column3,
    imei2 = column4, serial_number = column5, manufacturer = column6, manufacturer_key = column7,
    attributes = column8, source_row = column9, source_line = column10, update_time = column11,
    revision = column12
FROM ($ROWS) AS done WHERE id = column13
"""

_REGISTER = """
UPDATE devices SET register_time = column1, last_request_id = column2, revision = column3
FROM ($ROWS) AS done WHERE id = column4
"""
_GIVE_TO = "UPDATE devices SET user_id = ? WHERE id = ?"
# The second condition lets SQLite use the index of devices that have a user.
_TAKE_FROM = """
UPDATE devices SET user_id = '', revision = revision + 1 WHERE user_id = ? AND user_id != ''
"""

_BY_SERIAL = f"""
SELECT {DEVICE_COLUMNS} FROM {DEVICE_TABLES} WHERE d.id = coalesce(
    (SELECT id FROM devices WHERE serial_number = ? AND manufacturer_key = ?), ?
) AND {STAYS}
"""


_NOTHING = "[]"


class StoredDevices(StoredDeviceLists):
    """The devices as one transaction sees them."""

    def __init__(self, database: RollDatabase, profiles: StoredProfiles) -> None:
        self._database, self._profiles = database, profiles
        self._names, self._ranges = AttributeNames(database), ProfileRanges(database)
        self._upload_ranges = UploadRanges(database)
        self._stand_in = 0  # the number of a device that was found last

    def pack(self, rows: Sequence[DeviceRow], columns: Sequence[str] = ()) -> Packed:
        """Prepare rows for insert."""
        packing = self._database.packing()
        packing.add(rows)
        return packing.take(columns)

    def number_from(self, number: int) -> None:
        """Give new devices ids from that number on at least."""
        missing = number - next_number(self._database, NEXT_DEVICE)
        if missing > 0:
            reserve(self._database, NEXT_DEVICE, missing)

    def insert(self, upload: Origin, packed: Packed, now: datetime) -> LeftOut:
        """Put rows on the roll; tell of those that were left out.

        It is the batch that knows how it gets into the database.
        """
        if not packed.rows:
            return LeftOut()
        batch = _batch(packed)
        count = len(packed.rows)
        profile, owner = self._profiles.key(upload.profile_id), self._upload_key(upload.upload_id)
        first = next_number(self._database, NEXT_DEVICE)
        time = clock.microseconds(now)
        left_out = batch.insert_into(self._database, first, profile, owner, time)
        give_away(self._database, NEXT_DEVICE, first, count)
        if len(left_out) < count:
            self._add_range(profile, owner, first, first + count - 1)
        self._names.add(profile, _names_of_inserted(packed, left_out))
        return left_out

    def _add_range(self, profile: int, upload: int | None, first: int, last: int) -> None:
        self._ranges.add(profile, first, last)
        if upload is not None:
            self._upload_ranges.add(upload, first, last)

    def holders(self, rows: Sequence[DeviceRow]) -> list[list[Device]]:
        """Give for each row the distinct devices that hold any of its keys, in order of number."""
        found: list[list[Device]] = [[] for _ in rows]
        if rows:
            pairs = self._rows_of(HOLDERS, search_keys(rows))
            devices = self._numbered({number for _, number in pairs})
            for index, number in sorted(pairs):  # PostgreSQL gives them in the order of hashes
                found[index].append(devices[number])
        return found

    def change(self, devices: Sequence[Device]) -> None:
        """Write changed devices; no two are the same."""
        profile_key, upload_key = cache(self._profiles.key), cache(self._upload_key)
        names: dict[int, list[Mapping[str, str]]] = defaultdict(list)
        rows, numbers = [], []
        for device in devices:
            profile = profile_key(device.profile_id)
            upload = upload_key(device.upload_id) if device.upload_id else None
            numbers.append(device_rows.device_number(device.device_id))
            rows.append((profile, upload, *device_rows.changed_columns(device), numbers[-1]))
            names[profile].append(device.attributes)
        self._database.execute_rows(_CHANGE, rows)
        self._ranges.cover(numbers)
        for profile, attributes in names.items():
            self._names.add(profile, attribute_names(attributes))

    def attribute_names(self, profile_id: str, *, limit: int) -> list[str]:
        """Give attribute names that the devices have, or had; first used first."""
        if not profile_id:
            return self._names.of_all(limit=limit)
        return self._names.of(self._profiles.key(profile_id), limit=limit)

    def attribute_names_in_use(self, profile_id: str) -> list[str]:
        """Give all attribute names that the devices of a profile have now."""
        return self._names.in_use(self._profiles.key(profile_id))

    def crosses(self, packed: Packed) -> bool:
        """Tell whether a first IMEI of the rows is a second one of the roll, or reverse."""
        batch = _batch(packed)
        if self._rows_of(HAS_SECOND, ()) and self._find_any(_FIRST_IS_SECOND, batch.imeis):
            return True
        return self._find_any(_SECOND_IS_FIRST, batch.second_imeis)

    def _find_any(self, sql: str, imeis: Collection[str]) -> bool:
        return bool(imeis and self._rows_of(sql, (json.dumps(list(imeis)),)))

    def candidates(self, presented: Presented) -> Candidates:
        """Give the devices that hold a presented key."""
        return self.candidates_of([presented])[0]

    def candidates_of(self, presented: Sequence[Presented]) -> list[Candidates]:
        """Give the same for many; serial numbers only for those whose IMEIs are unknown."""
        wanted = json.dumps(list({imei for each in presented for imei in each.imeis}))
        stand_in = self._stand_in
        self._database.look_ahead(_questions(wanted, presented, stand_in))
        holders = self._by_imei(wanted, stand_in) if wanted != _NOTHING else {}
        known = [
            (each, [holder for imei in each.imeis for holder in holders.get(imei, ())])
            for each in presented
        ]
        unknown = (each for each, found in known if not found)
        self._database.look_ahead(_serial_questions(unknown, stand_in))
        return [
            Candidates(found) if found else self._by_serial(each, stand_in) for each, found in known
        ]

    def overlook(self, presented: Presented) -> None:
        """Ask for a serial number in vain; see the port."""
        stand_in = self._stand_in
        self._database.look_ahead(_serial_questions([presented], stand_in))
        self._by_serial(presented, stand_in)

    def _by_imei(self, wanted: str, stand_in: int) -> Mapping[str, list[Device]]:
        holders: dict[str, list[Device]] = defaultdict(list)
        for columns in self._rows_of(_BY_IMEI, (wanted, wanted, stand_in)):
            self._stand_in = columns[0]
            device = device_rows.device(columns)
            for imei in {device.imei, device.imei2} - {""}:
                holders[imei].append(device)
        return holders

    def _by_serial(self, presented: Presented, stand_in: int) -> Candidates:
        keys = (presented.serial_number, presented.manufacturer_key)
        found = self._rows_of(_BY_SERIAL, (*keys, stand_in)) if all(keys) else ()
        for columns in found:
            self._stand_in = columns[0]
            device = device_rows.device(columns)
            if (device.serial_number, device.manufacturer_key) == keys:
                return Candidates((), device)
        return Candidates()

    def register(self, device: Device, request_id: str, now: datetime) -> Device:
        """Make the device REGISTERED, since now if it was PENDING; remember the request."""
        done = registered(device, request_id, now)
        self.write_registered([done])
        return done

    def write_registered(self, devices: Sequence[Device]) -> None:
        """Write devices that were made REGISTERED."""
        rows = [device_rows.registered_columns(device) for device in devices]
        self._database.execute_rows(_REGISTER, rows)

    def give_to(self, device: Device, user_id: str) -> Device:
        """Note who signed in on the device; `register` counts the change."""
        number = device_rows.device_number(device.device_id)
        self._database.execute_sql(_GIVE_TO, (user_id, number))
        return device._replace(user_id=user_id)

    def take_from(self, user_id: str) -> None:
        """Give every device on which the user signed in to none."""
        self._database.execute_sql(_TAKE_FROM, (user_id,))

    def _numbered(self, numbers: Iterable[Any]) -> dict[Any, Device]:
        found = self._rows_of(_BY_NUMBER, (json.dumps(list(numbers)),))
        return {columns[0]: device_rows.device(columns) for columns in found}

    def _upload_key(self, upload_id: str) -> int | None:
        return upload_key(self._database, upload_id)

    def _rows_of(self, sql: str, parameters: Sequence[object]) -> list[Any]:
        return list(self._database.execute_sql(sql, parameters).fetchall())


def _questions(imeis: str, presented: Iterable[Presented], stand_in: int) -> Iterator[_Question]:
    """Give what is asked for candidates in any case."""
    if imeis != _NOTHING:
        yield _BY_IMEI, (imeis, imeis, stand_in)
    yield from _serial_questions((each for each in presented if not each.imeis), stand_in)


def _serial_questions(presented: Iterable[Presented], stand_in: int) -> Iterator[_Question]:
    for each in presented:
        if each.serial_number and each.manufacturer_key:
            yield _BY_SERIAL, (each.serial_number, each.manufacturer_key, stand_in)


def _batch(packed: Packed) -> PackedBatch:
    """Give rows that our database packed as what they are."""
    return cast("PackedBatch", packed)


def _names_of_inserted(packed: Packed, left_out: LeftOut) -> Sequence[str]:
    if not left_out:
        return packed.attribute_names
    if len(left_out) == len(packed.rows):
        return ()
    places = left_out.places()
    rows = enumerate(packed.rows)
    inserted = (row.attributes for place, row in rows if place not in places)
    return attribute_names(inserted, packed.attribute_names)

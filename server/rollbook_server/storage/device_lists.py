"""Single devices in the database: found, listed, searched and removed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rollbook_server.domain.devices import DeviceState
from rollbook_server.storage import device_rows
from rollbook_server.storage.device_rows import DEVICE_COLUMNS, DEVICE_TABLES, STAYS
from rollbook_server.storage.prefixes import Condition, prefix_conditions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rollbook_server.domain.device_lists import DeviceQuery
    from rollbook_server.domain.devices import Device
    from rollbook_server.storage.engine import RollDatabase
    from rollbook_server.storage.profile_ranges import ProfileRanges
    from rollbook_server.storage.profiles import StoredProfiles

# Matches of a prefix that are looked up in the indexes; of more, one is met so soon
# in the order of the list that walking along it takes less.
LOOKED_UP = 10_000

_FIND = f"""
SELECT {DEVICE_COLUMNS} FROM {DEVICE_TABLES}
WHERE d.id IN ($NUMBERS) AND {STAYS}
"""
# `$THEN` keeps SQLite from going through the profiles, and sorting.
_LIST = f"""
SELECT {DEVICE_COLUMNS} FROM devices d
    $THEN profiles p ON p.id = d.profile LEFT JOIN uploads u ON u.id = d.upload
WHERE {STAYS}%s ORDER BY d.id LIMIT ?
"""
_NUMBERED = "d.id IN ($NUMBERS)"
_BETWEEN = "d.id BETWEEN ? AND ?"
# Whether its devices may lie outside its runs: those that it changed do, and of one that was
# taken back, REGISTERED ones stay when its runs are swept up.
_UPLOAD = """
SELECT u.id, u.profile, u.updated_count > 0 OR u.state IN ('FAILED', 'DISCARDED'),
    (SELECT min(first_id) FROM upload_ranges r WHERE r.upload = u.id),
    (SELECT max(last_id) FROM upload_ranges r WHERE r.upload = u.id)
FROM uploads u WHERE u.upload_id = ?
"""
_WITH_IMEIS = f"""
SELECT {DEVICE_COLUMNS} FROM {DEVICE_TABLES} WHERE {STAYS} AND d.id IN (
    SELECT id FROM devices WHERE imei IN ($TEXTS)
    UNION SELECT id FROM devices WHERE imei2 IN ($TEXTS))
ORDER BY d.id LIMIT ?
"""
_WITH_SERIALS = f"""
SELECT {DEVICE_COLUMNS} FROM {DEVICE_TABLES} WHERE {STAYS} AND d.id IN (
    SELECT id FROM devices WHERE serial_number IN ($TEXTS))
ORDER BY d.id LIMIT ?
"""
_RELEASE = """
UPDATE devices SET imei = NULL, imei2 = NULL, serial_number = NULL, manufacturer_key = NULL
WHERE id IN ($NUMBERS)
"""
_REMOVE = "DELETE FROM devices WHERE id IN ($NUMBERS)"
_STATES = {
    DeviceState.PENDING: "d.register_time IS NULL",
    DeviceState.REGISTERED: "d.register_time IS NOT NULL",
}


class StoredDeviceLists:
    """The part of `StoredDevices` that is about single ones."""

    _database: RollDatabase
    _profiles: StoredProfiles
    _ranges: ProfileRanges

    def find(self, device_ids: Iterable[str]) -> dict[str, Device]:
        """Give those of the devices that are on the roll."""
        named = map(device_rows.device_number, device_ids)
        numbers = [number for number in named if number is not None]
        return {device.device_id: device for device in self._devices(_FIND, json.dumps(numbers))}

    def list(self, query: DeviceQuery, *, after: str, limit: int) -> Iterator[Device]:
        """Give at most `limit` devices behind device `after`, one by one, in order of number."""
        owner = self._profiles.key(query.profile_id) if query.profile_id else None
        upload = self._upload(query.upload_id) if query.upload_id else None
        conditions = [*_owned(owner), *_of_upload(upload), *self._matching(query), *_state(query)]
        profile, behind = upload[1] if upload else owner, device_rows.device_number(after) or 0
        for where in self._along(query, profile, conditions, behind):
            for device in self._listed((where, *conditions), limit):
                yield device
                limit -= 1
            if not limit:
                return

    def _along(
        self,
        query: DeviceQuery,
        profile: int | None,
        conditions: Sequence[Condition],
        behind: int,
    ) -> Iterator[Condition]:
        """Tell where the list goes along: where a profile's devices lie, if nothing leads to fewer.

        REGISTERED ones have an index of their own.
        """
        leads = any(condition.sql in (_NUMBERED, _BETWEEN) for condition in conditions)
        if profile is None or leads or query.state is DeviceState.REGISTERED:
            yield Condition("d.id > ?", behind)
            return
        for walk in self._ranges.walks(profile, behind):
            yield Condition(_BETWEEN, *walk)

    def _listed(self, conditions: Sequence[Condition], limit: int) -> Iterator[Device]:
        sql = _LIST % "".join(f" AND {condition.sql}" for condition in conditions)
        values = [value for condition in conditions for value in condition.values]
        return self._devices(sql, *values, limit)

    def _upload(self, upload_id: str) -> Sequence[Any]:
        found: Sequence[Any] = self._database.execute_sql(_UPLOAD, (upload_id,)).fetchone()
        return found

    def _matching(self, query: DeviceQuery) -> Iterator[Condition]:
        if not (query.imei_prefix or query.serial_prefix):
            return
        look_up, walk = prefix_conditions(query.imei_prefix, query.serial_prefix, LOOKED_UP + 1)
        found = self._database.execute_sql(look_up.sql, look_up.values).fetchall()
        if len(found) > LOOKED_UP:
            yield walk
        else:
            numbers = json.dumps([number for (number,) in found])
            yield Condition(_NUMBERED, numbers)

    def with_imeis(self, imeis: Iterable[str], *, limit: int) -> Sequence[Device]:
        """Give the first devices that have one of these as first or second IMEI."""
        wanted = json.dumps(list(imeis))
        return list(self._devices(_WITH_IMEIS, wanted, wanted, limit))

    def with_serial_numbers(self, serials: Iterable[str], *, limit: int) -> Sequence[Device]:
        """Give the first devices with one of these serial numbers, whatever their maker."""
        return list(self._devices(_WITH_SERIALS, json.dumps(list(serials)), limit))

    def release(self, devices: Iterable[Device]) -> None:
        """Take all their keys from devices that are about to be written with `change`."""
        self._database.execute_sql(_RELEASE, (_numbers(devices),))

    def remove(self, devices: Iterable[Device]) -> None:
        """Take devices off the roll."""
        self._database.execute_sql(_REMOVE, (_numbers(devices),))

    def _devices(self, sql: str, *parameters: Any) -> Iterator[Device]:
        return map(device_rows.device, self._database.execute_sql(sql, parameters))


def _numbers(devices: Iterable[Device]) -> str:
    return json.dumps([device_rows.device_number(device.device_id) for device in devices])


def _owned(owner: int | None) -> Iterator[Condition]:
    if owner is not None:
        yield Condition("d.profile = ?", owner)


def _of_upload(upload: Sequence[Any] | None) -> Iterator[Condition]:
    """Narrow to the upload's profile, where all its devices are, and to those it created."""
    if upload is None:
        return
    key, profile, may_stray, first, last = upload
    yield Condition("d.upload = ? AND d.profile = ?", key, profile)
    if not may_stray:
        yield Condition(_BETWEEN, first or 0, last or 0)


def _state(query: DeviceQuery) -> Iterator[Condition]:
    if query.state is not None:
        yield Condition(_STATES[query.state])

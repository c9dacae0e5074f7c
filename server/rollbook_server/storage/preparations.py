"""What uploads under FAIL have prepared for their end, in the database; see `domain.preparing`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rollbook_server.domain import clock
from rollbook_server.domain.devices import DeviceRow
from rollbook_server.domain.preparation_repository import Preparation
from rollbook_server.domain.upload_options import OnConflict
from rollbook_server.domain.upload_repository import DeviceCounts
from rollbook_server.storage.attribute_names import AttributeNames
from rollbook_server.storage.attribute_texts import attribute_names, attribute_text
from rollbook_server.storage.device_rows import DEVICE_TABLES, STAYS, device_number
from rollbook_server.storage.piecewise import delete_piece
from rollbook_server.storage.profile_ranges import ProfileRanges
from rollbook_server.storage.upload_keys import upload_key
from rollbook_server.storage.upload_ranges import UploadRanges
from rollbook_server.storage.upload_tables import (
    PreparationTable,
    PreparedRowTable,
    UploadErrorTable,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from rollbook_server.domain.conflicts import Change
    from rollbook_server.domain.devices import Device
    from rollbook_server.domain.uploads import Upload
    from rollbook_server.storage.engine import RollDatabase
    from rollbook_server.storage.profiles import StoredProfiles

_REACHED = """
SELECT c.through_row, c.created_count, c.unchanged_count
FROM uploads u JOIN preparations c ON c.upload = u.id
WHERE u.upload_id = ? AND c.through_row >= 0
"""
# Before any of it goes: whoever went on from what is left would lose rows.
_BEGIN_TO_FORGET = "UPDATE preparations SET through_row = -1 WHERE upload = ?"
_REACH = """
INSERT INTO preparations (upload, through_row, created_count, unchanged_count, reach_time)
VALUES (?, ?, ?, ?, ?) ON CONFLICT (upload) DO UPDATE SET through_row = excluded.through_row,
    created_count = excluded.created_count, unchanged_count = excluded.unchanged_count,
    reach_time = excluded.reach_time
"""
_IDLE = """
SELECT u.id FROM preparations c JOIN uploads u ON u.id = c.upload
WHERE u.state = 'OPEN' AND c.reach_time < ? LIMIT 1
"""
# Numbers of devices as texts, for a pair holds a number and a text.
_NOTE = """
INSERT INTO prepared_rows (upload, "row", device, revision)
SELECT ?, k.number, d.id, d.revision
FROM ($PAIRS) k $THEN devices d ON d.id = CAST(k.key AS BIGINT)
"""
_PUT_OFF = f"""
UPDATE prepared_rows SET device = NULL
WHERE upload = ? AND "row" BETWEEN ? AND ? AND device IS NOT NULL AND attributes %s
    AND NOT EXISTS (
        SELECT 1 FROM {DEVICE_TABLES}
        WHERE d.id = prepared_rows.device AND d.revision = prepared_rows.revision AND {STAYS}
    )
"""
_OUTDATED, _UNLIKE = _PUT_OFF % "IS NOT NULL", _PUT_OFF % "IS NULL"
_PROFILES = """
SELECT p.profile_id, count(*) - count(d.register_time), count(d.register_time)
FROM prepared_rows c $THEN devices d ON d.id = c.device JOIN profiles p ON p.id = d.profile
WHERE c.upload = ? AND c.attributes IS NOT NULL GROUP BY p.profile_id
"""
_WRITE_OVER = """
UPDATE devices SET profile = ?, upload = c.upload, manufacturer = c.manufacturer,
    attributes = c.attributes, source_row = c."row", source_line = c."line", update_time = ?,
    revision = c.revision + 1
FROM prepared_rows c
WHERE c.upload = ? AND c."row" > ? AND c."row" <= ? AND c.attributes IS NOT NULL
    AND devices.id = c.device
"""
_AT_ONCE = 2_000  # rows that are written over: SQLite holds what it is about to write
_ROWS_PUT_OFF = """
SELECT s.content FROM prepared_rows c
    JOIN staged_rows s ON s.upload = c.upload AND s."row" = c."row"
WHERE c.upload = ? AND c."row" > ? AND c.device IS NULL ORDER BY c."row" LIMIT ?
"""
_WRITTEN_OVER = """
SELECT device FROM prepared_rows
WHERE upload = ? AND device IS NOT NULL AND attributes IS NOT NULL
"""
_COLUMNS = ("row", "line", "device", "revision", "manufacturer", "attributes")


class StoredPreparations:
    """The preparations as one transaction sees them."""

    def __init__(self, database: RollDatabase, profiles: StoredProfiles) -> None:
        self._database, self._profiles = database, profiles

    def get(self, upload_id: str) -> Preparation | None:
        """Tell how far it is; None if it is not begun."""
        row = self._database.execute_sql(_REACHED, (upload_id,)).fetchone()
        return Preparation(*row) if row else None

    def reach(self, upload: Upload, preparation: Preparation, now: datetime) -> None:
        """Note how far it is, and when that was."""
        reached = (preparation.through_row, preparation.created, preparation.unchanged)
        time = clock.microseconds(now)
        self._database.hand_over(_REACH, (self._key(upload.upload_id), *reached, time))

    def lay_down(self, upload: Upload, changes: Sequence[Change]) -> None:
        """Keep what is to be written over devices that keep their keys."""
        self._put_in(upload.upload_id, _COLUMNS, list(map(_laid_down, changes)))
        names = attribute_names(change.after.attributes for change in changes)
        AttributeNames(self._database).add(self._profiles.key(upload.profile_id), names)

    def put_off(self, upload_id: str, rows: Iterable[DeviceRow]) -> None:
        """Note staged rows that are to be judged at the end."""
        self._put_in(upload_id, ("row",), [(row.row,) for row in rows])

    def note_left(
        self, upload_id: str, rows: Sequence[DeviceRow], devices: Sequence[Device]
    ) -> None:
        """Note rows that leave their devices as they are."""
        found = [
            (row.row, device_number(device.device_id), device.revision)
            for row, device in zip(rows, devices, strict=True)
        ]
        self._put_in(upload_id, ("row", "device", "revision"), found)

    def note_same(self, upload_id: str, rows: Sequence[int], devices: Sequence[int]) -> None:
        """Note the same, all given by their numbers."""
        if rows:
            pairs = list(zip(rows, map(str, devices), strict=True))
            self._database.execute_sql(_NOTE, (self._key(upload_id), json.dumps(pairs)))

    def put_off_outdated(self, upload_id: str, rows: range) -> int:
        """Put those of the rows off for which something is laid down that does not fit any more."""
        return self._put_off(_OUTDATED, upload_id, rows)

    def put_off_unlike(self, upload_id: str, rows: range) -> int:
        """Do the same with rows that left their devices as they were; gives how many it were."""
        return self._put_off(_UNLIKE, upload_id, rows)

    def _put_off(self, sql: str, upload_id: str, rows: range) -> int:
        parameters = (self._key(upload_id), rows.start, rows.stop - 1)
        return int(self._database.execute_sql(sql, parameters).rowcount)

    def profiles_of(self, upload_id: str) -> dict[str, DeviceCounts]:
        """Count the devices that are to be written over, by the profiles they are in."""
        found = self._database.execute_sql(_PROFILES, (self._key(upload_id),)).fetchall()
        return {profile_id: DeviceCounts(*counts) for profile_id, *counts in found}

    def write_over(self, upload: Upload, now: datetime) -> int:
        """Write over all devices what is laid down for them; gives how many there are."""
        profile, key = self._profiles.key(upload.profile_id), self._key(upload.upload_id)
        reached, time, written = self.get(upload.upload_id), clock.microseconds(now), 0
        for behind in range(0, reached.through_row if reached else 0, _AT_ONCE):
            parameters = (profile, time, key, behind, behind + _AT_ONCE)
            written += self._database.execute_sql(_WRITE_OVER, parameters).rowcount
        if upload.options.on_conflict is OnConflict.MOVE:
            ProfileRanges(self._database).cover_those(_WRITTEN_OVER, key)
        return written

    def rows_put_off(self, upload_id: str, *, after: int, limit: int) -> list[DeviceRow]:
        """Give at most `limit` rows behind row `after` that were put off, in order of row."""
        parameters = (self._key(upload_id), after, limit)
        found = self._database.execute_sql(_ROWS_PUT_OFF, parameters).fetchall()
        return [DeviceRow(*json.loads(content)) for (content,) in found]

    def forget(self, upload_id: str, limit: int) -> bool:
        """Remove a piece of all that; True if there may be more."""
        key = self._key(upload_id)
        removed = delete_piece(self._database, UploadErrorTable.row, key, limit)
        return self._forget(key, limit) or bool(removed)

    def forget_idle(self, since: datetime, limit: int) -> bool:
        """Remove such a piece of an OPEN upload that reached nothing since then."""
        found = self._database.execute_sql(_IDLE, (clock.microseconds(since),)).fetchone()
        return found is not None and self._forget(found[0], limit)

    def _forget(self, key: int, limit: int) -> bool:
        self._database.execute_sql(_BEGIN_TO_FORGET, (key,))
        removed = delete_piece(self._database, PreparedRowTable.row, key, limit)
        if UploadRanges(self._database).remove_piece_of(key, limit) or removed:
            return True
        return bool(delete_piece(self._database, PreparationTable.upload, key, limit))

    def _put_in(self, upload_id: str, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        if rows:
            columns = dict(zip(names, zip(*rows, strict=True), strict=True))
            shared = {"upload": self._key(upload_id)}
            self._database.put_in("prepared_rows", columns, shared)

    def _key(self, upload_id: str) -> int:
        key = upload_key(self._database, upload_id)
        assert key is not None, "whoever prepares the end of an upload holds it"
        return key


def _laid_down(change: Change) -> tuple[Any, ...]:
    """Give the values of _COLUMNS."""
    row, before, after = change.row, change.before, change.after
    content = after.manufacturer or None, attribute_text(after.attributes)
    return row.row, row.line, device_number(before.device_id), before.revision, *content

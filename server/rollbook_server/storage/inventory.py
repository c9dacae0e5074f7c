"""The devices of a profile as they leave for a file: columns, piece by piece."""

from __future__ import annotations

import json
from contextlib import closing
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from rollbook_server.domain.inventory import InventoryPiece
from rollbook_server.storage.counters import NEXT_DEVICE, next_number
from rollbook_server.storage.device_rows import STAYS, device_id
from rollbook_server.storage.profile_ranges import ProfileRanges

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rollbook_server.storage.engine import RollDatabase
    from rollbook_server.storage.profiles import StoredProfiles

# What is read at once at most: keeps transactions short, memory bounded where devices
# have a hundred long attributes, and all of it in the cache of a processor, without
# which an inventory takes a third longer.
_DEVICES = 1_000
_CHARACTERS = 1 << 20
_FEW = 50  # each of which may have a hundred attributes of 4,096 characters

_PIECE = f"""
SELECT d.id, coalesce(d.imei, ''), coalesce(d.imei2, ''), coalesce(d.serial_number, ''),
    coalesce(d.manufacturer, ''), d.attributes, d.register_time,
    CASE d.user_id WHEN '' THEN '' ELSE
        coalesce((SELECT user_name FROM users WHERE user_id = d.user_id), d.user_id) END,
    coalesce(u.upload_id, ''), d.source_line, d.create_time, d.update_time
FROM devices d LEFT JOIN uploads u ON u.id = d.upload
WHERE d.profile = ? AND d.id BETWEEN ? AND ? AND d.id < ? AND {STAYS}
ORDER BY d.id LIMIT {_DEVICES}
"""
_ATTRIBUTES = 5
_attributes_of = itemgetter(_ATTRIBUTES)


class StoredInventory:
    """The devices of profiles as one transaction sees them."""

    def __init__(self, database: RollDatabase, profiles: StoredProfiles) -> None:
        self._database, self._profiles = database, profiles

    def end(self) -> int:
        """Give a number above those of all devices so far."""
        return next_number(self._database, NEXT_DEVICE)

    def piece(
        self, profile_id: str, *, after: int, before: int, width: int
    ) -> InventoryPiece | None:
        """Give the next devices in order of number, or None if there are no more."""
        profile = self._profiles.key(profile_id)
        walks = ProfileRanges(self._database).walks(profile, after)
        found = (self._rows((profile, *walk, before), width) for walk in walks)
        rows = next(filter(None, found), None)
        if rows is None:
            return None
        ids, *texts = zip(*rows, strict=True)
        texts[_ATTRIBUTES - 1] = json.loads("[" + ",".join(texts[_ATTRIBUTES - 1]) + "]")
        return InventoryPiece(ids[-1], list(map(device_id, ids)), *texts)

    def _rows(self, parameters: Sequence[int], width: int) -> list[Any]:
        with closing(self._database.walk(_PIECE, parameters)) as cursor:
            return _fitting(cursor, width)


def _fitting(cursor: Any, width: int) -> list[Any]:
    """Give the first rows, a few at least, as many as may be held at once."""
    rows: list[Any] = []
    room = _CHARACTERS
    while room > 0 and (found := cursor.fetchmany(_FEW)):
        rows += found
        room -= sum(map(len, map(_attributes_of, found))) + width * len(found)
    return rows

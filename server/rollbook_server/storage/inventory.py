"""The devices of a profile as they leave for a file: columns, piece by piece."""

from __future__ import annotations

import json
from contextlib import closing
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from rollbook_server.domain.inventory import InventoryPiece
from rollbook_server.storage.counters import NEXT_DEVICE, next_number
from rollbook_server.storage.device_rows import CLOSED, STAYS, device_id
from rollbook_server.storage.profile_ranges import ProfileRanges
from rollbook_server.storage.upload_ranges import OUTSIDE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rollbook_server.domain.inventory import Beginning
    from rollbook_server.storage.engine import RollDatabase
    from rollbook_server.storage.profiles import StoredProfiles

# What is read at once at most: keeps transactions short, memory bounded where devices
# have a hundred long attributes, and all of it in the cache of a processor, without
# which an inventory takes a third longer.
_DEVICES = 1_000
_CHARACTERS = 1 << 20
_FEW = 50  # each of which may have a hundred attributes of 4,096 characters

_CELLS = """
    d.id, coalesce(d.imei, ''), coalesce(d.imei2, ''), coalesce(d.serial_number, ''),
    coalesce(d.manufacturer, ''), d.register_time,
    CASE d.user_id WHEN '' THEN '' ELSE
        coalesce((SELECT user_name FROM users WHERE user_id = d.user_id), d.user_id) END,
    coalesce(u.upload_id, ''), d.source_line, d.create_time, d.update_time
"""
_FOUND = f"""
FROM devices d LEFT JOIN uploads u ON u.id = d.upload
WHERE d.profile = ? AND d.id BETWEEN ? AND ? AND d.id < ? AND {STAYS}
    AND NOT (d.upload IN ($NUMBERS) AND NOT {OUTSIDE})
ORDER BY d.id LIMIT {_DEVICES}
"""
# One text of all devices, which SQLite makes beside Python, not step by step with it;
# PostgreSQL, which does that anyway, takes longer to make it. Long attributes are left
# out, for nobody knows how many there are of them.
_TOGETHER = f"""
SELECT group_concat(cells), group_concat(CASE WHEN length(attributes) <= ? THEN attributes END)
FROM (SELECT json_array({_CELLS}) AS cells, d.attributes {_FOUND}) found
"""
_ONE_BY_ONE = f"SELECT d.attributes, {_CELLS} {_FOUND}"
_CLOSED = f"SELECT u.id FROM uploads u WHERE {CLOSED}"
_attributes_of = itemgetter(0)


class StoredInventory:
    """The devices of profiles as one transaction sees them."""

    def __init__(self, database: RollDatabase, profiles: StoredProfiles) -> None:
        self._database, self._profiles = database, profiles

    def end(self) -> int:
        """Give a number above those of all devices so far."""
        return next_number(self._database, NEXT_DEVICE)

    def closed(self) -> list[int]:
        """Give the uploads whose devices come onto the roll together, if they do."""
        return [upload for (upload,) in self._database.execute_sql(_CLOSED).fetchall()]

    def piece(
        self, profile_id: str, begun: Beginning, *, after: int, width: int
    ) -> InventoryPiece | None:
        """Give the next devices in order of number, or None if there are no more."""
        profile = self._profiles.key(profile_id)
        walks = ProfileRanges(self._database).walks(profile, after)
        until = begun.end, json.dumps(begun.closed)
        pieces = (self._along((profile, *walk, *until), width) for walk in walks)
        return next(filter(None, pieces), None)

    def _along(self, parameters: Sequence[Any], width: int) -> InventoryPiece | None:
        """Give the next devices of one run of numbers."""
        piece = self._together(parameters, width) if self._database.steps_with_python else None
        return piece or self._one_by_one(parameters, width)

    def _together(self, parameters: Sequence[Any], width: int) -> InventoryPiece | None:
        """Give the piece, or None if it may be too long to be held at once."""
        long = _CHARACTERS // _DEVICES - width
        found = self._database.execute_sql(_TOGETHER, (long, *parameters)).fetchone()
        rows, attributes = (json.loads(f"[{text or ''}]") for text in found)
        return _piece(rows, attributes) if 0 < len(rows) == len(attributes) else None

    def _one_by_one(self, parameters: Sequence[Any], width: int) -> InventoryPiece | None:
        """Give as much as may be held at once, a few devices at least."""
        with closing(self._database.walk(_ONE_BY_ONE, parameters)) as cursor:
            rows = _fitting(cursor, width)
        attributes = json.loads(f"[{','.join(map(_attributes_of, rows))}]")
        return _piece([row[1:] for row in rows], attributes) if rows else None


def _piece(rows: Sequence[Sequence[Any]], attributes: Sequence[dict[str, str]]) -> InventoryPiece:
    """Give the columns of rows of _CELLS."""
    ids, imeis, imeis2, serial_numbers, manufacturers, *others = zip(*rows, strict=True)
    identifiers = (list(map(device_id, ids)), imeis, imeis2, serial_numbers, manufacturers)
    return InventoryPiece(ids[-1], *identifiers, attributes, *others)


def _fitting(cursor: Any, width: int) -> list[Any]:
    """Give the first rows, a few at least, as many as may be held at once."""
    rows: list[Any] = []
    room = _CHARACTERS
    while room > 0 and (found := cursor.fetchmany(_FEW)):
        rows += found
        room -= sum(map(len, map(_attributes_of, found))) + width * len(found)
    return rows

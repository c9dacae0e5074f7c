"""Who holds the keys of rows: one query for many rows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rollbook_server.domain.devices import DeviceRow

# Pairs of a row's index and the id of a device; takes what `search_keys` gives.
# `$THEN` keeps SQLite from walking the roll and searching the batch in it.
HOLDERS = """
SELECT k.number, d.id AS device FROM ($PAIRS) k $THEN devices d ON d.imei = k.key
UNION
SELECT k.number, d.id FROM ($PAIRS) k $THEN devices d ON d.imei2 = k.key
UNION
SELECT k.number, d.id FROM ($TRIPLES) k
    $THEN devices d ON d.serial_number = k.key AND d.manufacturer_key = k.second
"""


def search_keys(rows: Iterable[DeviceRow]) -> tuple[str, str, str]:
    """Give the keys of rows, each with the index of its row, for HOLDERS."""
    kept = list(enumerate(rows))
    imeis = [(index, imei) for index, row in kept for imei in (row.imei, row.imei2) if imei]
    serials = [
        (index, row.serial_number, row.manufacturer_key)
        for index, row in kept
        if row.serial_number and row.manufacturer_key
    ]
    either = json.dumps(imeis)
    return either, either, json.dumps(serials, ensure_ascii=False)

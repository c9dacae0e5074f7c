"""The CSV file that an administrator fills in: the seed's Download CSV Template."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollbook_server.domain import csv_writer, example_row, profiles
from rollbook_server.domain.dialects import attribute_headers
from rollbook_server.domain.inventory import IDENTIFIER_COLUMNS
from rollbook_server.domain.single_rows import MOST_ATTRIBUTES

if TYPE_CHECKING:
    from rollbook_server.domain.ports import Roll


def template(roll: Roll, profile_id: str) -> bytes:
    """Give the identifier columns, attribute columns, and a row that uploads refuse.

    Attribute columns are those of the profile's devices so far, of all devices without
    a profile; as many as one device may have, first used first. UTF-8 with a byte
    order mark and CRLF: so spreadsheets open it rightly. Raises RollbookError with
    PROFILE_NOT_FOUND.
    """
    if profile_id:
        profiles.get(roll, profile_id)
    names = roll.devices.attribute_names(profile_id, limit=MOST_ATTRIBUTES)
    header = [*IDENTIFIER_COLUMNS, *attribute_headers(names, IDENTIFIER_COLUMNS)]
    example = [*example_row.CELLS, *("example" for _ in names)]
    columns = list(zip(csv_writer.safe(header), example, strict=True))
    return csv_writer.lines(columns).encode("utf-8-sig")

"""The CSV file that an administrator fills in: the seed's Download CSV Template."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from rollbook_server.domain import profiles
from rollbook_server.domain.formula_cells import escape_cell

if TYPE_CHECKING:
    from rollbook_server.domain.ports import Roll

IDENTIFIER_COLUMNS = ("IMEI", "IMEI2", "Serial Number", "Manufacturer")
# A valid check digit on a TAC that no maker has: the row uploads, and is easy to spot.
EXAMPLE = ("004999010640000", "", "EXAMPLE-0001", "Example")


def template(roll: Roll, profile_id: str) -> bytes:
    """Give the identifier columns, a profile's attribute columns, and an example row.

    Attribute columns are those of the profile's uploads so far; without a profile
    there are none. UTF-8 with a byte order mark and CRLF: so spreadsheets open it rightly. Raises
    RollbookError with PROFILE_NOT_FOUND.
    """
    attributes: list[str] = []
    if profile_id:
        profiles.get(roll, profile_id)
        attributes = roll.uploads.columns_used(profile_id)
    text = io.StringIO()
    table = csv.writer(text)  # CRLF is its default, as in RFC 4180
    table.writerow([*IDENTIFIER_COLUMNS, *map(escape_cell, attributes)])
    table.writerow([*EXAMPLE, *("example" for _ in attributes)])
    return text.getvalue().encode("utf-8-sig")

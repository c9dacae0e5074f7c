"""In which runs of numbers the devices lie that uploads put on the roll.

They tell those from others that an upload only changed, and find them without an index
that would take in every new row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollbook_server.storage.runs import Runs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rollbook_server.storage.engine import RollDatabase

# That a device lies in none of the runs of its upload. An upload that others came between
# has hundreds, of which only the last that begins before it can hold it.
OUTSIDE = """d.id > coalesce((
    SELECT r.last_id FROM upload_ranges r
    WHERE r.upload = d.upload AND r.first_id <= d.id ORDER BY r.first_id DESC LIMIT 1
), 0)"""

_FIRST_GONE = """
SELECT r.upload, r.first_id, r.last_id FROM upload_ranges r JOIN uploads u ON u.id = r.upload
WHERE u.state IN ('FAILED', 'DISCARDED') LIMIT 1
"""
_FIRST_OF = "SELECT upload, first_id, last_id FROM upload_ranges WHERE upload = ? LIMIT 1"
_EMPTY = """
DELETE FROM devices WHERE id BETWEEN ? AND ? AND upload = ? AND register_time IS NULL
"""


class UploadRanges:
    """The runs as one transaction sees them; uploads are given by their keys."""

    def __init__(self, database: RollDatabase) -> None:
        self._database, self._runs = database, Runs(database, "upload_ranges", "upload")

    def add(self, upload: int, first: int, last: int) -> None:
        """Take in new numbers, which are above all others."""
        self._runs.add(upload, first, last)

    def remove_piece(self, limit: int) -> bool:
        """Remove PENDING devices of a FAILED or DISCARDED upload; False if there are none.

        Looks at `limit` numbers at most.
        """
        return self._remove_piece(_FIRST_GONE, (), limit)

    def remove_piece_of(self, upload: int, limit: int) -> bool:
        """Remove PENDING devices of an upload in the same way."""
        return self._remove_piece(_FIRST_OF, (upload,), limit)

    def _remove_piece(self, first_run: str, parameters: Sequence[int], limit: int) -> bool:
        found = self._database.execute_sql(first_run, parameters).fetchone()
        if found is None:
            return False
        upload, first, last = found
        end = self._runs.cut(upload, first, last, limit)
        self._database.execute_sql(_EMPTY, (first, end, upload))
        return True

"""What an OPEN upload keeps beside the roll: claimed keys and staged rows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rollbook_server.domain.devices import DeviceRow
from rollbook_server.storage.piecewise import delete_piece
from rollbook_server.storage.upload_tables import StagedRowTable, UploadClaimTable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rollbook_server.storage.engine import RollDatabase


_CLAIMS = """
SELECT c."key", c."line" FROM ($TEXTS) k
    $THEN upload_claims c ON c."upload" = ? AND c."key" = k.value
"""
_CLAIM = """
INSERT INTO upload_claims ("upload", "key", "line")
SELECT ?, key, number FROM ($PAIRS) given WHERE true
ON CONFLICT ("upload", "key") DO UPDATE SET "line" = excluded."line"
"""
_STAGE = """
INSERT INTO staged_rows ("upload", "row", "content")
SELECT ?, number, content FROM ($LISTS) given
"""


class WaitingRows:
    """Claims and staged rows as one transaction sees them; `upload` is an upload's key."""

    def __init__(self, database: RollDatabase) -> None:
        self._database = database

    def claims(self, upload: int, keys: Iterable[str]) -> dict[str, int]:
        """Give those of the keys that earlier rows claimed, with their lines."""
        wanted = json.dumps(list(keys), ensure_ascii=False)
        return dict(self._database.execute_sql(_CLAIMS, (wanted, upload)).fetchall())

    def claim(self, upload: int, claims: Mapping[str, int]) -> None:
        """Remember claims, replacing those on the same keys."""
        pairs = json.dumps([(line, key) for key, line in claims.items()], ensure_ascii=False)
        self._database.execute_sql(_CLAIM, (upload, pairs))

    def unclaim(self, upload: int, limit: int) -> bool:
        """Forget at most `limit` claims of the upload; True if there may be more."""
        return bool(delete_piece(self._database, UploadClaimTable.key, upload, limit))

    def stage(self, upload: int, rows: Iterable[DeviceRow]) -> None:
        """Keep rows that are to be written when the upload ends."""
        content = json.dumps([list(row) for row in rows], ensure_ascii=False)
        self._database.execute_sql(_STAGE, (upload, content))

    def staged(self, upload: int, *, after: int, limit: int) -> list[DeviceRow]:
        """Give at most `limit` staged rows behind row `after`, in order of row."""
        query = (
            StagedRowTable.select(StagedRowTable.content)
            .where((StagedRowTable.upload == upload) & (StagedRowTable.row > after))
            .order_by(StagedRowTable.row)
            .limit(limit)
        )
        rows = query.tuples().execute(self._database)
        return [DeviceRow(*json.loads(content)) for (content,) in rows]

    def unstage(self, upload: int, *, through: int) -> None:
        """Forget the staged rows up to row `through`."""
        StagedRowTable.delete().where(
            (StagedRowTable.upload == upload) & (StagedRowTable.row <= through)
        ).execute(self._database)

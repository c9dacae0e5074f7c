"""What ended uploads and deleted profiles leave behind in the database; see `domain.leftovers`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from peewee import fn

from rollbook_server.domain.uploads import UploadState
from rollbook_server.storage import counters
from rollbook_server.storage.device_rows import STAYS
from rollbook_server.storage.profile_ranges import ProfileRanges
from rollbook_server.storage.search_keys import HOLDERS, search_keys
from rollbook_server.storage.tables import (
    AttributeNameTable,
    EndedProfileTable,
    ProfileTable,
    TokenTable,
)
from rollbook_server.storage.upload_ranges import UploadRanges
from rollbook_server.storage.upload_tables import (
    StagedRowTable,
    UploadClaimTable,
    UploadErrorTable,
    UploadTable,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rollbook_server.domain.devices import DeviceRow
    from rollbook_server.storage.engine import RollDatabase
    from rollbook_server.storage.profiles import StoredProfiles

ANY_DEVICES = """
SELECT 1 FROM ended_profiles UNION ALL
SELECT 1 FROM uploads u WHERE u.state IN ('FAILED', 'DISCARDED')
    AND EXISTS (SELECT 1 FROM upload_ranges r WHERE r.upload = u.id)
LIMIT 1
"""
_EVICT = f"""
DELETE FROM devices WHERE id IN (
    SELECT d.id FROM ({HOLDERS}) h $THEN devices d ON d.id = h.device
        LEFT JOIN profiles p ON p.id = d.profile LEFT JOIN uploads u ON u.id = d.upload
    WHERE p.id IS NULL OR NOT {STAYS}
)
"""
# No client can choose such an id: it frees those of a deleted profile's uploads.
_END_UPLOADS = "UPDATE uploads SET upload_id = '~' || id, state = 'DISCARDED' WHERE profile = ?"


class StoredLeftovers:
    """What is to be swept up, as one transaction sees it."""

    def __init__(self, database: RollDatabase, profiles: StoredProfiles) -> None:
        self._database, self._profiles = database, profiles

    def end_profile(self, profile_id: str) -> None:
        """Delete a profile and its tokens; its devices and uploads become leftovers."""
        profile = self._profiles.key(profile_id)
        EndedProfileTable.insert(profile=profile).execute(self._database)
        self._database.execute_sql(_END_UPLOADS, (profile,))
        for table in (TokenTable, AttributeNameTable):
            table.delete().where(table.profile == profile).execute(self._database)
        ProfileTable.delete().where(ProfileTable.id == profile).execute(self._database)
        counters.rise(self._database, counters.TOKEN_EPOCH)

    def evict(self, rows: Iterable[DeviceRow]) -> None:
        """Remove leftover devices that hold a key of the rows, so that the keys are free."""
        if self._database.execute_sql(ANY_DEVICES).fetchone():
            self._database.execute_sql(_EVICT, search_keys(rows))

    def sweep(self, limit: int) -> bool:
        """Remove a piece, at most `limit` of each kind; True if there may be more."""
        removed = self._delete_waiting(UploadClaimTable, UploadClaimTable.key, limit)
        removed += self._delete_waiting(StagedRowTable, StagedRowTable.row, limit)
        removed += UploadRanges(self._database).remove_piece(limit)
        return bool(removed or self._sweep_profile(limit))

    def _delete_waiting(self, table: Any, column: Any, limit: int) -> int:
        """Delete up to `limit` rows of one upload that is not OPEN any more."""
        held = table.select(table.upload).where(table.upload == UploadTable.id)
        query = UploadTable.select(UploadTable.id).where(
            (UploadTable.state != str(UploadState.OPEN)) & fn.EXISTS(held)
        )
        upload = query.limit(1).scalar(self._database)
        return 0 if upload is None else self._delete_piece(table, column, upload, limit)

    def _delete_piece(self, table: Any, column: Any, upload: int, limit: int) -> int:
        """Delete up to `limit` rows of an upload: those up to the key of the last of them.

        PostgreSQL would find keys that are given as a subquery anew for each row, for as long
        as it remembers the table as empty.
        """
        rows = table.upload == upload
        ordered = table.select(column).where(rows).order_by(column)
        last = ordered.offset(limit - 1).limit(1).scalar(self._database)
        if last is not None:
            rows &= column <= last
        return int(table.delete().where(rows).execute(self._database))

    def _sweep_profile(self, limit: int) -> int:
        """Remove a piece of one deleted profile, whose uploads hold errors at most by now."""
        profile = EndedProfileTable.select(EndedProfileTable.profile).limit(1)
        key = profile.scalar(self._database)
        if key is None:
            return 0
        removed = ProfileRanges(self._database).remove_piece(key, limit)
        return removed or self._delete_errors(key, limit) or self._end(key)

    def _delete_errors(self, profile: int, limit: int) -> int:
        held = UploadErrorTable.select().where(UploadErrorTable.upload == UploadTable.id)
        query = UploadTable.select(UploadTable.id).where(
            (UploadTable.profile == profile) & fn.EXISTS(held)
        )
        upload = query.limit(1).scalar(self._database)
        if upload is None:
            return 0
        return self._delete_piece(UploadErrorTable, UploadErrorTable.row, upload, limit)

    def _end(self, profile: int) -> int:
        UploadTable.delete().where(UploadTable.profile == profile).execute(self._database)
        query = EndedProfileTable.delete().where(EndedProfileTable.profile == profile)
        return int(query.execute(self._database))

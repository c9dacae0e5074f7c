"""What ended uploads and deleted profiles leave behind in the database; see `domain.leftovers`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from peewee import fn

from rollbook_server.domain.uploads import UploadState
from rollbook_server.storage import counters
from rollbook_server.storage.device_rows import HIDES, STAYS
from rollbook_server.storage.piecewise import delete_piece
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
    PreparationTable,
    PreparedRowTable,
    StagedRowTable,
    UploadClaimTable,
    UploadErrorTable,
    UploadTable,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from peewee import Field

    from rollbook_server.domain.devices import DeviceRow
    from rollbook_server.storage.engine import RollDatabase
    from rollbook_server.storage.profiles import StoredProfiles

# Asked with an upload whose devices stay, as is _EVICT.
ANY_DEVICES = f"""
SELECT 1 FROM ended_profiles UNION ALL
SELECT 1 FROM uploads u WHERE {HIDES} AND u.upload_id <> ?
    AND EXISTS (SELECT 1 FROM upload_ranges r WHERE r.upload = u.id)
LIMIT 1
"""
_EVICT = f"""
DELETE FROM devices WHERE id IN (
    SELECT d.id FROM ({HOLDERS}) h $THEN devices d ON d.id = h.device
        LEFT JOIN profiles p ON p.id = d.profile LEFT JOIN uploads u ON u.id = d.upload
    WHERE (p.id IS NULL OR NOT {STAYS}) AND (u.upload_id IS NULL OR u.upload_id <> ?)
)
"""
# What makes the keys of rows that wait for the end of their upload, together with it.
_WAITING = (
    UploadClaimTable.key,
    StagedRowTable.row,
    PreparedRowTable.row,
    PreparationTable.upload,
)
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

    def evict(self, rows: Iterable[DeviceRow], *, sparing: str = "") -> None:
        """Remove leftover and closed devices that hold a key of the rows; see the port."""
        if self._database.execute_sql(ANY_DEVICES, (sparing,)).fetchone():
            self._database.execute_sql(_EVICT, (*search_keys(rows), sparing))

    def sweep(self, limit: int) -> bool:
        """Remove a piece, at most `limit` of each kind; True if there may be more."""
        removed = sum(self._delete_waiting(column, limit) for column in _WAITING)
        removed += UploadRanges(self._database).remove_piece(limit)
        return bool(removed or self._sweep_profile(limit))

    def _delete_waiting(self, column: Field, limit: int) -> int:
        """Delete up to `limit` rows of one upload that is not OPEN any more."""
        table = column.model
        held = table.select(table.upload).where(table.upload == UploadTable.id)
        query = UploadTable.select(UploadTable.id).where(
            (UploadTable.state != str(UploadState.OPEN)) & fn.EXISTS(held)
        )
        upload = query.limit(1).scalar(self._database)
        return 0 if upload is None else delete_piece(self._database, column, upload, limit)

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
        return delete_piece(self._database, UploadErrorTable.row, upload, limit)

    def _end(self, profile: int) -> int:
        UploadTable.delete().where(UploadTable.profile == profile).execute(self._database)
        query = EndedProfileTable.delete().where(EndedProfileTable.profile == profile)
        return int(query.execute(self._database))

"""Removes what ended uploads leave behind, piece by piece.

An upload ends in one short transaction; what has to go with it may be hundreds of
thousands of rows. They go in later, short ones, which a start of the server
takes up again where a crash has left them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from peewee import fn

from rollbook_server.domain.uploads import UploadState
from rollbook_server.storage.tables import DeviceTable, ProfileTable
from rollbook_server.storage.upload_tables import (
    StagedRowTable,
    UploadClaimTable,
    UploadRangeTable,
    UploadTable,
)

if TYPE_CHECKING:
    from datetime import datetime

    from peewee import Database

    from rollbook_server.storage.profiles import StoredProfiles


class Leftovers:
    """What ended uploads left behind, as one transaction sees it."""

    def __init__(self, database: Database, profiles: StoredProfiles) -> None:
        self._database, self._profiles = database, profiles

    def sweep(self, now: datetime, limit: int) -> bool:
        """Remove a piece of each kind; True if there may be more."""
        removed = self._delete_waiting(UploadClaimTable, UploadClaimTable.key, limit)
        removed += self._delete_waiting(StagedRowTable, StagedRowTable.row, limit)
        return bool(removed + self._delete_devices(now))

    def _delete_waiting(self, table: Any, column: Any, limit: int) -> int:
        """Delete up to `limit` rows of one upload that is not OPEN any more."""
        upload = self._first_ended(table)
        if upload is None:
            return 0
        piece = table.select(column).where(table.upload == upload).order_by(column).limit(limit)
        query = table.delete().where((table.upload == upload) & column.in_(piece))
        return int(query.execute(self._database))

    def _first_ended(self, table: Any) -> int | None:
        held = table.select(table.upload).where(table.upload == UploadTable.id)
        query = UploadTable.select(UploadTable.id).where(
            (UploadTable.state != str(UploadState.OPEN)) & fn.EXISTS(held)
        )
        key: int | None = query.limit(1).scalar(self._database)
        return key

    def _delete_devices(self, now: datetime) -> int:
        """Delete the PENDING devices of one batch of a FAILED or DISCARDED upload."""
        gone = (str(UploadState.FAILED), str(UploadState.DISCARDED))
        query = (
            UploadRangeTable.select(UploadRangeTable, UploadTable.profile)
            .join(UploadTable, on=(UploadTable.id == UploadRangeTable.upload))
            .where(UploadTable.state.in_(gone))
        )
        run = query.dicts().first(self._database)
        if run is None:
            return 0
        self._delete_run(run, now)
        return 1

    def _delete_run(self, run: dict[str, Any], now: datetime) -> None:
        within = DeviceTable.id.between(run["first_id"], run["last_id"])
        mine = within & (DeviceTable.upload == run["upload"]) & DeviceTable.register_time.is_null()
        count = DeviceTable.delete().where(mine).execute(self._database)
        profile = ProfileTable.select(ProfileTable.profile_id).where(
            ProfileTable.id == run["profile"]
        )
        profile_id = profile.scalar(self._database)
        self._profiles.move_counts(profile_id, now, pending=-count, registered=0)
        UploadRangeTable.delete().where(
            (UploadRangeTable.upload == run["upload"])
            & (UploadRangeTable.first_id == run["first_id"])
        ).execute(self._database)

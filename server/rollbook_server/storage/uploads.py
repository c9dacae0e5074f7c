"""Uploads in the database: state, position, errors."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rollbook_server.domain import clock
from rollbook_server.domain.upload_repository import DeviceCounts
from rollbook_server.domain.uploads import UploadState
from rollbook_server.storage import batch_questions, upload_rows
from rollbook_server.storage.tables import ProfileTable
from rollbook_server.storage.upload_errors import UploadErrors
from rollbook_server.storage.upload_keys import upload_key
from rollbook_server.storage.upload_tables import UploadTable
from rollbook_server.storage.waiting_rows import WaitingRows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from rollbook_server.domain.devices import DeviceRow, RowError
    from rollbook_server.domain.error_blocks import RowErrors
    from rollbook_server.domain.pages import Cursor
    from rollbook_server.domain.uploads import Counts, Progress, Upload
    from rollbook_server.storage.engine import RollDatabase
    from rollbook_server.storage.profiles import StoredProfiles

# Devices of an upload lie in its ranges, but for those that it changed.
_DEVICES_OF = """
SELECT count(*) FILTER (WHERE d.register_time IS NULL),
    count(*) FILTER (WHERE d.register_time IS NOT NULL)
FROM upload_ranges r $THEN devices d ON d.id BETWEEN r.first_id AND r.last_id
WHERE r.upload = ? AND d.upload = r.upload
"""
# By the index of REGISTERED devices: its ranges go when it is swept up.
_STAYED_OF = """
SELECT count(*) FROM uploads u $THEN devices d ON d.profile = u.profile
WHERE u.upload_id = ? AND d.upload = u.id AND d.register_time IS NOT NULL
"""

# That a stream still has its upload. The profile is part of it: one that was deleted
# freed the id for another upload.
_HELD = """upload_id = ? AND epoch = ? AND state = 'OPEN'
    AND profile = (SELECT id FROM profiles WHERE profile_id = ?)"""
_HOLDS = f"SELECT 1 FROM uploads WHERE {_HELD}"
_HOLDS_AT = f"{_HOLDS} AND committed_offset = ? AND committed_rows = ?"
_ADVANCE = f"""
UPDATE uploads SET created_count = created_count + ?, updated_count = updated_count + ?,
    unchanged_count = unchanged_count + ?, rejected_count = rejected_count + ?,
    committed_offset = ?, committed_rows = ?, committed_crc32 = ?, reader = ?, update_time = ?
WHERE {_HELD}
"""
_END = f"UPDATE uploads SET state = ?, failure_reason = ?, update_time = ? WHERE {_HELD}"

_JOINED = UploadTable.select(UploadTable, ProfileTable.profile_id).join(
    ProfileTable, on=(ProfileTable.id == UploadTable.profile)
)


class StoredUploads:
    """The uploads as one transaction sees them."""

    def __init__(self, database: RollDatabase, profiles: StoredProfiles) -> None:
        self._database, self._profiles = database, profiles
        self._errors, self._waiting = UploadErrors(database), WaitingRows(database)

    def add(self, upload: Upload) -> None:
        """Add a new upload."""
        profile = self._profiles.key(upload.profile_id)
        UploadTable.insert(profile=profile, **upload_rows.values(upload)).execute(self._database)

    def get(self, upload_id: str) -> Upload | None:
        """Give the upload, without its errors."""
        query = _JOINED.where(UploadTable.upload_id == upload_id)
        row = query.dicts().first(self._database)
        return upload_rows.upload(row) if row else None

    def take_up(self, upload: Upload) -> Upload:
        """Give the upload the next epoch, so that earlier streams lose it."""
        UploadTable.update(epoch=UploadTable.epoch + 1).where(
            UploadTable.upload_id == upload.upload_id
        ).execute(self._database)
        return replace(upload, epoch=upload.epoch + 1)

    def holds(self, upload: Upload, at: Progress | None = None) -> bool:
        """Tell whether the upload is OPEN and no later stream has taken it up, and where."""
        question: tuple[str, tuple[Any, ...]] = (_HOLDS, _held(upload))
        if at:
            question = (_HOLDS_AT, (*_held(upload), at.offset, at.rows))
            batch_questions.ask(self._database, upload, question)
        return self._database.execute_sql(*question).fetchone() is not None

    def advance(self, upload: Upload, progress: Progress, counts: Counts, now: datetime) -> None:
        """Move the position and add to the counts."""
        counted = (counts.created, counts.updated, counts.unchanged, counts.rejected)
        position = upload_rows.position(progress)
        parameters = (*counted, *position, clock.microseconds(now), *_held(upload))
        self._database.hand_over(_ADVANCE, parameters)

    def end(self, upload: Upload, state: UploadState, failure_reason: str, now: datetime) -> None:
        """Give the upload its last state."""
        ended = (str(state), str(failure_reason), clock.microseconds(now))
        self._database.execute_sql(_END, (*ended, *_held(upload)))

    def recount(self, upload_id: str, counts: Counts) -> None:
        """Replace the counts."""
        UploadTable.update(**upload_rows.counts(counts)).where(
            UploadTable.upload_id == upload_id
        ).execute(self._database)

    def errors(self, upload_id: str, *, after: int, limit: int) -> Iterator[RowError]:
        """Give at most `limit` errors of rows behind row `after`, in order of row, one by one."""
        return self._errors.list(self._key(upload_id), after=after, limit=limit)

    def add_errors(self, upload_id: str, errors: RowErrors) -> None:
        """Add errors; a row has one at most."""
        for block in errors.blocks:
            self._errors.add(self._key(upload_id), block)

    def claims(self, upload_id: str, keys: Iterable[str]) -> dict[str, int]:
        """Give those of the keys that earlier rows claimed, with their lines."""
        return self._waiting.claims(self._key(upload_id), keys)

    def claim(self, upload_id: str, claims: Mapping[str, int]) -> None:
        """Remember claims, replacing those on the same keys."""
        self._waiting.claim(self._key(upload_id), claims)

    def unclaim(self, upload_id: str, limit: int) -> bool:
        """Forget at most `limit` claims of the upload; True if there may be more."""
        return self._waiting.unclaim(self._key(upload_id), limit)

    def stage(self, upload_id: str, rows: Iterable[DeviceRow]) -> None:
        """Keep rows that are to be written when the upload ends."""
        self._waiting.stage(self._key(upload_id), rows)

    def staged(self, upload_id: str, *, after: int, limit: int) -> list[DeviceRow]:
        """Give at most `limit` staged rows behind row `after`, in order of row."""
        return self._waiting.staged(self._key(upload_id), after=after, limit=limit)

    def unstage(self, upload_id: str, *, through: int) -> None:
        """Forget the staged rows up to row `through`."""
        self._waiting.unstage(self._key(upload_id), through=through)

    def list(self, profile_id: str, *, after: Cursor | None, limit: int) -> list[Upload]:
        """Give at most `limit` uploads behind `after` (create_time, upload_id), newest first."""
        query = _JOINED.where(ProfileTable.profile_id == profile_id)
        if after is not None:
            create_time, upload_id = after
            query = query.where(
                (UploadTable.create_time < create_time)
                | ((UploadTable.create_time == create_time) & (UploadTable.upload_id > upload_id))
            )
        query = query.order_by(UploadTable.create_time.desc(), UploadTable.upload_id).limit(limit)
        return [upload_rows.upload(row) for row in query.dicts().execute(self._database)]

    def devices_of(self, upload_id: str) -> DeviceCounts:
        """Count the devices that the upload put in and was the last to write, closed or not."""
        parameters = (self._key(upload_id),)
        return DeviceCounts(*self._database.execute_sql(_DEVICES_OF, parameters).fetchone())

    def stayed_of(self, upload_id: str) -> int:
        """Count the REGISTERED devices that an ended upload was the last to write."""
        return int(self._database.execute_sql(_STAYED_OF, (upload_id,)).fetchone()[0])

    def discard(self, upload_id: str, now: datetime) -> None:
        """Make the upload DISCARDED, whatever it was."""
        UploadTable.update(
            state=str(UploadState.DISCARDED), failure_reason="", update_time=now
        ).where(UploadTable.upload_id == upload_id).execute(self._database)

    def _key(self, upload_id: str) -> int:
        key = upload_key(self._database, upload_id)
        assert key is not None, "whoever refers to an upload has looked for it before"
        return key


def _held(upload: Upload) -> tuple[str, int, str]:
    """Give the parameters of _HELD."""
    return upload.upload_id, upload.epoch, upload.profile_id

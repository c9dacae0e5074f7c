"""Takes back what was put on the roll: an upload, or a profile with all it holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollbook_server.domain import audit, etags, profiles, uploads
from rollbook_server.domain.audit import Action, Subject
from rollbook_server.domain.errors import Reason, RollbookError
from rollbook_server.domain.uploads import UploadState

if TYPE_CHECKING:
    from datetime import datetime

    from rollbook_server.domain.ports import Roll
    from rollbook_server.domain.uploads import Upload


@dataclass(frozen=True, slots=True)
class Discarded:
    """An upload that was taken back, and how many of its devices went and stayed."""

    upload: Upload
    removed_count: int
    kept_count: int


def discard_upload(roll: Roll, upload_id: str, now: datetime) -> Discarded:
    """Take an upload back, whatever its state: its PENDING devices are gone at once.

    What they leave in the database is to be swept up. To discard it again removes
    nothing. Raises RollbookError with UPLOAD_NOT_FOUND.
    """
    upload = uploads.get(roll, upload_id)
    removed, kept = _going_and_staying(roll, upload)
    if upload.state is not UploadState.DISCARDED:
        roll.uploads.discard(upload_id, now)
        subject = Subject(upload.profile_id, resource_id=upload_id)
        told = {"removed_count": removed, "kept_count": kept}
        audit.tell(roll, Action.DISCARD_UPLOAD, now, subject, told)
    if removed:
        roll.profiles.move_counts(upload.profile_id, now, pending=-removed, registered=0)
    return Discarded(uploads.get(roll, upload_id), removed, kept)


def _going_and_staying(roll: Roll, upload: Upload) -> tuple[int, int]:
    """Count the devices that go with an upload and those that stay: of an ended one, none goes.

    Nor of one that is all or nothing before its end: whatever it has is not on the roll.
    """
    if upload.options.is_all_or_nothing and upload.state is UploadState.OPEN:
        return 0, 0
    if upload.state in (UploadState.FAILED, UploadState.DISCARDED):
        return 0, roll.uploads.stayed_of(upload.upload_id)
    held = roll.uploads.devices_of(upload.upload_id)
    return held.pending, held.registered


def delete_profile(roll: Roll, profile_id: str, etag: str, now: datetime, *, force: bool) -> int:
    """Delete a profile with its devices, uploads and tokens; gives how many devices went.

    What they leave in the database is to be swept up. Raises RollbookError with
    PROFILE_NOT_FOUND, ETAG_MISSING or ETAG_MISMATCH.
    """
    profile = profiles.get(roll, profile_id)
    if not etag and not force:
        raise RollbookError(
            Reason.ETAG_MISSING,
            f"To delete profile {profile.name!r} with its {profile.device_count} devices, send "
            "the etag that it has now, or force.",
            profile_id=profile_id,
            device_count=profile.device_count,
        )
    if not force:
        etags.check(etag, profile.revision, f"Profile {profile.name!r}")
    roll.leftovers.end_profile(profile_id)
    told = {"name": profile.name, "device_count": profile.device_count}
    audit.tell(roll, Action.DELETE_PROFILE, now, Subject(profile_id), told)
    return profile.device_count

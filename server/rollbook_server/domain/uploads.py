"""Uploads: their state, their position, and the rules of opening and ending one.

The rows themselves are settled in `batches`; the stream is led by
`upload_sessions`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, cast

from rollbook_server.domain import audit, profiles, upload_checks, upload_errors
from rollbook_server.domain.audit import Action, Subject
from rollbook_server.domain.columns import Columns
from rollbook_server.domain.errors import Reason, RollbookError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from rollbook_server.domain.devices import RowError
    from rollbook_server.domain.ports import Roll
    from rollbook_server.domain.upload_options import UploadOptions


class UploadState(StrEnum):
    """Where an upload stands; see `UploadState` in the contract."""

    OPEN = "OPEN"
    FINISHED = "FINISHED"
    FAILED = "FAILED"
    DISCARDED = "DISCARDED"


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows by what became of them."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0

    def __add__(self, other: Counts) -> Counts:
        """Give the sums."""
        return Counts(
            self.created + other.created,
            self.updated + other.updated,
            self.unchanged + other.unchanged,
            self.rejected + other.rejected,
        )

    @property
    def total(self) -> int:
        """All rows."""
        return self.created + self.updated + self.unchanged + self.rejected


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an upload is durably taken in.

    `reader` is the snapshot with which reading goes on there; None before the
    header is known and for typed rows.
    """

    offset: int = 0
    rows: int = 0
    crc32: int = 0
    reader: Mapping[str, object] | None = None

    @property
    def of_csv(self) -> bool:
        """Tell what kind of content was taken in, if any was."""
        return self.reader is not None

    def columns(self) -> Columns | None:
        """Tell how the columns of the file were understood, once its header is read."""
        stored = self.reader.get("columns") if self.reader else None
        return Columns.from_dict(cast("Mapping[str, Any]", stored)) if stored else None


@dataclass(frozen=True, slots=True)
class Upload:
    """One CSV file, or stream of rows, on its way into a profile.

    `epoch` counts the streams that took it up: only the latest may go on.
    """

    options: UploadOptions
    create_time: datetime
    update_time: datetime
    state: UploadState = UploadState.OPEN
    epoch: int = 1
    counts: Counts = Counts()
    progress: Progress = Progress()
    failure_reason: str = ""
    errors: Sequence[RowError] = ()

    @property
    def upload_id(self) -> str:
        """The name the client chose."""
        return self.options.upload_id

    @property
    def profile_id(self) -> str:
        """The profile the rows go to."""
        return self.options.profile_id


def open_upload(roll: Roll, options: UploadOptions, now: datetime) -> Upload:
    """Begin an upload, or take up the one that has this id.

    An OPEN upload is taken from whichever stream had it before; a FINISHED one
    is given as it is. Raises RollbookError with UPLOAD_ID_INVALID, FIELD_INVALID,
    PROFILE_NOT_FOUND, UPLOAD_MISMATCH, UPLOAD_FAILED or UPLOAD_DISCARDED.
    """
    upload_checks.check_options(options)
    profiles.get(roll, options.profile_id)
    upload = roll.uploads.get(options.upload_id)
    if upload is None:
        upload = Upload(options=options, create_time=now, update_time=now)
        roll.uploads.add(upload)
        _tell(roll, Action.OPEN_UPLOAD, upload, now)
        return upload
    upload_checks.check_same(upload.options, options)
    if upload.state is UploadState.FINISHED:
        return get(roll, upload.upload_id)
    _check_open(upload)
    return roll.uploads.take_up(upload)


def get(roll: Roll, upload_id: str) -> Upload:
    """Give an upload with its first errors, or raise RollbookError with UPLOAD_NOT_FOUND."""
    upload = roll.uploads.get(upload_id)
    if upload is None:
        raise _not_found(upload_id)
    return replace(upload, errors=upload_errors.first(roll, upload_id))


def stored(roll: Roll, upload: Upload) -> Upload:
    """Give an upload that is there as it stands now, without its errors."""
    return roll.uploads.get(upload.upload_id) or upload


def _not_found(upload_id: str) -> RollbookError:
    return RollbookError(
        Reason.UPLOAD_NOT_FOUND,
        f"There is no upload {upload_id!r}; it was never opened, or its profile was deleted.",
        upload_id=upload_id,
    )


def attribute_columns(roll: Roll, upload: Upload) -> Sequence[str]:
    """Name the attribute columns of the upload's file, in their order; none for typed rows."""
    columns = stored(roll, upload).progress.columns()
    return columns.attribute_names if columns else ()


def finish(roll: Roll, upload: Upload, now: datetime) -> Upload:
    """End an upload whose rows are all taken in: FINISHED, or FAILED under FAIL.

    Raises RollbookError as `check_held` does.
    """
    state, reason = UploadState.FINISHED, ""
    stood = stored(roll, upload)
    if stood.options.is_all_or_nothing and stood.counts.rejected:
        state, reason = UploadState.FAILED, Reason.UPLOAD_HAS_INVALID_ROWS
    end(roll, upload, state, now, reason)
    return get(roll, upload.upload_id)


def end(
    roll: Roll, upload: Upload, state: UploadState, now: datetime, failure_reason: str = ""
) -> None:
    """Give an upload its last state; what it leaves behind is swept up later.

    The PENDING devices of one that FAILED are gone from now on. Raises RollbookError
    as `check_held` does.
    """
    check_held(roll, upload)
    roll.uploads.end(upload, state, failure_reason, now)
    if state is UploadState.FAILED and not upload.options.is_all_or_nothing:
        _uncount(roll, upload, now)
    action = Action.FAIL_UPLOAD if state is UploadState.FAILED else Action.FINISH_UPLOAD
    _tell(roll, action, stored(roll, upload), now)


def _tell(roll: Roll, action: Action, upload: Upload, now: datetime) -> None:
    """Tell a step of an upload, with what its rows did."""
    subject, reason = Subject(upload.profile_id, "", upload.upload_id), upload.failure_reason
    told: dict[str, object] = {"dry_run": "yes" if upload.options.validate_only else ""}
    if action is not Action.OPEN_UPLOAD:
        told |= {f"{name}_count": count for name, count in asdict(upload.counts).items()}
    audit.tell(roll, action, now, subject, told, reason=reason or audit.DONE)


def _uncount(roll: Roll, upload: Upload, now: datetime) -> None:
    gone = roll.uploads.devices_of(upload.upload_id).pending
    if gone:
        roll.profiles.move_counts(upload.profile_id, now, pending=-gone, registered=0)


def check_held(roll: Roll, upload: Upload, at: Progress | None = None) -> None:
    """Raise RollbookError if the upload is not that stream's own any more.

    With UPLOAD_SUPERSEDED if a later stream took it up, UPLOAD_DISCARDED or
    UPLOAD_FAILED if it ended, UPLOAD_NOT_FOUND if its profile was deleted; with
    UPLOAD_GAP if it does not stand `at` a position where it is said to.
    """
    if roll.uploads.holds(upload, at):
        return
    stood = get(roll, upload.upload_id)
    if stood.profile_id != upload.profile_id:
        raise _not_found(upload.upload_id)
    if stood.state is not UploadState.FINISHED:
        _check_open(stood)
    raise _gap(stood) if roll.uploads.holds(upload) else _superseded(stood)


def _superseded(upload: Upload) -> RollbookError:
    return RollbookError(
        Reason.UPLOAD_SUPERSEDED,
        f"A later stream took upload {upload.upload_id} over; this one ends. Nothing is lost.",
        upload_id=upload.upload_id,
    )


def _gap(upload: Upload) -> RollbookError:
    return RollbookError(
        Reason.UPLOAD_GAP,
        f"Rows before these were not kept; upload {upload.upload_id} goes on at its position.",
        upload_id=upload.upload_id,
    )


def check_grows(roll: Roll, upload: Upload) -> None:
    """Raise RollbookError if the rows that were set aside are being put on the roll already.

    That was begun because the client finished the upload; it may not grow any more.
    """
    if not upload.options.is_set_aside:
        return
    counts = stored(roll, upload).counts
    if counts.created or counts.updated or counts.unchanged:
        raise RollbookError(
            Reason.UPLOAD_SOURCE_CHANGED,
            f"Upload {upload.upload_id} was finished before, and its rows are being put on the "
            "roll: finish it with the same content, and upload what is new on its own.",
            upload_id=upload.upload_id,
        )


def _check_open(upload: Upload) -> None:
    if upload.state is UploadState.OPEN:
        return
    failed = upload.state is UploadState.FAILED
    raise RollbookError(
        Reason.UPLOAD_FAILED if failed else Reason.UPLOAD_DISCARDED,
        f"Upload {upload.upload_id} {'failed' if failed else 'was discarded'} before; "
        "begin a new one with another upload_id.",
        upload_id=upload.upload_id,
        failure_reason=upload.failure_reason,
    )

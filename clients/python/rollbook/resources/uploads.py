"""Uploads, and what became of their rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from rollbook.words import OnConflict, OnInvalidRow, UploadState


@dataclass(frozen=True, slots=True)
class RowError:
    """What was wrong with one row, in words for the person who has to mend it.

    `row` 1 is the first row after the header, `line` 1 the first line of the file.
    `values` are the cells as they were uploaded.
    """

    row: int
    line: int
    column: str
    reason: str
    message: str
    device_id: str
    values: tuple[str, ...]
    suggestion: str


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """How one column of the file was understood."""

    column: str
    field: str


@dataclass(frozen=True, slots=True)
class Upload:
    """One CSV file, or stream of rows, on its way into a profile.

    The `committed_*` fields say how much is durable. `errors` are the first row
    errors, at most 100; `AdminClient.list_upload_errors` gives all.
    """

    upload_id: str
    profile_id: str
    file_name: str
    state: UploadState
    validate_only: bool
    row_count: int
    created_count: int
    updated_count: int
    unchanged_count: int
    rejected_count: int
    committed_offset: int
    committed_rows: int
    committed_crc32: int
    errors: tuple[RowError, ...]
    create_time: datetime | None
    update_time: datetime | None
    on_invalid_row: OnInvalidRow
    on_conflict: OnConflict
    columns: tuple[ColumnMapping, ...]
    dialect: str
    failure_reason: str


@dataclass(frozen=True, slots=True)
class DiscardedUpload:
    """An upload that was taken back; registered devices stay."""

    upload: Upload
    removed_count: int
    kept_count: int


@dataclass(frozen=True, slots=True)
class UploadProgress:
    """How far an upload is.

    `committed_*` is what the server last said is durable; it is asked every second, over
    a second connection. `sent_*` counts what was handed to the first, whose buffers may
    hold megabytes: on a slow network neither a rate nor the time left can be told from it.
    Bytes are 0 for typed rows; totals are None where nothing knows them beforehand.
    `streams` counts the streams used so far: above 1, the upload was resumed.
    `committed_is_known` is false for keys that the server does not tell, until the end.
    """

    upload_id: str
    sent_bytes: int
    total_bytes: int | None
    sent_rows: int
    total_rows: int | None
    committed_bytes: int
    committed_rows: int
    streams: int
    committed_is_known: bool = True

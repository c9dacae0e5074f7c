"""Uploads between the domain's form and the database's: pure conversion."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rollbook_server.domain.upload_options import OnConflict, OnInvalidRow, UploadOptions
from rollbook_server.domain.uploads import Counts, Progress, Upload, UploadState

if TYPE_CHECKING:
    from collections.abc import Mapping


def values(upload: Upload) -> dict[str, Any]:
    """Give the columns of a new upload, but for its profile."""
    options = upload.options
    return {
        "upload_id": options.upload_id,
        "file_name": options.file_name,
        "on_invalid_row": str(options.on_invalid_row),
        "on_conflict": str(options.on_conflict),
        "validate_only": options.validate_only,
        "column_mapping": json.dumps(dict(options.column_mapping), ensure_ascii=False),
        "state": str(upload.state),
        "create_time": upload.create_time,
        "update_time": upload.update_time,
    }


def position(progress: Progress) -> tuple[Any, ...]:
    """Give what is stored of a position: offset, rows, CRC-32 and reader."""
    reader = progress.reader
    text = None if reader is None else json.dumps(reader, ensure_ascii=False)
    return progress.offset, progress.rows, progress.crc32, text


def counts(counts: Counts) -> dict[str, Any]:
    """Give the columns of counts."""
    return {
        "created_count": counts.created,
        "updated_count": counts.updated,
        "unchanged_count": counts.unchanged,
        "rejected_count": counts.rejected,
    }


def upload(row: Mapping[str, Any]) -> Upload:
    """Give the upload of a row that has its profile_id joined to it."""
    return Upload(
        options=_options(row),
        create_time=row["create_time"],
        update_time=row["update_time"],
        state=UploadState(row["state"]),
        epoch=row["epoch"],
        counts=Counts(
            row["created_count"],
            row["updated_count"],
            row["unchanged_count"],
            row["rejected_count"],
        ),
        progress=_progress(row),
        failure_reason=row["failure_reason"],
    )


def _options(row: Mapping[str, Any]) -> UploadOptions:
    return UploadOptions(
        upload_id=row["upload_id"],
        profile_id=row["profile_id"],
        file_name=row["file_name"],
        on_invalid_row=OnInvalidRow(row["on_invalid_row"]),
        on_conflict=OnConflict(row["on_conflict"]),
        validate_only=row["validate_only"],
        column_mapping=json.loads(row["column_mapping"]),
    )


def _progress(row: Mapping[str, Any]) -> Progress:
    reader = row["reader"]
    return Progress(
        offset=row["committed_offset"],
        rows=row["committed_rows"],
        crc32=row["committed_crc32"],
        reader=None if reader is None else json.loads(reader),
    )

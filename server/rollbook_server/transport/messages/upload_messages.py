"""Uploads and their row errors between messages and the domain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollbook.v1 import upload_pb2
from rollbook_server.domain.upload_options import OnConflict, OnInvalidRow, UploadOptions
from rollbook_server.transport.messages.enums import wire, word
from rollbook_server.transport.messages.times import timestamp

if TYPE_CHECKING:
    from rollbook.v1 import device_service_pb2
    from rollbook_server.domain.devices import RowError
    from rollbook_server.domain.uploads import Upload


def upload_options(message: device_service_pb2.UploadOpen) -> UploadOptions:
    """Read how an upload is opened."""
    return UploadOptions(
        upload_id=message.upload_id,
        profile_id=message.profile_id,
        file_name=message.file_name,
        on_invalid_row=word(message, "on_invalid_row", OnInvalidRow, OnInvalidRow.SKIP),
        on_conflict=word(message, "on_conflict", OnConflict, OnConflict.REJECT),
        validate_only=message.validate_only,
        column_mapping=dict(message.column_mapping),
    )


def upload(value: Upload) -> upload_pb2.Upload:
    """Write an upload."""
    options, counts, progress = value.options, value.counts, value.progress
    columns = progress.columns()
    return upload_pb2.Upload(
        upload_id=options.upload_id,
        profile_id=options.profile_id,
        file_name=options.file_name,
        state=wire(upload_pb2.UploadState, value.state),
        validate_only=options.validate_only,
        row_count=counts.total,
        created_count=counts.created,
        updated_count=counts.updated,
        unchanged_count=counts.unchanged,
        rejected_count=counts.rejected,
        committed_offset=progress.offset,
        committed_rows=progress.rows,
        committed_crc32=progress.crc32,
        errors=[row_error(error) for error in value.errors],
        create_time=timestamp(value.create_time),
        update_time=timestamp(value.update_time),
        on_invalid_row=wire(upload_pb2.OnInvalidRow, options.on_invalid_row),
        on_conflict=wire(upload_pb2.OnConflict, options.on_conflict),
        columns=[upload_pb2.ColumnMapping(column=c, field=f) for c, f in columns.mapping()]
        if columns
        else [],
        dialect=columns.dialect if columns else "",
        failure_reason=value.failure_reason,
    )


def row_error(error: RowError) -> upload_pb2.RowError:
    """Write what was wrong with a row."""
    return upload_pb2.RowError(
        row=error.row,
        line=error.line,
        column=error.column,
        reason=str(error.reason),
        message=error.message,
        device_id=error.device_id,
        values=error.values,
        suggestion=error.suggestion,
    )

"""Messages to domain values and back: the one module that knows both.

Wire values are always written with their module (`profile_pb2.Profile`); a bare
name is the domain's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.protobuf import timestamp_pb2

from rollbook.v1 import (
    device_service_pb2,
    enrollment_service_pb2,
    profile_pb2,
    profile_service_pb2,
    token_pb2,
    upload_pb2,
)
from rollbook_server.domain.profiles import (
    NewProfile,
    Profile,
    ProfileOrder,
    ProfileOrigin,
    ProfileQuery,
    ProfileType,
)
from rollbook_server.domain.sources import TypedRow
from rollbook_server.domain.uploads import OnConflict, OnInvalidRow, Upload, UploadOptions
from rollbook_server.transport.configurations import configuration_in, configuration_out
from rollbook_server.transport.enums import wire, word

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from rollbook.v1 import device_pb2
    from rollbook_server.domain.devices import RowError
    from rollbook_server.domain.enrollment import Decision
    from rollbook_server.domain.tokens import Token


def timestamp(instant: datetime | None) -> timestamp_pb2.Timestamp | None:
    """Give the message; None stays absent."""
    if instant is None:
        return None
    message = timestamp_pb2.Timestamp()
    message.FromDatetime(instant)
    return message


def new_profile(request: profile_service_pb2.CreateProfileRequest) -> NewProfile:
    """Read what an administrator says of a new profile."""
    return NewProfile(
        name=request.name,
        description=request.description,
        type=word(request, "type", ProfileType, ProfileType.SELF_MAINTAINED),
        origin=word(request, "origin", ProfileOrigin, ProfileOrigin.CSV),
        tokenless=request.tokenless,
        user_id=request.user_id,
        configuration=configuration_in(request.configuration),
    )


def profile_query(request: profile_service_pb2.ListProfilesRequest) -> ProfileQuery:
    """Read which profiles to list."""
    return ProfileQuery(
        name_contains=request.name_contains,
        user_id=request.user_id,
        order=word(request, "order", ProfileOrder, ProfileOrder.NAME),
    )


def profile(value: Profile) -> profile_pb2.Profile:
    """Write a profile."""
    return profile_pb2.Profile(
        profile_id=value.profile_id,
        name=value.name,
        description=value.description,
        type=wire(profile_pb2.ProfileType, value.type),
        origin=wire(profile_pb2.ProfileOrigin, value.origin),
        tokenless=value.tokenless,
        user_id=value.user_id,
        device_count=value.device_count,
        registered_count=value.registered_count,
        pending_count=value.pending_count,
        configuration=configuration_out(value.configuration),
        create_time=timestamp(value.create_time),
        update_time=timestamp(value.update_time),
        devices_update_time=timestamp(value.devices_update_time),
        etag=etag(value.revision),
    )


def etag(revision: int) -> str:
    """Give the opaque form of a revision."""
    return f'"{revision}"'


def token(value: Token, now: datetime) -> token_pb2.Token:
    """Write a token as it stands at that instant."""
    return token_pb2.Token(
        token_id=value.token_id,
        profile_id=value.profile_id,
        obfuscated_value=value.obfuscated_value,
        state=wire(token_pb2.TokenState, value.state(now)),
        create_time=timestamp(value.create_time),
        expire_time=timestamp(value.expire_time),
        use_count=value.use_count,
        last_use_time=timestamp(value.last_use_time),
    )


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


def typed_rows(rows: Sequence[device_pb2.DeviceRow]) -> list[TypedRow]:
    """Read rows that a service sent as fields."""
    return [
        TypedRow(
            row.imei,
            row.imei2,
            row.serial_number,
            row.manufacturer,
            dict(row.attributes),
            row.source_line,
        )
        for row in rows
    ]


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


def enrollment(decision: Decision) -> enrollment_service_pb2.EnrollDeviceResponse:
    """Write what a device is told: of a refusal nothing but the outcome."""
    outcome = wire(enrollment_service_pb2.EnrollOutcome, decision.outcome)
    device, owner = decision.device, decision.profile
    if device is None or owner is None:
        return enrollment_service_pb2.EnrollDeviceResponse(
            outcome=outcome, sign_in_available=decision.sign_in_available
        )
    return enrollment_service_pb2.EnrollDeviceResponse(
        outcome=outcome,
        device_id=device.device_id,
        profile_id=device.profile_id,
        attributes=dict(device.attributes),
        configuration=configuration_out(owner.configuration),
    )

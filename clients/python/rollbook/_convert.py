"""Messages of `rollbook.v1` to values, and values to messages; nothing else does it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from google.protobuf import field_mask_pb2

from rollbook import _enums, _extras, resources, words
from rollbook.v1 import (
    access_service_pb2,
    configuration_pb2,
    device_pb2,
    device_service_pb2,
    enrollment_service_pb2,
    profile_pb2,
    token_pb2,
    upload_pb2,
    user_service_pb2,
)

if TYPE_CHECKING:
    from google.protobuf import timestamp_pb2
    from google.protobuf.message import Message

    from rollbook.v1 import token_service_pb2

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NANOSECONDS = 1000  # in a microsecond


def configuration(message: configuration_pb2.Configuration) -> resources.Configuration:
    """Give a configuration as a value."""
    return resources.Configuration(
        vendor_keys=_extras.from_struct(message.vendor_keys),
        system_extras=_extras.from_system_extras(message.system_extras),
        custom_system_keys=_extras.from_struct(message.custom_system_keys),
    )


def configuration_message(
    value: resources.Configuration | None,
) -> configuration_pb2.Configuration | None:
    """Give a configuration as a message."""
    if value is None:
        return None
    return configuration_pb2.Configuration(
        vendor_keys=_extras.struct(value.vendor_keys, "vendor_keys"),
        system_extras=_extras.system_extras(value.system_extras),
        custom_system_keys=_extras.struct(value.custom_system_keys, "custom_system_keys"),
    )


def profile(message: profile_pb2.Profile) -> resources.Profile:
    """Give a profile as a value."""
    return resources.Profile(
        profile_id=message.profile_id,
        name=message.name,
        description=message.description,
        type=words.ProfileType(_enums.word(profile_pb2.ProfileType.DESCRIPTOR, message.type)),
        origin=words.ProfileOrigin(
            _enums.word(profile_pb2.ProfileOrigin.DESCRIPTOR, message.origin)
        ),
        tokenless=message.tokenless,
        user_id=message.user_id,
        device_count=message.device_count,
        registered_count=message.registered_count,
        pending_count=message.pending_count,
        configuration=configuration(message.configuration),
        create_time=_time(message, "create_time"),
        update_time=_time(message, "update_time"),
        devices_update_time=_time(message, "devices_update_time"),
        etag=message.etag,
        user_name=message.user_name,
    )


def upload(message: upload_pb2.Upload) -> resources.Upload:
    """Give an upload with its first row errors as a value."""
    return resources.Upload(
        upload_id=message.upload_id,
        profile_id=message.profile_id,
        file_name=message.file_name,
        state=words.UploadState(_enums.word(upload_pb2.UploadState.DESCRIPTOR, message.state)),
        validate_only=message.validate_only,
        row_count=message.row_count,
        created_count=message.created_count,
        updated_count=message.updated_count,
        unchanged_count=message.unchanged_count,
        rejected_count=message.rejected_count,
        committed_offset=message.committed_offset,
        committed_rows=message.committed_rows,
        committed_crc32=message.committed_crc32,
        errors=tuple(row_error(each) for each in message.errors),
        create_time=_time(message, "create_time"),
        update_time=_time(message, "update_time"),
        on_invalid_row=words.OnInvalidRow(
            _enums.word(upload_pb2.OnInvalidRow.DESCRIPTOR, message.on_invalid_row)
        ),
        on_conflict=words.OnConflict(
            _enums.word(upload_pb2.OnConflict.DESCRIPTOR, message.on_conflict)
        ),
        columns=tuple(
            resources.ColumnMapping(column=each.column, field=each.field)
            for each in message.columns
        ),
        dialect=message.dialect,
        failure_reason=message.failure_reason,
    )


def discarded_upload(
    message: device_service_pb2.DiscardUploadResponse,
) -> resources.DiscardedUpload:
    """Give an upload that was taken back as a value."""
    return resources.DiscardedUpload(
        upload=upload(message.upload),
        removed_count=message.removed_count,
        kept_count=message.kept_count,
    )


def row_error(message: upload_pb2.RowError) -> resources.RowError:
    """Give a row error as a value."""
    return resources.RowError(
        row=message.row,
        line=message.line,
        column=message.column,
        reason=message.reason,
        message=message.message,
        device_id=message.device_id,
        values=tuple(message.values),
        suggestion=message.suggestion,
    )


_TEXTS = ("imei", "imei2", "serial_number", "manufacturer")


def device_row_message(value: resources.DeviceRow) -> device_pb2.DeviceRow:
    """Give a row of the uploader's as a message."""
    message = device_pb2.DeviceRow()
    fill_device_row(message, value)
    return message


def fill_device_row(message: device_pb2.DeviceRow, value: resources.DeviceRow) -> None:
    """Put a row of the uploader's into an empty message; raises TypeError naming a field."""
    try:
        _fill(message, value)
    except TypeError as error:  # protobuf names nothing; without the value, it may be an IMEI
        raise TypeError(misfit(value) or str(error)) from error


def misfit(value: resources.DeviceRow) -> str:
    """Say which field is of another type than it has to be, such as an INTEGER of a database."""
    fields = {name: getattr(value, name) for name in _TEXTS}
    for name, cell in value.attributes.items():
        fields |= {"the name of an attribute": name, f"attribute {name!r}": cell}
    wrong = (each for each in fields.items() if not isinstance(each[1], str))
    return next((f"{name} must be str, not {type(it).__name__}" for name, it in wrong), "")


def _fill(message: device_pb2.DeviceRow, value: resources.DeviceRow) -> None:
    """Go field by field, with nothing where nothing is: half the time of all at once."""
    message.imei = value.imei
    if value.imei2:
        message.imei2 = value.imei2
    message.serial_number = value.serial_number
    message.manufacturer = value.manufacturer
    attributes = message.attributes
    for name, cell in value.attributes.items():
        attributes[name] = cell
    if value.source_line:
        message.source_line = value.source_line


def device(message: device_pb2.Device) -> resources.Device:
    """Give a device as a value."""
    return resources.Device(
        device_id=message.device_id,
        profile_id=message.profile_id,
        imei=message.imei,
        imei2=message.imei2,
        serial_number=message.serial_number,
        manufacturer=message.manufacturer,
        attributes=dict(message.attributes),
        state=words.DeviceState(_enums.word(device_pb2.DeviceState.DESCRIPTOR, message.state)),
        upload_id=message.upload_id,
        source_line=message.source_line,
        create_time=_time(message, "create_time"),
        update_time=_time(message, "update_time"),
        register_time=_time(message, "register_time"),
        etag=message.etag,
        user_id=message.user_id,
    )


_CHANGEABLE = ("imei", "imei2", "serial_number", "manufacturer", "attributes")


def device_update_message(value: resources.DeviceUpdate) -> device_service_pb2.DeviceUpdate:
    """Give a change of a device as a message."""
    new = {name: getattr(value, name) for name in _CHANGEABLE if getattr(value, name) is not None}
    return device_service_pb2.DeviceUpdate(
        device=device_pb2.Device(device_id=value.device_id, etag=value.etag, **new),
        update_mask=field_mask_pb2.FieldMask(paths=new),
    )


def device_deletion_message(value: resources.Device | str) -> device_service_pb2.DeviceDeletion:
    """Give what names a device that shall go."""
    if isinstance(value, str):
        return device_service_pb2.DeviceDeletion(device_id=value)
    return device_service_pb2.DeviceDeletion(device_id=value.device_id, etag=value.etag)


def match_explanation(
    message: device_service_pb2.ExplainMatchResponse,
) -> resources.MatchExplanation:
    """Give what a device would be told, and why, as a value."""
    return resources.MatchExplanation(
        outcome=words.EnrollOutcome(
            _enums.word(enrollment_service_pb2.EnrollOutcome.DESCRIPTOR, message.outcome)
        ),
        rule=words.MatchRule(_enums.word(device_service_pb2.MatchRule.DESCRIPTOR, message.rule)),
        device=device(message.device) if message.HasField("device") else None,
        near_misses=tuple(map(near_miss, message.near_misses)),
    )


def near_miss(message: device_service_pb2.NearMiss) -> resources.NearMiss:
    """Give a device that matches in part as a value."""
    return resources.NearMiss(
        device=device(message.device),
        matching_fields=tuple(message.matching_fields),
        differing_fields=tuple(message.differing_fields),
        message=message.message,
    )


def token(message: token_pb2.Token) -> resources.Token:
    """Give a token as a value."""
    return resources.Token(
        token_id=message.token_id,
        profile_id=message.profile_id,
        obfuscated_value=message.obfuscated_value,
        state=words.TokenState(_enums.word(token_pb2.TokenState.DESCRIPTOR, message.state)),
        create_time=_time(message, "create_time"),
        expire_time=_time(message, "expire_time"),
        use_count=message.use_count,
        last_use_time=_time(message, "last_use_time"),
    )


def qr_code(message: token_service_pb2.GenerateQrCodeResponse) -> resources.QrCode:
    """Give a QR code as a value."""
    return resources.QrCode(
        image=message.image,
        media_type=message.media_type,
        payload=message.payload,
        warnings=tuple(message.warnings),
    )


def user(message: user_service_pb2.User) -> resources.User:
    """Give a user as a value."""
    return resources.User(
        user_id=message.user_id,
        user_name=message.user_name,
        display_name=message.display_name,
        email=message.email,
        disabled=message.disabled,
        create_time=_time(message, "create_time"),
        update_time=_time(message, "update_time"),
        etag=message.etag,
        can_sign_in=message.can_sign_in,
    )


def api_key(message: access_service_pb2.ApiKey) -> resources.ApiKey:
    """Give an API key as a value."""
    kind = access_service_pb2.Right.DESCRIPTOR
    return resources.ApiKey(
        api_key_id=message.api_key_id,
        display_name=message.display_name,
        role=words.Role(_enums.word(access_service_pb2.Role.DESCRIPTOR, message.role)),
        rights=tuple(words.Right(_enums.word(kind, right)) for right in message.rights),
        create_time=_time(message, "create_time"),
        expire_time=_time(message, "expire_time"),
        last_use_time=_time(message, "last_use_time"),
        revoke_time=_time(message, "revoke_time"),
    )


def created_api_key(message: access_service_pb2.CreateApiKeyResponse) -> resources.CreatedApiKey:
    """Give a new API key and its secret as a value."""
    return resources.CreatedApiKey(api_key=api_key(message.api_key), value=message.value)


def enrollment(
    message: enrollment_service_pb2.EnrollDeviceResponse
    | enrollment_service_pb2.SignInDeviceResponse,
) -> resources.Enrollment:
    """Give the decision about a device as a value."""
    return resources.Enrollment(
        outcome=words.EnrollOutcome(
            _enums.word(enrollment_service_pb2.EnrollOutcome.DESCRIPTOR, message.outcome)
        ),
        device_id=message.device_id,
        profile_id=message.profile_id,
        attributes=dict(message.attributes),
        user=_enrolled_user(message.user) if message.HasField("user") else None,
        configuration=(
            configuration(message.configuration) if message.HasField("configuration") else None
        ),
        # Whoever signed in is not asked to do so again.
        sign_in_available=isinstance(message, enrollment_service_pb2.EnrollDeviceResponse)
        and message.sign_in_available,
    )


def _enrolled_user(message: enrollment_service_pb2.EnrolledUser) -> resources.EnrolledUser:
    return resources.EnrolledUser(
        user_id=message.user_id, display_name=message.display_name, email=message.email
    )


def _time(message: Message, field: str) -> datetime | None:
    """Give a time of the message, to the microsecond; None if it is absent.

    ToDatetime takes longer, as do keywords, and lists are full of times.
    """
    if not message.HasField(field):
        return None
    time: timestamp_pb2.Timestamp = getattr(message, field)
    return _EPOCH + timedelta(0, time.seconds, time.nanos // _NANOSECONDS)

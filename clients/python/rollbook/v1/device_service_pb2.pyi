from google.protobuf import field_mask_pb2 as _field_mask_pb2
from rollbook.v1 import device_pb2 as _device_pb2
from rollbook.v1 import enrollment_service_pb2 as _enrollment_service_pb2
from rollbook.v1 import upload_pb2 as _upload_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class MatchRule(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MATCH_RULE_UNSPECIFIED: _ClassVar[MatchRule]
    MATCH_RULE_IMEI: _ClassVar[MatchRule]
    MATCH_RULE_SERIAL_AND_MANUFACTURER: _ClassVar[MatchRule]
    MATCH_RULE_NONE: _ClassVar[MatchRule]
    MATCH_RULE_AMBIGUOUS: _ClassVar[MatchRule]
    MATCH_RULE_TOKEN: _ClassVar[MatchRule]
MATCH_RULE_UNSPECIFIED: MatchRule
MATCH_RULE_IMEI: MatchRule
MATCH_RULE_SERIAL_AND_MANUFACTURER: MatchRule
MATCH_RULE_NONE: MatchRule
MATCH_RULE_AMBIGUOUS: MatchRule
MATCH_RULE_TOKEN: MatchRule

class UploadOpen(_message.Message):
    __slots__ = ("upload_id", "profile_id", "file_name", "on_invalid_row", "on_conflict", "validate_only", "column_mapping")
    class ColumnMappingEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    UPLOAD_ID_FIELD_NUMBER: _ClassVar[int]
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    FILE_NAME_FIELD_NUMBER: _ClassVar[int]
    ON_INVALID_ROW_FIELD_NUMBER: _ClassVar[int]
    ON_CONFLICT_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    COLUMN_MAPPING_FIELD_NUMBER: _ClassVar[int]
    upload_id: str
    profile_id: str
    file_name: str
    on_invalid_row: _upload_pb2.OnInvalidRow
    on_conflict: _upload_pb2.OnConflict
    validate_only: bool
    column_mapping: _containers.ScalarMap[str, str]
    def __init__(self, upload_id: _Optional[str] = ..., profile_id: _Optional[str] = ..., file_name: _Optional[str] = ..., on_invalid_row: _Optional[_Union[_upload_pb2.OnInvalidRow, str]] = ..., on_conflict: _Optional[_Union[_upload_pb2.OnConflict, str]] = ..., validate_only: bool = ..., column_mapping: _Optional[_Mapping[str, str]] = ...) -> None: ...

class UploadCsv(_message.Message):
    __slots__ = ("offset", "data")
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    offset: int
    data: bytes
    def __init__(self, offset: _Optional[int] = ..., data: _Optional[bytes] = ...) -> None: ...

class UploadRows(_message.Message):
    __slots__ = ("first_row", "rows")
    FIRST_ROW_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    first_row: int
    rows: _containers.RepeatedCompositeFieldContainer[_device_pb2.DeviceRow]
    def __init__(self, first_row: _Optional[int] = ..., rows: _Optional[_Iterable[_Union[_device_pb2.DeviceRow, _Mapping]]] = ...) -> None: ...

class UploadFinish(_message.Message):
    __slots__ = ("total_bytes", "total_rows", "crc32")
    TOTAL_BYTES_FIELD_NUMBER: _ClassVar[int]
    TOTAL_ROWS_FIELD_NUMBER: _ClassVar[int]
    CRC32_FIELD_NUMBER: _ClassVar[int]
    total_bytes: int
    total_rows: int
    crc32: int
    def __init__(self, total_bytes: _Optional[int] = ..., total_rows: _Optional[int] = ..., crc32: _Optional[int] = ...) -> None: ...

class UploadDevicesRequest(_message.Message):
    __slots__ = ("open", "csv", "rows", "finish")
    OPEN_FIELD_NUMBER: _ClassVar[int]
    CSV_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    FINISH_FIELD_NUMBER: _ClassVar[int]
    open: UploadOpen
    csv: UploadCsv
    rows: UploadRows
    finish: UploadFinish
    def __init__(self, open: _Optional[_Union[UploadOpen, _Mapping]] = ..., csv: _Optional[_Union[UploadCsv, _Mapping]] = ..., rows: _Optional[_Union[UploadRows, _Mapping]] = ..., finish: _Optional[_Union[UploadFinish, _Mapping]] = ...) -> None: ...

class UploadDevicesResponse(_message.Message):
    __slots__ = ("upload",)
    UPLOAD_FIELD_NUMBER: _ClassVar[int]
    upload: _upload_pb2.Upload
    def __init__(self, upload: _Optional[_Union[_upload_pb2.Upload, _Mapping]] = ...) -> None: ...

class GetUploadRequest(_message.Message):
    __slots__ = ("upload_id",)
    UPLOAD_ID_FIELD_NUMBER: _ClassVar[int]
    upload_id: str
    def __init__(self, upload_id: _Optional[str] = ...) -> None: ...

class GetUploadResponse(_message.Message):
    __slots__ = ("upload",)
    UPLOAD_FIELD_NUMBER: _ClassVar[int]
    upload: _upload_pb2.Upload
    def __init__(self, upload: _Optional[_Union[_upload_pb2.Upload, _Mapping]] = ...) -> None: ...

class ListUploadsRequest(_message.Message):
    __slots__ = ("profile_id", "page_size", "page_token")
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    profile_id: str
    page_size: int
    page_token: str
    def __init__(self, profile_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListUploadsResponse(_message.Message):
    __slots__ = ("uploads", "next_page_token")
    UPLOADS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    uploads: _containers.RepeatedCompositeFieldContainer[_upload_pb2.Upload]
    next_page_token: str
    def __init__(self, uploads: _Optional[_Iterable[_Union[_upload_pb2.Upload, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListUploadErrorsRequest(_message.Message):
    __slots__ = ("upload_id", "page_size", "page_token")
    UPLOAD_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    upload_id: str
    page_size: int
    page_token: str
    def __init__(self, upload_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListUploadErrorsResponse(_message.Message):
    __slots__ = ("errors", "next_page_token", "columns", "total_count")
    ERRORS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_COUNT_FIELD_NUMBER: _ClassVar[int]
    errors: _containers.RepeatedCompositeFieldContainer[_upload_pb2.RowError]
    next_page_token: str
    columns: _containers.RepeatedScalarFieldContainer[str]
    total_count: int
    def __init__(self, errors: _Optional[_Iterable[_Union[_upload_pb2.RowError, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., columns: _Optional[_Iterable[str]] = ..., total_count: _Optional[int] = ...) -> None: ...

class DiscardUploadRequest(_message.Message):
    __slots__ = ("upload_id", "request_id")
    UPLOAD_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    upload_id: str
    request_id: str
    def __init__(self, upload_id: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class DiscardUploadResponse(_message.Message):
    __slots__ = ("upload", "removed_count", "kept_count")
    UPLOAD_FIELD_NUMBER: _ClassVar[int]
    REMOVED_COUNT_FIELD_NUMBER: _ClassVar[int]
    KEPT_COUNT_FIELD_NUMBER: _ClassVar[int]
    upload: _upload_pb2.Upload
    removed_count: int
    kept_count: int
    def __init__(self, upload: _Optional[_Union[_upload_pb2.Upload, _Mapping]] = ..., removed_count: _Optional[int] = ..., kept_count: _Optional[int] = ...) -> None: ...

class GetUploadTemplateRequest(_message.Message):
    __slots__ = ("profile_id",)
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    profile_id: str
    def __init__(self, profile_id: _Optional[str] = ...) -> None: ...

class GetUploadTemplateResponse(_message.Message):
    __slots__ = ("data",)
    DATA_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    def __init__(self, data: _Optional[bytes] = ...) -> None: ...

class CreateDevicesRequest(_message.Message):
    __slots__ = ("profile_id", "devices", "request_id")
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    DEVICES_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    profile_id: str
    devices: _containers.RepeatedCompositeFieldContainer[_device_pb2.DeviceRow]
    request_id: str
    def __init__(self, profile_id: _Optional[str] = ..., devices: _Optional[_Iterable[_Union[_device_pb2.DeviceRow, _Mapping]]] = ..., request_id: _Optional[str] = ...) -> None: ...

class CreateDevicesResponse(_message.Message):
    __slots__ = ("devices",)
    DEVICES_FIELD_NUMBER: _ClassVar[int]
    devices: _containers.RepeatedCompositeFieldContainer[_device_pb2.Device]
    def __init__(self, devices: _Optional[_Iterable[_Union[_device_pb2.Device, _Mapping]]] = ...) -> None: ...

class GetDeviceRequest(_message.Message):
    __slots__ = ("device_id",)
    DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    device_id: str
    def __init__(self, device_id: _Optional[str] = ...) -> None: ...

class GetDeviceResponse(_message.Message):
    __slots__ = ("device",)
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    device: _device_pb2.Device
    def __init__(self, device: _Optional[_Union[_device_pb2.Device, _Mapping]] = ...) -> None: ...

class ListDevicesRequest(_message.Message):
    __slots__ = ("profile_id", "page_size", "page_token", "state", "identifier_prefix", "upload_id")
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    IDENTIFIER_PREFIX_FIELD_NUMBER: _ClassVar[int]
    UPLOAD_ID_FIELD_NUMBER: _ClassVar[int]
    profile_id: str
    page_size: int
    page_token: str
    state: _device_pb2.DeviceState
    identifier_prefix: str
    upload_id: str
    def __init__(self, profile_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., state: _Optional[_Union[_device_pb2.DeviceState, str]] = ..., identifier_prefix: _Optional[str] = ..., upload_id: _Optional[str] = ...) -> None: ...

class ListDevicesResponse(_message.Message):
    __slots__ = ("devices", "next_page_token")
    DEVICES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    devices: _containers.RepeatedCompositeFieldContainer[_device_pb2.Device]
    next_page_token: str
    def __init__(self, devices: _Optional[_Iterable[_Union[_device_pb2.Device, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class DeviceUpdate(_message.Message):
    __slots__ = ("device", "update_mask")
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    device: _device_pb2.Device
    update_mask: _field_mask_pb2.FieldMask
    def __init__(self, device: _Optional[_Union[_device_pb2.Device, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ...) -> None: ...

class UpdateDevicesRequest(_message.Message):
    __slots__ = ("updates", "request_id")
    UPDATES_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    updates: _containers.RepeatedCompositeFieldContainer[DeviceUpdate]
    request_id: str
    def __init__(self, updates: _Optional[_Iterable[_Union[DeviceUpdate, _Mapping]]] = ..., request_id: _Optional[str] = ...) -> None: ...

class UpdateDevicesResponse(_message.Message):
    __slots__ = ("devices",)
    DEVICES_FIELD_NUMBER: _ClassVar[int]
    devices: _containers.RepeatedCompositeFieldContainer[_device_pb2.Device]
    def __init__(self, devices: _Optional[_Iterable[_Union[_device_pb2.Device, _Mapping]]] = ...) -> None: ...

class DeviceDeletion(_message.Message):
    __slots__ = ("device_id", "etag")
    DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    device_id: str
    etag: str
    def __init__(self, device_id: _Optional[str] = ..., etag: _Optional[str] = ...) -> None: ...

class DeleteDevicesRequest(_message.Message):
    __slots__ = ("devices", "request_id")
    DEVICES_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    devices: _containers.RepeatedCompositeFieldContainer[DeviceDeletion]
    request_id: str
    def __init__(self, devices: _Optional[_Iterable[_Union[DeviceDeletion, _Mapping]]] = ..., request_id: _Optional[str] = ...) -> None: ...

class DeleteDevicesResponse(_message.Message):
    __slots__ = ("deleted_count",)
    DELETED_COUNT_FIELD_NUMBER: _ClassVar[int]
    deleted_count: int
    def __init__(self, deleted_count: _Optional[int] = ...) -> None: ...

class ExportDevicesRequest(_message.Message):
    __slots__ = ("profile_id",)
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    profile_id: str
    def __init__(self, profile_id: _Optional[str] = ...) -> None: ...

class ExportDevicesResponse(_message.Message):
    __slots__ = ("data",)
    DATA_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    def __init__(self, data: _Optional[bytes] = ...) -> None: ...

class ExplainMatchRequest(_message.Message):
    __slots__ = ("token", "imeis", "serial_number", "manufacturer")
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    IMEIS_FIELD_NUMBER: _ClassVar[int]
    SERIAL_NUMBER_FIELD_NUMBER: _ClassVar[int]
    MANUFACTURER_FIELD_NUMBER: _ClassVar[int]
    token: str
    imeis: _containers.RepeatedScalarFieldContainer[str]
    serial_number: str
    manufacturer: str
    def __init__(self, token: _Optional[str] = ..., imeis: _Optional[_Iterable[str]] = ..., serial_number: _Optional[str] = ..., manufacturer: _Optional[str] = ...) -> None: ...

class NearMiss(_message.Message):
    __slots__ = ("device", "matching_fields", "differing_fields", "message")
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    MATCHING_FIELDS_FIELD_NUMBER: _ClassVar[int]
    DIFFERING_FIELDS_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    device: _device_pb2.Device
    matching_fields: _containers.RepeatedScalarFieldContainer[str]
    differing_fields: _containers.RepeatedScalarFieldContainer[str]
    message: str
    def __init__(self, device: _Optional[_Union[_device_pb2.Device, _Mapping]] = ..., matching_fields: _Optional[_Iterable[str]] = ..., differing_fields: _Optional[_Iterable[str]] = ..., message: _Optional[str] = ...) -> None: ...

class ExplainMatchResponse(_message.Message):
    __slots__ = ("outcome", "rule", "device", "near_misses")
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    NEAR_MISSES_FIELD_NUMBER: _ClassVar[int]
    outcome: _enrollment_service_pb2.EnrollOutcome
    rule: MatchRule
    device: _device_pb2.Device
    near_misses: _containers.RepeatedCompositeFieldContainer[NearMiss]
    def __init__(self, outcome: _Optional[_Union[_enrollment_service_pb2.EnrollOutcome, str]] = ..., rule: _Optional[_Union[MatchRule, str]] = ..., device: _Optional[_Union[_device_pb2.Device, _Mapping]] = ..., near_misses: _Optional[_Iterable[_Union[NearMiss, _Mapping]]] = ...) -> None: ...

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class UploadState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    UPLOAD_STATE_UNSPECIFIED: _ClassVar[UploadState]
    UPLOAD_STATE_OPEN: _ClassVar[UploadState]
    UPLOAD_STATE_FINISHED: _ClassVar[UploadState]
    UPLOAD_STATE_FAILED: _ClassVar[UploadState]
    UPLOAD_STATE_DISCARDED: _ClassVar[UploadState]

class OnInvalidRow(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ON_INVALID_ROW_UNSPECIFIED: _ClassVar[OnInvalidRow]
    ON_INVALID_ROW_SKIP: _ClassVar[OnInvalidRow]
    ON_INVALID_ROW_FAIL: _ClassVar[OnInvalidRow]

class OnConflict(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ON_CONFLICT_UNSPECIFIED: _ClassVar[OnConflict]
    ON_CONFLICT_REJECT: _ClassVar[OnConflict]
    ON_CONFLICT_KEEP: _ClassVar[OnConflict]
    ON_CONFLICT_UPDATE: _ClassVar[OnConflict]
    ON_CONFLICT_MOVE: _ClassVar[OnConflict]
UPLOAD_STATE_UNSPECIFIED: UploadState
UPLOAD_STATE_OPEN: UploadState
UPLOAD_STATE_FINISHED: UploadState
UPLOAD_STATE_FAILED: UploadState
UPLOAD_STATE_DISCARDED: UploadState
ON_INVALID_ROW_UNSPECIFIED: OnInvalidRow
ON_INVALID_ROW_SKIP: OnInvalidRow
ON_INVALID_ROW_FAIL: OnInvalidRow
ON_CONFLICT_UNSPECIFIED: OnConflict
ON_CONFLICT_REJECT: OnConflict
ON_CONFLICT_KEEP: OnConflict
ON_CONFLICT_UPDATE: OnConflict
ON_CONFLICT_MOVE: OnConflict

class RowError(_message.Message):
    __slots__ = ("row", "line", "column", "reason", "message", "device_id", "values", "suggestion")
    ROW_FIELD_NUMBER: _ClassVar[int]
    LINE_FIELD_NUMBER: _ClassVar[int]
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    SUGGESTION_FIELD_NUMBER: _ClassVar[int]
    row: int
    line: int
    column: str
    reason: str
    message: str
    device_id: str
    values: _containers.RepeatedScalarFieldContainer[str]
    suggestion: str
    def __init__(self, row: _Optional[int] = ..., line: _Optional[int] = ..., column: _Optional[str] = ..., reason: _Optional[str] = ..., message: _Optional[str] = ..., device_id: _Optional[str] = ..., values: _Optional[_Iterable[str]] = ..., suggestion: _Optional[str] = ...) -> None: ...

class ColumnMapping(_message.Message):
    __slots__ = ("column", "field")
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    column: str
    field: str
    def __init__(self, column: _Optional[str] = ..., field: _Optional[str] = ...) -> None: ...

class Upload(_message.Message):
    __slots__ = ("upload_id", "profile_id", "file_name", "state", "validate_only", "row_count", "created_count", "updated_count", "unchanged_count", "rejected_count", "committed_offset", "committed_rows", "committed_crc32", "errors", "create_time", "update_time", "on_invalid_row", "on_conflict", "columns", "dialect", "failure_reason")
    UPLOAD_ID_FIELD_NUMBER: _ClassVar[int]
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    FILE_NAME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    ROW_COUNT_FIELD_NUMBER: _ClassVar[int]
    CREATED_COUNT_FIELD_NUMBER: _ClassVar[int]
    UPDATED_COUNT_FIELD_NUMBER: _ClassVar[int]
    UNCHANGED_COUNT_FIELD_NUMBER: _ClassVar[int]
    REJECTED_COUNT_FIELD_NUMBER: _ClassVar[int]
    COMMITTED_OFFSET_FIELD_NUMBER: _ClassVar[int]
    COMMITTED_ROWS_FIELD_NUMBER: _ClassVar[int]
    COMMITTED_CRC32_FIELD_NUMBER: _ClassVar[int]
    ERRORS_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    ON_INVALID_ROW_FIELD_NUMBER: _ClassVar[int]
    ON_CONFLICT_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    DIALECT_FIELD_NUMBER: _ClassVar[int]
    FAILURE_REASON_FIELD_NUMBER: _ClassVar[int]
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
    errors: _containers.RepeatedCompositeFieldContainer[RowError]
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    on_invalid_row: OnInvalidRow
    on_conflict: OnConflict
    columns: _containers.RepeatedCompositeFieldContainer[ColumnMapping]
    dialect: str
    failure_reason: str
    def __init__(self, upload_id: _Optional[str] = ..., profile_id: _Optional[str] = ..., file_name: _Optional[str] = ..., state: _Optional[_Union[UploadState, str]] = ..., validate_only: bool = ..., row_count: _Optional[int] = ..., created_count: _Optional[int] = ..., updated_count: _Optional[int] = ..., unchanged_count: _Optional[int] = ..., rejected_count: _Optional[int] = ..., committed_offset: _Optional[int] = ..., committed_rows: _Optional[int] = ..., committed_crc32: _Optional[int] = ..., errors: _Optional[_Iterable[_Union[RowError, _Mapping]]] = ..., create_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., on_invalid_row: _Optional[_Union[OnInvalidRow, str]] = ..., on_conflict: _Optional[_Union[OnConflict, str]] = ..., columns: _Optional[_Iterable[_Union[ColumnMapping, _Mapping]]] = ..., dialect: _Optional[str] = ..., failure_reason: _Optional[str] = ...) -> None: ...

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from rollbook.v1 import configuration_pb2 as _configuration_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ProfileType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PROFILE_TYPE_UNSPECIFIED: _ClassVar[ProfileType]
    PROFILE_TYPE_SELF_MAINTAINED: _ClassVar[ProfileType]

class ProfileOrigin(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PROFILE_ORIGIN_UNSPECIFIED: _ClassVar[ProfileOrigin]
    PROFILE_ORIGIN_CSV: _ClassVar[ProfileOrigin]
    PROFILE_ORIGIN_SINGLE_DEVICE: _ClassVar[ProfileOrigin]
PROFILE_TYPE_UNSPECIFIED: ProfileType
PROFILE_TYPE_SELF_MAINTAINED: ProfileType
PROFILE_ORIGIN_UNSPECIFIED: ProfileOrigin
PROFILE_ORIGIN_CSV: ProfileOrigin
PROFILE_ORIGIN_SINGLE_DEVICE: ProfileOrigin

class Profile(_message.Message):
    __slots__ = ("profile_id", "name", "description", "type", "origin", "tokenless", "user_id", "device_count", "registered_count", "pending_count", "configuration", "create_time", "update_time", "devices_update_time", "etag", "user_name")
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    TOKENLESS_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    DEVICE_COUNT_FIELD_NUMBER: _ClassVar[int]
    REGISTERED_COUNT_FIELD_NUMBER: _ClassVar[int]
    PENDING_COUNT_FIELD_NUMBER: _ClassVar[int]
    CONFIGURATION_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    DEVICES_UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    USER_NAME_FIELD_NUMBER: _ClassVar[int]
    profile_id: str
    name: str
    description: str
    type: ProfileType
    origin: ProfileOrigin
    tokenless: bool
    user_id: str
    device_count: int
    registered_count: int
    pending_count: int
    configuration: _configuration_pb2.Configuration
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    devices_update_time: _timestamp_pb2.Timestamp
    etag: str
    user_name: str
    def __init__(self, profile_id: _Optional[str] = ..., name: _Optional[str] = ..., description: _Optional[str] = ..., type: _Optional[_Union[ProfileType, str]] = ..., origin: _Optional[_Union[ProfileOrigin, str]] = ..., tokenless: bool = ..., user_id: _Optional[str] = ..., device_count: _Optional[int] = ..., registered_count: _Optional[int] = ..., pending_count: _Optional[int] = ..., configuration: _Optional[_Union[_configuration_pb2.Configuration, _Mapping]] = ..., create_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., devices_update_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., etag: _Optional[str] = ..., user_name: _Optional[str] = ...) -> None: ...

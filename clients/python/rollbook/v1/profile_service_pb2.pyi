from google.protobuf import field_mask_pb2 as _field_mask_pb2
from rollbook.v1 import configuration_pb2 as _configuration_pb2
from rollbook.v1 import profile_pb2 as _profile_pb2
from rollbook.v1 import token_pb2 as _token_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ProfileOrder(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PROFILE_ORDER_UNSPECIFIED: _ClassVar[ProfileOrder]
    PROFILE_ORDER_NAME: _ClassVar[ProfileOrder]
    PROFILE_ORDER_NEWEST: _ClassVar[ProfileOrder]
    PROFILE_ORDER_LAST_UPDATED: _ClassVar[ProfileOrder]
PROFILE_ORDER_UNSPECIFIED: ProfileOrder
PROFILE_ORDER_NAME: ProfileOrder
PROFILE_ORDER_NEWEST: ProfileOrder
PROFILE_ORDER_LAST_UPDATED: ProfileOrder

class CreateProfileRequest(_message.Message):
    __slots__ = ("name", "description", "type", "origin", "tokenless", "user_id", "configuration", "request_id")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    TOKENLESS_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    CONFIGURATION_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    name: str
    description: str
    type: _profile_pb2.ProfileType
    origin: _profile_pb2.ProfileOrigin
    tokenless: bool
    user_id: str
    configuration: _configuration_pb2.Configuration
    request_id: str
    def __init__(self, name: _Optional[str] = ..., description: _Optional[str] = ..., type: _Optional[_Union[_profile_pb2.ProfileType, str]] = ..., origin: _Optional[_Union[_profile_pb2.ProfileOrigin, str]] = ..., tokenless: bool = ..., user_id: _Optional[str] = ..., configuration: _Optional[_Union[_configuration_pb2.Configuration, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class CreateProfileResponse(_message.Message):
    __slots__ = ("profile", "warnings")
    PROFILE_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    profile: _profile_pb2.Profile
    warnings: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, profile: _Optional[_Union[_profile_pb2.Profile, _Mapping]] = ..., warnings: _Optional[_Iterable[str]] = ...) -> None: ...

class GetProfileRequest(_message.Message):
    __slots__ = ("profile_id",)
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    profile_id: str
    def __init__(self, profile_id: _Optional[str] = ...) -> None: ...

class GetProfileResponse(_message.Message):
    __slots__ = ("profile", "token")
    PROFILE_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    profile: _profile_pb2.Profile
    token: _token_pb2.Token
    def __init__(self, profile: _Optional[_Union[_profile_pb2.Profile, _Mapping]] = ..., token: _Optional[_Union[_token_pb2.Token, _Mapping]] = ...) -> None: ...

class ListProfilesRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "name_contains", "user_id", "order")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    NAME_CONTAINS_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    name_contains: str
    user_id: str
    order: ProfileOrder
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., name_contains: _Optional[str] = ..., user_id: _Optional[str] = ..., order: _Optional[_Union[ProfileOrder, str]] = ...) -> None: ...

class ListProfilesResponse(_message.Message):
    __slots__ = ("profiles", "next_page_token")
    PROFILES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    profiles: _containers.RepeatedCompositeFieldContainer[_profile_pb2.Profile]
    next_page_token: str
    def __init__(self, profiles: _Optional[_Iterable[_Union[_profile_pb2.Profile, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class UpdateProfileRequest(_message.Message):
    __slots__ = ("profile", "update_mask", "request_id")
    PROFILE_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    profile: _profile_pb2.Profile
    update_mask: _field_mask_pb2.FieldMask
    request_id: str
    def __init__(self, profile: _Optional[_Union[_profile_pb2.Profile, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class UpdateProfileResponse(_message.Message):
    __slots__ = ("profile",)
    PROFILE_FIELD_NUMBER: _ClassVar[int]
    profile: _profile_pb2.Profile
    def __init__(self, profile: _Optional[_Union[_profile_pb2.Profile, _Mapping]] = ...) -> None: ...

class AssignUserRequest(_message.Message):
    __slots__ = ("profile_id", "user_id", "etag", "request_id")
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    profile_id: str
    user_id: str
    etag: str
    request_id: str
    def __init__(self, profile_id: _Optional[str] = ..., user_id: _Optional[str] = ..., etag: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class AssignUserResponse(_message.Message):
    __slots__ = ("profile",)
    PROFILE_FIELD_NUMBER: _ClassVar[int]
    profile: _profile_pb2.Profile
    def __init__(self, profile: _Optional[_Union[_profile_pb2.Profile, _Mapping]] = ...) -> None: ...

class UpdateConfigurationRequest(_message.Message):
    __slots__ = ("profile_id", "configuration", "update_mask", "etag", "request_id")
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    CONFIGURATION_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    profile_id: str
    configuration: _configuration_pb2.Configuration
    update_mask: _field_mask_pb2.FieldMask
    etag: str
    request_id: str
    def __init__(self, profile_id: _Optional[str] = ..., configuration: _Optional[_Union[_configuration_pb2.Configuration, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., etag: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class UpdateConfigurationResponse(_message.Message):
    __slots__ = ("profile", "warnings")
    PROFILE_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    profile: _profile_pb2.Profile
    warnings: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, profile: _Optional[_Union[_profile_pb2.Profile, _Mapping]] = ..., warnings: _Optional[_Iterable[str]] = ...) -> None: ...

class DeleteProfileRequest(_message.Message):
    __slots__ = ("profile_id", "etag", "force", "request_id")
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    FORCE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    profile_id: str
    etag: str
    force: bool
    request_id: str
    def __init__(self, profile_id: _Optional[str] = ..., etag: _Optional[str] = ..., force: bool = ..., request_id: _Optional[str] = ...) -> None: ...

class DeleteProfileResponse(_message.Message):
    __slots__ = ("deleted_device_count",)
    DELETED_DEVICE_COUNT_FIELD_NUMBER: _ClassVar[int]
    deleted_device_count: int
    def __init__(self, deleted_device_count: _Optional[int] = ...) -> None: ...

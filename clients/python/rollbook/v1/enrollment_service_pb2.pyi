from rollbook.v1 import configuration_pb2 as _configuration_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class EnrollOutcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ENROLL_OUTCOME_UNSPECIFIED: _ClassVar[EnrollOutcome]
    ENROLL_OUTCOME_REGISTERED: _ClassVar[EnrollOutcome]
    ENROLL_OUTCOME_NOT_REGISTERED: _ClassVar[EnrollOutcome]
    ENROLL_OUTCOME_SIGN_IN_REQUIRED: _ClassVar[EnrollOutcome]
ENROLL_OUTCOME_UNSPECIFIED: EnrollOutcome
ENROLL_OUTCOME_REGISTERED: EnrollOutcome
ENROLL_OUTCOME_NOT_REGISTERED: EnrollOutcome
ENROLL_OUTCOME_SIGN_IN_REQUIRED: EnrollOutcome

class EnrollDeviceRequest(_message.Message):
    __slots__ = ("token", "imeis", "serial_number", "manufacturer", "request_id")
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    IMEIS_FIELD_NUMBER: _ClassVar[int]
    SERIAL_NUMBER_FIELD_NUMBER: _ClassVar[int]
    MANUFACTURER_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    token: str
    imeis: _containers.RepeatedScalarFieldContainer[str]
    serial_number: str
    manufacturer: str
    request_id: str
    def __init__(self, token: _Optional[str] = ..., imeis: _Optional[_Iterable[str]] = ..., serial_number: _Optional[str] = ..., manufacturer: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class EnrolledUser(_message.Message):
    __slots__ = ("user_id", "display_name", "email")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    display_name: str
    email: str
    def __init__(self, user_id: _Optional[str] = ..., display_name: _Optional[str] = ..., email: _Optional[str] = ...) -> None: ...

class EnrollDeviceResponse(_message.Message):
    __slots__ = ("outcome", "device_id", "profile_id", "attributes", "user", "configuration", "sign_in_available")
    class AttributesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    CONFIGURATION_FIELD_NUMBER: _ClassVar[int]
    SIGN_IN_AVAILABLE_FIELD_NUMBER: _ClassVar[int]
    outcome: EnrollOutcome
    device_id: str
    profile_id: str
    attributes: _containers.ScalarMap[str, str]
    user: EnrolledUser
    configuration: _configuration_pb2.Configuration
    sign_in_available: bool
    def __init__(self, outcome: _Optional[_Union[EnrollOutcome, str]] = ..., device_id: _Optional[str] = ..., profile_id: _Optional[str] = ..., attributes: _Optional[_Mapping[str, str]] = ..., user: _Optional[_Union[EnrolledUser, _Mapping]] = ..., configuration: _Optional[_Union[_configuration_pb2.Configuration, _Mapping]] = ..., sign_in_available: bool = ...) -> None: ...

class SignInDeviceRequest(_message.Message):
    __slots__ = ("user_name", "password", "imeis", "serial_number", "manufacturer", "request_id")
    USER_NAME_FIELD_NUMBER: _ClassVar[int]
    PASSWORD_FIELD_NUMBER: _ClassVar[int]
    IMEIS_FIELD_NUMBER: _ClassVar[int]
    SERIAL_NUMBER_FIELD_NUMBER: _ClassVar[int]
    MANUFACTURER_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    user_name: str
    password: str
    imeis: _containers.RepeatedScalarFieldContainer[str]
    serial_number: str
    manufacturer: str
    request_id: str
    def __init__(self, user_name: _Optional[str] = ..., password: _Optional[str] = ..., imeis: _Optional[_Iterable[str]] = ..., serial_number: _Optional[str] = ..., manufacturer: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class SignInDeviceResponse(_message.Message):
    __slots__ = ("outcome", "device_id", "profile_id", "attributes", "user", "configuration")
    class AttributesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    CONFIGURATION_FIELD_NUMBER: _ClassVar[int]
    outcome: EnrollOutcome
    device_id: str
    profile_id: str
    attributes: _containers.ScalarMap[str, str]
    user: EnrolledUser
    configuration: _configuration_pb2.Configuration
    def __init__(self, outcome: _Optional[_Union[EnrollOutcome, str]] = ..., device_id: _Optional[str] = ..., profile_id: _Optional[str] = ..., attributes: _Optional[_Mapping[str, str]] = ..., user: _Optional[_Union[EnrolledUser, _Mapping]] = ..., configuration: _Optional[_Union[_configuration_pb2.Configuration, _Mapping]] = ...) -> None: ...

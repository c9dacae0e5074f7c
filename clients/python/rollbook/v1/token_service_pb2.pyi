from google.protobuf import duration_pb2 as _duration_pb2
from rollbook.v1 import token_pb2 as _token_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class QrCodeFormat(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    QR_CODE_FORMAT_UNSPECIFIED: _ClassVar[QrCodeFormat]
    QR_CODE_FORMAT_PNG: _ClassVar[QrCodeFormat]
    QR_CODE_FORMAT_SVG: _ClassVar[QrCodeFormat]
    QR_CODE_FORMAT_PDF: _ClassVar[QrCodeFormat]
    QR_CODE_FORMAT_TERMINAL: _ClassVar[QrCodeFormat]
QR_CODE_FORMAT_UNSPECIFIED: QrCodeFormat
QR_CODE_FORMAT_PNG: QrCodeFormat
QR_CODE_FORMAT_SVG: QrCodeFormat
QR_CODE_FORMAT_PDF: QrCodeFormat
QR_CODE_FORMAT_TERMINAL: QrCodeFormat

class GetTokenRequest(_message.Message):
    __slots__ = ("profile_id",)
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    profile_id: str
    def __init__(self, profile_id: _Optional[str] = ...) -> None: ...

class GetTokenResponse(_message.Message):
    __slots__ = ("token",)
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    token: _token_pb2.Token
    def __init__(self, token: _Optional[_Union[_token_pb2.Token, _Mapping]] = ...) -> None: ...

class RevealTokenRequest(_message.Message):
    __slots__ = ("profile_id",)
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    profile_id: str
    def __init__(self, profile_id: _Optional[str] = ...) -> None: ...

class RevealTokenResponse(_message.Message):
    __slots__ = ("value",)
    VALUE_FIELD_NUMBER: _ClassVar[int]
    value: str
    def __init__(self, value: _Optional[str] = ...) -> None: ...

class RefreshTokenRequest(_message.Message):
    __slots__ = ("profile_id", "overlap", "request_id")
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    OVERLAP_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    profile_id: str
    overlap: _duration_pb2.Duration
    request_id: str
    def __init__(self, profile_id: _Optional[str] = ..., overlap: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class RefreshTokenResponse(_message.Message):
    __slots__ = ("token",)
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    token: _token_pb2.Token
    def __init__(self, token: _Optional[_Union[_token_pb2.Token, _Mapping]] = ...) -> None: ...

class ExtendTokenRequest(_message.Message):
    __slots__ = ("profile_id", "days", "request_id")
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    DAYS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    profile_id: str
    days: int
    request_id: str
    def __init__(self, profile_id: _Optional[str] = ..., days: _Optional[int] = ..., request_id: _Optional[str] = ...) -> None: ...

class ExtendTokenResponse(_message.Message):
    __slots__ = ("token",)
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    token: _token_pb2.Token
    def __init__(self, token: _Optional[_Union[_token_pb2.Token, _Mapping]] = ...) -> None: ...

class RevokeTokenRequest(_message.Message):
    __slots__ = ("profile_id", "request_id")
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    profile_id: str
    request_id: str
    def __init__(self, profile_id: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class RevokeTokenResponse(_message.Message):
    __slots__ = ("token",)
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    token: _token_pb2.Token
    def __init__(self, token: _Optional[_Union[_token_pb2.Token, _Mapping]] = ...) -> None: ...

class GenerateQrCodeRequest(_message.Message):
    __slots__ = ("profile_id", "format", "scale")
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    SCALE_FIELD_NUMBER: _ClassVar[int]
    profile_id: str
    format: QrCodeFormat
    scale: int
    def __init__(self, profile_id: _Optional[str] = ..., format: _Optional[_Union[QrCodeFormat, str]] = ..., scale: _Optional[int] = ...) -> None: ...

class GenerateQrCodeResponse(_message.Message):
    __slots__ = ("image", "media_type", "payload", "warnings")
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    image: bytes
    media_type: str
    payload: str
    warnings: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, image: _Optional[bytes] = ..., media_type: _Optional[str] = ..., payload: _Optional[str] = ..., warnings: _Optional[_Iterable[str]] = ...) -> None: ...

class RevokeAllTokensRequest(_message.Message):
    __slots__ = ("request_id",)
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    def __init__(self, request_id: _Optional[str] = ...) -> None: ...

class RevokeAllTokensResponse(_message.Message):
    __slots__ = ("revoked_count",)
    REVOKED_COUNT_FIELD_NUMBER: _ClassVar[int]
    revoked_count: int
    def __init__(self, revoked_count: _Optional[int] = ...) -> None: ...

class RotateSealingKeyRequest(_message.Message):
    __slots__ = ("in_pieces", "key_id")
    IN_PIECES_FIELD_NUMBER: _ClassVar[int]
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    in_pieces: bool
    key_id: str
    def __init__(self, in_pieces: bool = ..., key_id: _Optional[str] = ...) -> None: ...

class RotateSealingKeyResponse(_message.Message):
    __slots__ = ("key_id", "resealed_count", "under_way", "total_count", "joined", "resumed", "unreadable_count")
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    RESEALED_COUNT_FIELD_NUMBER: _ClassVar[int]
    UNDER_WAY_FIELD_NUMBER: _ClassVar[int]
    TOTAL_COUNT_FIELD_NUMBER: _ClassVar[int]
    JOINED_FIELD_NUMBER: _ClassVar[int]
    RESUMED_FIELD_NUMBER: _ClassVar[int]
    UNREADABLE_COUNT_FIELD_NUMBER: _ClassVar[int]
    key_id: str
    resealed_count: int
    under_way: bool
    total_count: int
    joined: bool
    resumed: bool
    unreadable_count: int
    def __init__(self, key_id: _Optional[str] = ..., resealed_count: _Optional[int] = ..., under_way: bool = ..., total_count: _Optional[int] = ..., joined: bool = ..., resumed: bool = ..., unreadable_count: _Optional[int] = ...) -> None: ...

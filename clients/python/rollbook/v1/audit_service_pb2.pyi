from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AuditFault(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    AUDIT_FAULT_UNSPECIFIED: _ClassVar[AuditFault]
    AUDIT_FAULT_EVENT_MISSING: _ClassVar[AuditFault]
    AUDIT_FAULT_EVENT_CHANGED: _ClassVar[AuditFault]
    AUDIT_FAULT_SEAL_INVALID: _ClassVar[AuditFault]
    AUDIT_FAULT_END_UNKNOWN: _ClassVar[AuditFault]
    AUDIT_FAULT_ANCHOR_DIFFERS: _ClassVar[AuditFault]
AUDIT_FAULT_UNSPECIFIED: AuditFault
AUDIT_FAULT_EVENT_MISSING: AuditFault
AUDIT_FAULT_EVENT_CHANGED: AuditFault
AUDIT_FAULT_SEAL_INVALID: AuditFault
AUDIT_FAULT_END_UNKNOWN: AuditFault
AUDIT_FAULT_ANCHOR_DIFFERS: AuditFault

class AuditEvent(_message.Message):
    __slots__ = ("sequence", "event_time", "actor", "action", "profile_id", "resource_id", "reason", "details", "digest", "device_id", "source")
    class DetailsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    EVENT_TIME_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    DETAILS_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    event_time: _timestamp_pb2.Timestamp
    actor: str
    action: str
    profile_id: str
    resource_id: str
    reason: str
    details: _containers.ScalarMap[str, str]
    digest: bytes
    device_id: str
    source: str
    def __init__(self, sequence: _Optional[int] = ..., event_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., actor: _Optional[str] = ..., action: _Optional[str] = ..., profile_id: _Optional[str] = ..., resource_id: _Optional[str] = ..., reason: _Optional[str] = ..., details: _Optional[_Mapping[str, str]] = ..., digest: _Optional[bytes] = ..., device_id: _Optional[str] = ..., source: _Optional[str] = ...) -> None: ...

class ListAuditEventsRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "profile_id", "resource_id", "action", "actor", "start_time", "end_time", "device_id", "reason")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_ID_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    profile_id: str
    resource_id: str
    action: str
    actor: str
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    device_id: str
    reason: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., profile_id: _Optional[str] = ..., resource_id: _Optional[str] = ..., action: _Optional[str] = ..., actor: _Optional[str] = ..., start_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., device_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class ListAuditEventsResponse(_message.Message):
    __slots__ = ("events", "next_page_token")
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[AuditEvent]
    next_page_token: str
    def __init__(self, events: _Optional[_Iterable[_Union[AuditEvent, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class VerifyAuditLogRequest(_message.Message):
    __slots__ = ("page_token", "anchor_sequence", "anchor_digest")
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    ANCHOR_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    ANCHOR_DIGEST_FIELD_NUMBER: _ClassVar[int]
    page_token: str
    anchor_sequence: int
    anchor_digest: bytes
    def __init__(self, page_token: _Optional[str] = ..., anchor_sequence: _Optional[int] = ..., anchor_digest: _Optional[bytes] = ...) -> None: ...

class VerifyAuditLogResponse(_message.Message):
    __slots__ = ("checked_count", "next_page_token", "first_break", "last_sequence", "last_digest")
    CHECKED_COUNT_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    FIRST_BREAK_FIELD_NUMBER: _ClassVar[int]
    LAST_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    LAST_DIGEST_FIELD_NUMBER: _ClassVar[int]
    checked_count: int
    next_page_token: str
    first_break: AuditBreak
    last_sequence: int
    last_digest: bytes
    def __init__(self, checked_count: _Optional[int] = ..., next_page_token: _Optional[str] = ..., first_break: _Optional[_Union[AuditBreak, _Mapping]] = ..., last_sequence: _Optional[int] = ..., last_digest: _Optional[bytes] = ...) -> None: ...

class AuditBreak(_message.Message):
    __slots__ = ("sequence", "fault")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    FAULT_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    fault: AuditFault
    def __init__(self, sequence: _Optional[int] = ..., fault: _Optional[_Union[AuditFault, str]] = ...) -> None: ...

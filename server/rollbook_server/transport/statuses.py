"""Turns the domain's errors into gRPC statuses: one table for all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from rollbook_server.domain.errors import FieldsError, Reason, RollbookError
from rollbook_server.domain.redaction import redacted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from google.protobuf.message import Message

DOMAIN = "rollbook"
_DETAILS = "grpc-status-details-bin"

_INVALID = grpc.StatusCode.INVALID_ARGUMENT
_MISSING = grpc.StatusCode.NOT_FOUND
_TAKEN = grpc.StatusCode.ALREADY_EXISTS
_PRECONDITION = grpc.StatusCode.FAILED_PRECONDITION
_ABORTED = grpc.StatusCode.ABORTED
_EXHAUSTED = grpc.StatusCode.RESOURCE_EXHAUSTED
_UNAVAILABLE = grpc.StatusCode.UNAVAILABLE
_UNKNOWN_CALLER = grpc.StatusCode.UNAUTHENTICATED

CODES: Mapping[Reason, grpc.StatusCode] = {
    Reason.REQUEST_MALFORMED: _INVALID,
    Reason.FIELD_INVALID: _INVALID,
    Reason.METHOD_NOT_SERVED: grpc.StatusCode.UNIMPLEMENTED,
    Reason.API_KEY_MISSING: _UNKNOWN_CALLER,
    Reason.API_KEY_INVALID: _UNKNOWN_CALLER,
    Reason.API_KEY_EXPIRED: _UNKNOWN_CALLER,
    Reason.API_KEY_REVOKED: _UNKNOWN_CALLER,
    Reason.RIGHT_MISSING: grpc.StatusCode.PERMISSION_DENIED,
    Reason.REQUEST_ID_INVALID: _INVALID,
    Reason.REQUEST_ID_REUSED: _INVALID,
    Reason.ANSWER_UNREADABLE: _PRECONDITION,
    Reason.PAGE_TOKEN_INVALID: _INVALID,
    Reason.ETAG_MISSING: _PRECONDITION,
    Reason.ETAG_MISMATCH: _ABORTED,
    Reason.STORE_FULL: _EXHAUSTED,
    Reason.STORE_UNAVAILABLE: _UNAVAILABLE,
    Reason.OUTCOME_UNKNOWN: _ABORTED,
    Reason.SERVER_STOPPING: _UNAVAILABLE,
    Reason.REQUEST_IDLE: _UNAVAILABLE,
    Reason.INTERNAL_ERROR: grpc.StatusCode.INTERNAL,
    Reason.PROFILE_NOT_FOUND: _MISSING,
    Reason.PROFILE_NAME_INVALID: _INVALID,
    Reason.PROFILE_NAME_TAKEN: _TAKEN,
    Reason.PROFILE_NOT_EDITABLE: _PRECONDITION,
    Reason.PROFILE_IS_TOKENLESS: _PRECONDITION,
    Reason.CONFIGURATION_INVALID: _INVALID,
    Reason.TOKEN_UNREADABLE: _PRECONDITION,
    Reason.TOKEN_IS_REVOKED: _PRECONDITION,
    Reason.TOKEN_DAYS_TOO_FEW: _INVALID,
    Reason.TOKEN_DAYS_TOO_MANY: _INVALID,
    Reason.TOKEN_DAYS_MISSING: _INVALID,
    Reason.TOKEN_DAYS_NEGATIVE: _INVALID,
    Reason.TOKEN_OVERLAP_INVALID: _INVALID,
    Reason.SEALING_KEYS_FIXED: _PRECONDITION,
    Reason.QR_PAYLOAD_TOO_LARGE: _PRECONDITION,
    Reason.DEVICE_NOT_FOUND: _MISSING,
    Reason.DEVICES_INVALID: _INVALID,
    Reason.TOO_MANY_DEVICES: _INVALID,
    Reason.INVENTORY_TOO_WIDE: _PRECONDITION,
    Reason.INVENTORY_CHANGED: _ABORTED,
    Reason.TOO_MANY_EXPORTS: _EXHAUSTED,
    Reason.EXPORT_IDLE: _ABORTED,
    Reason.USER_NOT_FOUND: _MISSING,
    Reason.USER_NAME_INVALID: _INVALID,
    Reason.USER_NAME_TAKEN: _TAKEN,
    Reason.PASSWORD_INVALID: _INVALID,
    Reason.TOO_MANY_SIGN_INS: _UNAVAILABLE,
    Reason.TOO_MANY_ATTEMPTS: _UNAVAILABLE,
    Reason.SERVER_BUSY: _UNAVAILABLE,
    Reason.API_KEY_NOT_FOUND: _MISSING,
    Reason.ADMIN_KEY_NOT_REVOCABLE: _PRECONDITION,
    Reason.UPLOAD_NOT_FOUND: _MISSING,
    Reason.UPLOAD_ID_INVALID: _INVALID,
    Reason.UPLOAD_MISMATCH: _PRECONDITION,
    Reason.UPLOAD_MESSAGE_UNEXPECTED: _INVALID,
    Reason.UPLOAD_GAP: grpc.StatusCode.OUT_OF_RANGE,
    Reason.UPLOAD_SOURCE_CHANGED: _PRECONDITION,
    Reason.UPLOAD_SUPERSEDED: _ABORTED,
    Reason.UPLOAD_TOTAL_MISMATCH: _INVALID,
    Reason.UPLOAD_CHECKSUM_MISMATCH: _INVALID,
    Reason.UPLOAD_TOO_MANY_ROWS: _EXHAUSTED,
    Reason.UPLOAD_HAS_INVALID_ROWS: _PRECONDITION,
    Reason.UPLOAD_FAILED: _PRECONDITION,
    Reason.UPLOAD_DISCARDED: _PRECONDITION,
    Reason.TOO_MANY_UPLOADS: _EXHAUSTED,
    Reason.FILE_EMPTY: _INVALID,
    Reason.FILE_WITHOUT_ROWS: _INVALID,
    Reason.CSV_ENCODING: _INVALID,
    Reason.CSV_UNCLOSED_QUOTE: _INVALID,
    Reason.CSV_QUOTE_MISPLACED: _INVALID,
    Reason.CSV_LINE_ENDING: _INVALID,
    Reason.CSV_NUL_CHARACTER: _INVALID,
    Reason.CSV_FIELD_TOO_LARGE: _INVALID,
    Reason.CSV_TOO_MANY_COLUMNS: _INVALID,
    Reason.CSV_DUPLICATE_COLUMN: _INVALID,
    Reason.CSV_NO_IDENTIFIER_COLUMN: _INVALID,
}

# UNAVAILABLE for so long that to repeat the call in short order only makes more work.
_LATER = frozenset({Reason.TOO_MANY_ATTEMPTS})

# Bytes. All of a status travels in headers, of which clients take 8 KiB by default;
# the message twice, once with three bytes for each that is not ASCII, and the
# details in base 64.
MESSAGE_LIMIT = 768
METADATA_LIMIT = 256  # of each value
VIOLATIONS_LIMIT = 2400  # of all together
# Names every bad one of 1,000, which takes 2,700 bytes at most: scripts need it whole.
# What it takes beyond its share is taken from the violations.
LONG_METADATA = "indexes"
LONG_METADATA_LIMIT = 2700
LONG_METADATA_SHARE = 600


def status_of(error: RollbookError) -> grpc.Status:
    """Give the status: code, sentence, one ErrorInfo, and the details that help."""
    code, _ = CODES[error.reason].value
    status = status_pb2.Status(code=code, message=_told(error.message, MESSAGE_LIMIT))
    for detail in _details(error):
        packed = any_pb2.Any()
        packed.Pack(detail)
        status.details.append(packed)
    converted: grpc.Status = rpc_status.to_status(status)
    return not_to_be_repeated(converted) if error.reason in _LATER else converted


def reason_of(trailing_metadata: Any) -> str:
    """Give the reason that such a status tells; empty if it is none of ours."""
    for name, value in trailing_metadata or ():
        if name == _DETAILS:
            return _reason_in(status_pb2.Status.FromString(value))
    return ""


def _reason_in(status: status_pb2.Status) -> str:
    for detail in status.details:
        info = error_details_pb2.ErrorInfo()
        if detail.Unpack(info):
            return str(info.reason)
    return ""


def not_to_be_repeated(status: grpc.Status) -> grpc.Status:
    """Give the same status, which gRPC's own clients pass on to their callers at once.

    They would repeat an UNAVAILABLE call in short order, as their service config says
    (gRFC A6), whatever RetryInfo asks for.
    """
    told: Any = status  # a named tuple, which the type stubs do not tell
    metadata = (*told.trailing_metadata, ("grpc-retry-pushback-ms", "-1"))
    repeated: grpc.Status = told._replace(trailing_metadata=metadata)
    return repeated


def _details(error: RollbookError) -> Iterator[Message]:
    yield error_details_pb2.ErrorInfo(
        reason=str(error.reason),
        domain=DOMAIN,
        metadata={name: _told(value, _limit(name)) for name, value in error.metadata.items()},
    )
    if isinstance(error, FieldsError):
        yield error_details_pb2.BadRequest(field_violations=_violations(error))
    if error.retry_after_seconds is not None:
        delay = duration_pb2.Duration()
        delay.FromMilliseconds(int(error.retry_after_seconds * 1000))
        yield error_details_pb2.RetryInfo(retry_delay=delay)


def _limit(name: str) -> int:
    return LONG_METADATA_LIMIT if name == LONG_METADATA else METADATA_LIMIT


def _violations(error: FieldsError) -> Iterator[error_details_pb2.BadRequest.FieldViolation]:
    """Give the violations that fit, the first ones first."""
    long = len(error.metadata.get(LONG_METADATA, ""))
    room = VIOLATIONS_LIMIT - max(0, long - LONG_METADATA_SHARE)
    for path, text in error.fields.items():
        violation = error_details_pb2.BadRequest.FieldViolation(
            field=path, description=_told(text, METADATA_LIMIT)
        )
        room -= violation.ByteSize()
        if room < 0:
            return
        yield violation


def _told(text: str, limit: int) -> str:
    """Give as much of a text as fits so many bytes of UTF-8, without what nobody may read."""
    return redacted(text).encode()[:limit].decode(errors="ignore")

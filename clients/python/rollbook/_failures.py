"""Turns what gRPC raises into a RollbookError by one table."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from rollbook import errors
from rollbook._handshakes import handshake_fault

if TYPE_CHECKING:
    from google.rpc import status_pb2

    from rollbook._channel import Endpoint

_BY_CODE: dict[grpc.StatusCode, type[errors.RollbookError]] = {
    grpc.StatusCode.CANCELLED: errors.UnavailableError,
    grpc.StatusCode.UNKNOWN: errors.ServerError,
    grpc.StatusCode.INVALID_ARGUMENT: errors.InvalidArgumentError,
    grpc.StatusCode.DEADLINE_EXCEEDED: errors.DeadlineExceededError,
    grpc.StatusCode.NOT_FOUND: errors.NotFoundError,
    grpc.StatusCode.ALREADY_EXISTS: errors.AlreadyExistsError,
    grpc.StatusCode.PERMISSION_DENIED: errors.PermissionDeniedError,
    grpc.StatusCode.RESOURCE_EXHAUSTED: errors.ResourceExhaustedError,
    grpc.StatusCode.FAILED_PRECONDITION: errors.FailedPreconditionError,
    grpc.StatusCode.ABORTED: errors.AbortedError,
    grpc.StatusCode.OUT_OF_RANGE: errors.OutOfRangeError,
    grpc.StatusCode.UNIMPLEMENTED: errors.UnimplementedError,
    grpc.StatusCode.INTERNAL: errors.ServerError,
    grpc.StatusCode.UNAVAILABLE: errors.UnavailableError,
    grpc.StatusCode.DATA_LOSS: errors.ServerError,
    grpc.StatusCode.UNAUTHENTICATED: errors.UnauthenticatedError,
}

_BY_REASON: dict[str, type[errors.RollbookError]] = {
    "UPLOAD_SOURCE_CHANGED": errors.SourceChangedError,
}

# What to say where the server did not speak; {details} are gRPC's own words.
_SILENT = {
    grpc.StatusCode.UNAVAILABLE: (
        "cannot reach {endpoint}: is `rollbook serve` running there? ({details})"
    ),
    grpc.StatusCode.CANCELLED: "the call to {endpoint} was cut off ({details})",
    grpc.StatusCode.DEADLINE_EXCEEDED: (
        "{endpoint} did not answer in time: is `rollbook serve` running there, and was that "
        "time long enough? ({details})"
    ),
    grpc.StatusCode.UNIMPLEMENTED: (
        "{endpoint} does not serve this method: is it a Rollbook server, and new enough? "
        "({details})"
    ),
}

_DetailT = TypeVar("_DetailT")


def from_rpc_error(error: grpc.RpcError, endpoint: Endpoint) -> errors.RollbookError:
    """Give the error as one of ours, with all that its details say."""
    call = cast("grpc.Call", error)
    code, details = call.code(), call.details() or ""
    status = _rich_status(call)
    info = _detail(status, error_details_pb2.ErrorInfo())
    silent = "{endpoint}: {details}" if info is None else "{details}"
    template = silent if info is not None else _template(call, endpoint) or silent
    reason = info.reason if info is not None else ""
    kind = _BY_REASON.get(reason, _BY_CODE.get(code, errors.RollbookError))
    return kind(
        template.format(endpoint=endpoint, details=details or code.name),
        reason=reason,
        code=code.name,
        metadata=dict(info.metadata) if info is not None else None,
        fields=_fields(status),
        retry_after_seconds=_retry_after(status),
    )


def _template(call: grpc.Call, endpoint: Endpoint) -> str:
    """Give what to say where the server did not speak; empty if nothing is known."""
    code, details = call.code(), call.details() or ""
    if code is grpc.StatusCode.UNAVAILABLE:
        fault = handshake_fault(details, plaintext=endpoint.plaintext)
        if fault is not None:
            return f"cannot connect to {{endpoint}}: {fault} ({{details}})"
    return _SILENT.get(code, "")


def _rich_status(call: grpc.Call) -> status_pb2.Status | None:
    """Give google.rpc.Status, or None if a proxy made the error or mangled it."""
    try:
        return rpc_status.from_call(call)
    except ValueError:
        return None


def _detail(status: status_pb2.Status | None, into: _DetailT) -> _DetailT | None:
    """Give the detail of this type, which is filled in, or None if there is none."""
    for packed in status.details if status is not None else ():
        if packed.Unpack(into):
            return into
    return None


def _fields(status: status_pb2.Status | None) -> dict[str, str]:
    bad_request = _detail(status, error_details_pb2.BadRequest())
    fields: dict[str, str] = {}
    for violation in bad_request.field_violations if bad_request is not None else ():
        before = fields.get(violation.field)
        text = violation.description
        fields[violation.field] = f"{before}; {text}" if before else text
    return fields


def _retry_after(status: status_pb2.Status | None) -> float | None:
    retry = _detail(status, error_details_pb2.RetryInfo())
    return None if retry is None else retry.retry_delay.ToTimedelta().total_seconds()

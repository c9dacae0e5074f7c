"""Makes calls, and turns every failed one into a RollbookError by one table."""

from __future__ import annotations

import random
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, Self, TypeVar, cast

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from rollbook import errors
from rollbook._handshakes import handshake_fault
from rollbook._patience import Patience

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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
        "{endpoint} did not answer in time: is `rollbook serve` running there, and is "
        "timeout_seconds long enough? ({details})"
    ),
    grpc.StatusCode.UNIMPLEMENTED: (
        "{endpoint} does not serve this method: is it a Rollbook server, and new enough? "
        "({details})"
    ),
}

_RequestT = TypeVar("_RequestT")
_ResponseT = TypeVar("_ResponseT")
_DetailT = TypeVar("_DetailT")


class _Page(Protocol):
    @property
    def next_page_token(self) -> str: ...


_PageT = TypeVar("_PageT", bound=_Page)


class Caller:
    """Makes the calls of one client: its metadata, its deadline, its errors.

    gRPC itself retries UNAVAILABLE, see `_channel`. What it cannot know is that the
    server's RetryInfo asks for more time; that is waited for here, as often as the
    deadline leaves room. With `patience_seconds` each call has a deadline of its own, and
    a server that is away, busy or slow is waited for so long, also if it says nothing.
    """

    def __init__(  # noqa: PLR0913 - a clock and a sleep of their own for tests
        self,
        endpoint: Endpoint,
        *,
        timeout_seconds: float,
        api_key: str | None = None,
        patience_seconds: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.endpoint = endpoint
        self.channel = endpoint.open_channel()
        self.metadata = () if api_key is None else (("authorization", _bearer(api_key)),)
        self._timeout_seconds = timeout_seconds
        self._patience_seconds = patience_seconds
        self._clock = clock
        self._sleep = sleep

    def unary(
        self, method: grpc.UnaryUnaryMultiCallable[_RequestT, _ResponseT], request: _RequestT
    ) -> _ResponseT:
        """Call a method that is safe to repeat."""
        if self._patience_seconds is not None:
            return self._patiently(method, request, self._patience_seconds)
        deadline = self._clock() + self._timeout_seconds
        while True:
            try:
                return self._once(method, request, deadline - self._clock())
            except errors.UnavailableError as error:
                if not self._may_wait(error, deadline):
                    raise

    def _patiently(
        self,
        method: grpc.UnaryUnaryMultiCallable[_RequestT, _ResponseT],
        request: _RequestT,
        seconds: float,
    ) -> _ResponseT:
        """Call again when the server says, or after longer waits each time if it says nothing."""
        patience = Patience(clock=self._clock, sleep=self._sleep)
        while True:
            try:
                return self._once(method, request, self._timeout_seconds)
            except errors.RollbookError as error:
                if not _passes(error):
                    raise
                if not patience.wait(error.retry_after_seconds or 0.0, seconds):
                    raise

    def _once(
        self,
        method: grpc.UnaryUnaryMultiCallable[_RequestT, _ResponseT],
        request: _RequestT,
        seconds: float,
    ) -> _ResponseT:
        with self.translated():
            return method(request, timeout=seconds, metadata=self.metadata)

    def _may_wait(self, error: errors.UnavailableError, deadline: float) -> bool:
        if error.retry_after_seconds is None:
            return False
        # Jitter, so that those who were sent away together do not come back together.
        delay = error.retry_after_seconds * random.uniform(1, 1.25)  # noqa: S311 - no secret
        if self._clock() + delay >= deadline:
            return False
        self._sleep(delay)
        return True

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Raise what gRPC raises inside as a RollbookError."""
        try:
            yield
        except grpc.RpcError as error:
            raise from_rpc_error(error, self.endpoint) from error


def _passes(error: errors.RollbookError) -> bool:
    """Tell whether the same call may succeed later; to repeat it is safe."""
    away = isinstance(error, errors.UnavailableError | errors.DeadlineExceededError)
    return away or error.reason == "OUTCOME_UNKNOWN"


class Client:
    """What every client can do: be closed. Parts of one client share its caller."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; calls under way fail."""
        self._caller.channel.close()


def _bearer(api_key: str) -> str:
    """Check before gRPC does, for its complaint would repeat the key."""
    api_key = api_key.strip()
    if not api_key or not api_key.isascii() or not api_key.isprintable():
        raise ValueError("the API key is empty or holds characters that no API key has")
    return f"Bearer {api_key}"


def pages(fetch: Callable[[str], _PageT]) -> Iterator[_PageT]:
    """Give every page of a list; `fetch` gets the token of the page it has to give."""
    page = fetch("")
    yield page
    while page.next_page_token:
        page = fetch(page.next_page_token)
        yield page


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

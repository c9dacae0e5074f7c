"""What a call can fail with.

    RollbookError
    ├── InvalidArgumentError       a field, row or file breaks a rule; see `fields`
    ├── NotFoundError              there is no such thing
    ├── AlreadyExistsError         the name is taken
    ├── FailedPreconditionError    the thing is not in a state that allows it
    │   └── SourceChangedError     what is committed is not what would be sent again
    ├── AbortedError               someone else came first: etag, or a later stream
    ├── OutOfRangeError            data is missing before what was sent
    ├── ResourceExhaustedError     a limit is reached; see `retry_after_seconds`
    ├── UnauthenticatedError       no API key, or not a valid one
    ├── PermissionDeniedError      the API key lacks the right
    ├── UnavailableError           no connection, or the server stops; call again
    ├── DeadlineExceededError      no answer within the time allowed
    ├── UnimplementedError         the server does not serve the method
    ├── ServerError                the server failed by a fault of its own
    └── UploadIncompleteError      an upload was given up; says how to go on

`str(error)` is the server's sentence, which says what to do. `reason` is what
scripts should branch on: the words of `ErrorReason` in the contract.

    >>> try:
    ...     admin.get_profile("prf-of-last-year")
    ... except NotFoundError as error:
    ...     print(error.reason)
    PROFILE_NOT_FOUND
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rollbook.resources import Upload


class RollbookError(Exception):
    """Root of all that this library raises about a call.

    `reason` is empty where the failure is not the server's word, such as a broken
    connection; `code` is the name of the gRPC status. `metadata` repeats the dynamic
    parts of the message, `fields` maps the path of each bad field to what is wrong.
    """

    def __init__(  # noqa: PLR0913 - as many facts as google.rpc.Status carries
        self,
        message: str,
        *,
        reason: str = "",
        code: str = "",
        metadata: Mapping[str, str] | None = None,
        fields: Mapping[str, str] | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason
        self.code = code
        self.metadata = dict(metadata or {})
        self.fields = dict(fields or {})
        self.retry_after_seconds = retry_after_seconds


class InvalidArgumentError(RollbookError):
    """A field, row or file breaks a rule. INVALID_ARGUMENT."""


class NotFoundError(RollbookError):
    """There is no such thing, or it may not be seen. NOT_FOUND."""


class AlreadyExistsError(RollbookError):
    """The name is taken. ALREADY_EXISTS."""


class FailedPreconditionError(RollbookError):
    """The thing is not in a state that allows the call. FAILED_PRECONDITION."""


class SourceChangedError(FailedPreconditionError):
    """The file differs from what an upload holds of it already; nothing was sent."""


class AbortedError(RollbookError):
    """Someone else came first: another etag, or a later stream. ABORTED."""


class OutOfRangeError(RollbookError):
    """Data is missing before what was sent. OUT_OF_RANGE."""


class ResourceExhaustedError(RollbookError):
    """A limit is reached. RESOURCE_EXHAUSTED."""


class UnauthenticatedError(RollbookError):
    """No API key was sent, or not a valid one. UNAUTHENTICATED."""


class PermissionDeniedError(RollbookError):
    """The API key lacks the right that the call needs. PERMISSION_DENIED."""


class UnavailableError(RollbookError):
    """No connection, or it broke, or the server stops. UNAVAILABLE, CANCELLED."""


class DeadlineExceededError(RollbookError):
    """No answer came within the time allowed. DEADLINE_EXCEEDED."""


class UnimplementedError(RollbookError):
    """The server does not serve the method; it may be older. UNIMPLEMENTED."""


class ServerError(RollbookError):
    """The server failed by a fault of its own. INTERNAL, UNKNOWN, DATA_LOSS."""


class UploadIncompleteError(RollbookError):
    """An upload made no headway for too long and was given up; it stays OPEN.

    Upload the same source again with `upload_id` to go on. `upload` is what the
    server last said of it, None if it never did; `__cause__` is the last failure,
    whose reason, code and metadata this error repeats.
    """

    def __init__(
        self, message: str, *, upload_id: str, upload: Upload | None, cause: RollbookError
    ) -> None:
        super().__init__(
            message,
            reason=cause.reason,
            code=cause.code,
            metadata=cause.metadata,
            retry_after_seconds=cause.retry_after_seconds,
        )
        self.upload_id = upload_id
        self.upload = upload

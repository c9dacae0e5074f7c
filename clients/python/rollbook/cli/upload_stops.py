"""What to say when an upload stops before its end, and how to go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollbook import UploadIncompleteError
from rollbook.cli.errors import CommandError, describe
from rollbook.cli.exit_codes import ExitCode
from rollbook.cli.wording import options_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rollbook import RollbookError, Upload
    from rollbook.cli.upload_request import UploadRequest


# What is left of such an upload is nothing to go on from.
_BEGIN_ANEW = frozenset(
    {
        "UPLOAD_NOT_FOUND",
        "UPLOAD_MISMATCH",
        "UPLOAD_SOURCE_CHANGED",
        "UPLOAD_FAILED",
        "UPLOAD_DISCARDED",
    }
)

_EMPTY = frozenset({"FILE_EMPTY", "FILE_WITHOUT_ROWS"})


def incomplete(request: UploadRequest, error: RollbookError) -> CommandError:
    """Give what to raise when the server went away and did not come back in time."""
    cause = error.__cause__ if isinstance(error, UploadIncompleteError) else error
    return _stop(
        request,
        f"The upload broke off{_where(error)}: {cause or error}",
        reason=error.reason or "UPLOAD_INCOMPLETE",
        code=error.code,
        exit_code=ExitCode.INCOMPLETE,
    )


def _where(error: RollbookError) -> str:
    upload = error.upload if isinstance(error, UploadIncompleteError) else None
    return f" after {upload.committed_rows:,} rows" if upload else ""


def interrupted(request: UploadRequest) -> CommandError:
    """Give what to raise after Ctrl-C."""
    return _stop(
        request,
        "Interrupted. What the server took in stays there.",
        reason="INTERRUPTED",
        code="CANCELLED",
        exit_code=ExitCode.INTERRUPTED,
    )


def refused(request: UploadRequest, error: RollbookError) -> RollbookError | CommandError:
    """Give what to raise when the server refused for another reason than the file."""
    if error.reason in _BEGIN_ANEW:
        anew = f"Begin a new upload: {request.again()}"
        return _refusal(error, anew, error.metadata, _of_its_beginning(request, error))
    if error.reason == "UPLOAD_TOO_MANY_ROWS":
        next_step = "Split the file, or let the server take more rows: rollbook serve --max-rows N"
        return _refusal(error, next_step, error.metadata, _too_long(request, error))
    return error


def file_refused(
    request: UploadRequest, error: RollbookError, left: Upload | None
) -> RollbookError | CommandError:
    """Give what to raise when the file was refused; `left` is what can be gone on with."""
    if left is not None:
        next_step = f"Mend {request.called} there and go on: {request.resumed()}"
        return _refusal(error, next_step, _metadata(request, error.metadata))
    if error.reason in _EMPTY:
        looks = request.session.command("template")
        return _refusal(error, f"Put devices into it; how a file looks: {looks}", error.metadata)
    if error.metadata.get("row", "0") != "0":
        next_step = f"Nothing of it was kept. Mend {request.called} and run: {request.again()}"
        return _refusal(error, next_step, error.metadata)
    return error


def _too_long(request: UploadRequest, error: RollbookError) -> str:
    limit = error.metadata.get("limit", "")
    most = (
        f"{request.called} has more than {int(limit):,} rows" if limit.isdigit() else error.message
    )
    kept = "a dry run keeps nothing" if request.dry_run else "nothing of it is kept"
    return f"{most}, the most that this server takes in one upload; {kept}."


def _of_its_beginning(request: UploadRequest, error: RollbookError) -> str:
    """Say of an upload that is there why this command cannot go on with it."""
    match error.reason:
        case "UPLOAD_MISMATCH":
            given = options_of(error.metadata.get("fields", "").split(","), request.session)
            other = f"another {given}: resume it with that of its beginning" if given else "others"
            return f"Upload {request.upload_id} was begun with {other}."
        case "UPLOAD_FAILED" | "UPLOAD_DISCARDED":
            ended = "failed" if error.reason == "UPLOAD_FAILED" else "was discarded"
            return f"Upload {request.upload_id} {ended} before; it cannot be gone on with."
    return error.message


def _refusal(
    error: RollbookError, next_step: str, metadata: Mapping[str, str], message: str = ""
) -> CommandError:
    return CommandError(
        message or error.message,
        reason=error.reason,
        code=error.code,
        metadata=metadata,
        next_step=next_step,
    )


def unreadable(request: UploadRequest, error: OSError, left: Upload | None) -> Exception:
    """Give what to raise when the file could not be read to its end."""
    if error.filename is not None:  # it could not be opened
        return error
    message = f"{request.called} could not be read to its end: {error.strerror or error}"
    reason, code = "FILE_UNUSABLE", "FAILED_PRECONDITION"
    if left is None:
        anew = f"See that it can be read, and begin anew: {request.again()}"
        return CommandError(message, reason=reason, code=code, next_step=anew)
    return _stop(request, message, reason=reason, code=code, exit_code=ExitCode.INCOMPLETE)


def errors_unwritten(request: UploadRequest, error: OSError | CommandError) -> CommandError:
    """Give what to raise after an upload whose rejected rows went into no file."""
    path = request.errors.path if request.errors else ""
    fault = describe(error)
    why = (isinstance(error, OSError) and error.strerror) or fault.message
    return CommandError(
        f"Upload {request.upload_id} came to its end, but its rejected rows could not be "
        f"written to {path}: {why}",
        reason=fault.reason,
        code=fault.code,
        metadata=_metadata(request, {}),
        next_step=f"Make it writable or name another file, and run{request.with_what}: "
        f"{request.resumed()}",
    )


def _stop(
    request: UploadRequest, message: str, *, reason: str, code: str, exit_code: ExitCode
) -> CommandError:
    return CommandError(
        message,
        reason=reason,
        code=code,
        exit_code=exit_code,
        metadata=_metadata(request, {}),
        next_step=request.go_on(),
    )


def _metadata(request: UploadRequest, known: Mapping[str, str]) -> dict[str, str]:
    return {**known, "upload_id": request.upload_id, "resume_command": request.resumed()}

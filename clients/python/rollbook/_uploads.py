"""Carries one upload to its end over as many streams as it takes.

gRPC swallows exceptions of a request iterator, retries streams only until their
first answer, and in Python a broken stream may look like an orderly one. So: what
the source raises is kept and raised to the caller, every stream after the first
begins with asking how far the server got, and only FINISHED counts as the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollbook import _convert, errors
from rollbook._feed import Feed
from rollbook._lookouts import Lookout
from rollbook.resources import UploadProgress
from rollbook.v1 import device_service_pb2, device_service_pb2_grpc
from rollbook.words import UploadState

if TYPE_CHECKING:
    from collections.abc import Callable

    from rollbook._calls import Caller
    from rollbook._sources import Reader
    from rollbook.resources import Upload

# Of a server that was never heard of, the likeliest thing is that it is not there;
# nobody wants to wait five minutes to learn it.
_UNHEARD_SECONDS = 10.0

# Only of these is what was committed still the beginning of the source.
_CONTINUED = (UploadState.OPEN, UploadState.FINISHED)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to upload, and how; `resumes` says that the server may know the upload."""

    opening: device_service_pb2.UploadOpen
    open_reader: Callable[[], Reader]
    resumes: bool
    progress: Callable[[UploadProgress], None] | None
    give_up_after_seconds: float


class Engine:
    """Runs one plan, once."""

    def __init__(
        self,
        caller: Caller,
        devices: device_service_pb2_grpc.DeviceServiceStub,
        plan: Plan,
    ) -> None:
        self._caller = caller
        self._devices = devices
        self._plan = plan
        self._patience = caller.patience()
        self._upload: Upload | None = None
        self._heard = False
        self._may_look = True
        self._streams = 0

    async def run(self) -> Upload:
        """Give the upload once it is no longer OPEN."""
        while True:
            try:
                return await self._attempt()
            except errors.RollbookError as error:
                if not _passes(error):
                    raise
                delay = self._delay(error)
            await self._caller.sleep(delay)

    async def _attempt(self) -> Upload:
        if self._streams or self._plan.resumes:
            await self._ask()
        feed = Feed(self._plan.opening, self._plan.open_reader, self._skip, self._tell)
        answer = await self._caller.send(self._devices.UploadDevices, feed, self._lookout())
        upload = _convert.upload(answer.upload)
        self._note(upload)
        if upload.state is UploadState.OPEN:
            raise errors.UnavailableError("the stream ended before the upload was finished")
        assert feed.reader is not None
        self._tell(feed.reader)
        return upload

    async def _ask(self) -> None:
        request = device_service_pb2.GetUploadRequest(upload_id=self._plan.opening.upload_id)
        try:
            answer = await self._caller.unary(self._devices.GetUpload, request)
        except errors.NotFoundError:
            self._note(None)
        except errors.PermissionDeniedError:
            # A key that may upload but not look sends from the start; the server skips.
            self._may_look = False
            self._note(None)
        else:
            self._note(_convert.upload(answer.upload))

    def _lookout(self) -> Lookout | None:
        if self._plan.progress is None:
            return None
        request = device_service_pb2.GetUploadRequest(upload_id=self._plan.opening.upload_id)
        devices = self._caller.stub(device_service_pb2_grpc.DeviceServiceStub, apart=True)
        return Lookout(devices.GetUpload, request, self._look, self._may_look)

    def _look(self, answer: device_service_pb2.GetUploadResponse | None) -> None:
        """Take in how far the server is meanwhile; None if the key may not know."""
        if answer is None:
            self._may_look = False
            return
        upload = _convert.upload(answer.upload)
        if upload.state in _CONTINUED:  # else it is from before the stream was opened
            self._note(upload)

    def _note(self, upload: Upload | None) -> None:
        before = self._position()
        self._upload = upload
        self._heard = True
        if self._position() > before:
            self._patience.advanced()

    def _position(self) -> tuple[int, int]:
        upload = self._upload
        return (upload.committed_offset, upload.committed_rows) if upload is not None else (0, 0)

    def _skip(self, reader: Reader) -> None:
        if self._upload is not None and self._upload.state in _CONTINUED:
            reader.skip(self._upload)
        self._streams += 1  # nothing was sent before

    def _tell(self, reader: Reader) -> None:
        if self._plan.progress is None:
            return
        committed_bytes, committed_rows = self._position()
        self._plan.progress(
            UploadProgress(
                upload_id=self._plan.opening.upload_id,
                sent_bytes=max(reader.sent_bytes, committed_bytes),
                total_bytes=reader.total_bytes,
                sent_rows=max(reader.sent_rows, committed_rows),
                total_rows=reader.total_rows,
                committed_bytes=committed_bytes,
                committed_rows=committed_rows,
                streams=self._streams,
                committed_is_known=self._may_look or self._is_ended(),
            )
        )

    def _is_ended(self) -> bool:
        return self._upload is not None and self._upload.state is not UploadState.OPEN

    def _delay(self, error: errors.RollbookError) -> float:
        """Give how long to wait before the next stream; raises once it was long enough."""
        self._heard = self._heard or bool(error.reason)
        limit = self._plan.give_up_after_seconds
        limit = limit if self._heard else min(limit, _UNHEARD_SECONDS)
        delay = self._patience.delay(error.retry_after_seconds or 0.0, limit)
        if delay is not None:
            return delay
        if not self._heard:
            raise error
        raise self._incomplete(error) from error

    def _incomplete(self, error: errors.RollbookError) -> errors.UploadIncompleteError:
        upload_id = self._plan.opening.upload_id
        committed_bytes, committed_rows = self._position()
        return errors.UploadIncompleteError(
            f"upload {upload_id} is incomplete: {committed_rows} rows ({committed_bytes} bytes) "
            f"are kept, and it got no further. Upload the same source again with upload_id="
            f"{upload_id!r} to go on from there. Last failure: {error}",
            upload_id=upload_id,
            upload=self._upload,
            cause=error,
        )


def _passes(error: errors.RollbookError) -> bool:
    """Tell whether another stream may succeed where this one failed."""
    match error:
        case errors.UnavailableError() | errors.DeadlineExceededError():
            return True
        case errors.OutOfRangeError():
            return error.reason == "UPLOAD_GAP"
        case errors.AbortedError():
            return error.reason == "OUTCOME_UNKNOWN"  # it can be asked for by now
        case errors.ResourceExhaustedError():
            return error.retry_after_seconds is not None
        case errors.ServerError():
            return _transport_broke(error)
    return False


def _transport_broke(error: errors.ServerError) -> bool:
    """Tell RST_STREAM and the like, of gRPC's making, from a fault the server reports."""
    if error.reason:
        return False
    return error.code == "INTERNAL" or "Stream removed" in error.message

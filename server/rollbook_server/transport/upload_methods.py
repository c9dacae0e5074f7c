"""The part of DeviceService that is about uploads: convert, call, convert."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc

from rollbook.v1 import device_service_pb2, device_service_pb2_grpc, upload_pb2
from rollbook_server.domain import callers, removals, rights, upload_errors, upload_lists, uploads
from rollbook_server.domain.pages import page_request
from rollbook_server.domain.rights import Right
from rollbook_server.domain.upload_sessions import UploadSession, unexpected
from rollbook_server.domain.uploads import UploadState
from rollbook_server.transport.incoming import RequestIdleError
from rollbook_server.transport.messages import device_messages, upload_messages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from rollbook_server.domain.clock import Clock
    from rollbook_server.domain.devices import RowError
    from rollbook_server.domain.pages import Page
    from rollbook_server.domain.ports import Roll, Store
    from rollbook_server.domain.tally import Tally
    from rollbook_server.domain.upload_limits import UploadLimits
    from rollbook_server.domain.uploads import Upload
    from rollbook_server.transport.answers import Answers
    from rollbook_server.transport.streams import UploadStreams

ERRORS_BY_DEFAULT = 1000
MOST_ERRORS = 10_000
ROWS_AT_ONCE = 1000


class UploadMethods(device_service_pb2_grpc.DeviceServiceServicer):
    """Takes uploads in and tells of them."""

    _store: Store
    _clock: Clock
    _answers: Answers
    _limits: UploadLimits
    _streams: UploadStreams
    _sweep: Callable[[], None]
    _tally: Tally

    def UploadDevices(
        self,
        request_iterator: Iterator[device_service_pb2.UploadDevicesRequest],
        context: grpc.ServicerContext,
    ) -> device_service_pb2.UploadDevicesResponse:
        """Take an upload in, for as long as its stream lasts."""
        session = UploadSession(self._store, self._clock, self._limits, self._tally)
        try:
            with self._streams.one():
                ended = self._follow(session, request_iterator)
        finally:
            self._sweep()  # what the upload leaves behind if it has ended, well or not
        return device_service_pb2.UploadDevicesResponse(upload=upload_messages.upload(ended))

    def _follow(
        self,
        session: UploadSession,
        messages: Iterator[device_service_pb2.UploadDevicesRequest],
    ) -> Upload:
        try:
            for message in messages:
                self._streams.check_open()
                ended = _take(session, message)
                if ended is not None:
                    return ended
        except (grpc.RpcError, RequestIdleError):  # gone or silent: what came whole is kept
            session.keep()
            self._streams.check_open()
            raise
        return session.suspend()

    def GetUpload(
        self,
        request: device_service_pb2.GetUploadRequest,
        context: grpc.ServicerContext,
    ) -> device_service_pb2.GetUploadResponse:
        """Give the state of an upload."""
        found = self._store.read(lambda roll: uploads.get(roll, request.upload_id))
        return device_service_pb2.GetUploadResponse(upload=upload_messages.upload(found))

    def ListUploadErrors(
        self,
        request: device_service_pb2.ListUploadErrorsRequest,
        context: grpc.ServicerContext,
    ) -> device_service_pb2.ListUploadErrorsResponse:
        """List the rejected rows of an upload."""
        scope = ("upload_errors", request.upload_id)
        wanted = page_request(
            request.page_size,
            request.page_token,
            scope,
            kinds=(int,),
            default=ERRORS_BY_DEFAULT,
            most=MOST_ERRORS,
        )

        def find(roll: Roll) -> tuple[Upload, Page[RowError]]:
            upload = uploads.get(roll, request.upload_id)
            return upload, upload_errors.page(roll, upload, wanted)

        upload, page = self._store.read(find)
        return device_service_pb2.ListUploadErrorsResponse(
            errors=[upload_messages.row_error(error) for error in page.values],
            next_page_token=page.next_page_token,
            columns=upload_errors.columns(upload),
            total_count=upload.counts.rejected,
        )

    def ListUploads(
        self,
        request: device_service_pb2.ListUploadsRequest,
        context: grpc.ServicerContext,
    ) -> device_service_pb2.ListUploadsResponse:
        """List the uploads of a profile."""
        scope = ("uploads", request.profile_id)
        wanted = page_request(
            request.page_size, request.page_token, scope, kinds=upload_lists.KINDS
        )
        page = self._store.read(
            lambda roll: upload_lists.list_page(roll, request.profile_id, wanted)
        )
        return device_service_pb2.ListUploadsResponse(
            uploads=[upload_messages.upload(each) for each in page.values],
            next_page_token=page.next_page_token,
        )

    def DiscardUpload(
        self,
        request: device_service_pb2.DiscardUploadRequest,
        context: grpc.ServicerContext,
    ) -> device_service_pb2.DiscardUploadResponse:
        """Take an upload back."""

        def discard(roll: Roll, now: datetime) -> device_service_pb2.DiscardUploadResponse:
            done = removals.discard_upload(roll, request.upload_id, now)
            return device_service_pb2.DiscardUploadResponse(
                upload=upload_messages.upload(done.upload),
                removed_count=done.removed_count,
                kept_count=done.kept_count,
            )

        answer = self._answers.once(request, device_service_pb2.DiscardUploadResponse, discard)
        self._sweep()
        return answer


def _take(
    session: UploadSession, message: device_service_pb2.UploadDevicesRequest
) -> Upload | None:
    """Pass one message on; gives the upload once there is nothing more to do."""
    match message.WhichOneof("message"):
        case "open":
            _require_rights(message.open)
            upload = session.open(upload_messages.upload_options(message.open))
            return upload if upload.state is UploadState.FINISHED else None
        case "csv":
            session.take_csv(message.csv.offset, message.csv.data)
        case "rows":
            _take_rows(session, message.rows)
        case "finish":
            return _finish(session, message.finish)
        case _:
            raise unexpected("A message of the stream must hold open, csv, rows or finish.")
    return None


def _require_rights(message: device_service_pb2.UploadOpen) -> None:
    """See to it that only who may change devices opens an upload that does."""
    if message.on_conflict in {upload_pb2.ON_CONFLICT_UPDATE, upload_pb2.ON_CONFLICT_MOVE}:
        rights.require(callers.current(), Right.UPDATE)


def _take_rows(session: UploadSession, message: device_service_pb2.UploadRows) -> None:
    """Pass rows on in slices: a message may hold as many as `row_counts` lets pass."""
    rows = message.rows
    for begin in range(0, len(rows), ROWS_AT_ONCE) or (0,):
        piece = device_messages.typed_rows(rows[begin : begin + ROWS_AT_ONCE])
        session.take_rows(message.first_row + begin, piece)


def _finish(session: UploadSession, message: device_service_pb2.UploadFinish) -> Upload:
    total = message.WhichOneof("total")
    if total is None:
        raise unexpected("finish must hold total_bytes or total_rows.")
    return session.finish(
        total_bytes=message.total_bytes if total == "total_bytes" else None,
        total_rows=message.total_rows if total == "total_rows" else None,
        crc32=message.crc32 if message.HasField("crc32") else None,
    )

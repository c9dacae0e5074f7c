"""The part of `AdminClient` that uploads devices."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

from rollbook import _convert, _dual, _enums, _sources
from rollbook._calls import Calls, Pages
from rollbook._error_csv import ErrorCsv
from rollbook._uploads import Engine, Plan
from rollbook.v1 import device_service_pb2, device_service_pb2_grpc, upload_pb2
from rollbook.words import OnConflict, OnInvalidRow

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from os import PathLike
    from typing import BinaryIO, TextIO

    from rollbook._sources import Reader
    from rollbook.resources import DiscardedUpload, RowError, Upload, UploadProgress


class UploadCalls(Calls):
    """Calls the part of DeviceService that is about uploads."""

    @property
    def _devices(self) -> device_service_pb2_grpc.DeviceServiceStub:
        return self._caller.stub(device_service_pb2_grpc.DeviceServiceStub)

    @_dual.method
    async def upload_devices(  # noqa: PLR0913 - as many options as an upload has
        self,
        profile_id: str,
        source: PathLike[str] | str | Callable[[], BinaryIO],
        *,
        upload_id: str | None = None,
        file_name: str | None = None,
        on_invalid_row: OnInvalidRow = OnInvalidRow.SKIP,
        on_conflict: OnConflict = OnConflict.REJECT,
        validate_only: bool = False,
        column_mapping: Mapping[str, str] | None = None,
        progress: Callable[[UploadProgress], None] | None = None,
        give_up_after_seconds: float = 300.0,
    ) -> Upload:
        """Upload a CSV file: a path, or a function that opens it anew in binary mode.

        What a pipe gives is sent every second, or more often; how long it may stand
        still is the server's to say, and then the function is called again. TypeError is
        raised for what could not be read again: an open file, the path of a pipe, or a
        function that gives the same open file twice.

        A connection that breaks is taken up again at the committed position, however
        often, until nothing more was committed for `give_up_after_seconds`; then
        UploadIncompleteError tells how to go on. To go on in another process, choose
        `upload_id` yourself, or keep it from the error. If the file is not the one the
        upload began with, or goes on behind the end of a finished one,
        SourceChangedError is raised and nothing sent. If reading it fails, that
        exception is raised and the upload can be taken up again.

        Invalid rows do not raise: see `rejected_count` and `errors` of what is returned.
        `progress` is called as messages are sent and every second, from your thread or
        another, never twice at once, and last from yours; by a client of asyncio it is
        called in the event loop, and the file is read in a thread. What it raises stops
        the upload and is raised to you.

        >>> upload = admin.upload_devices(profile_id, "devices.csv", upload_id="monday")
        >>> upload.state.name, upload.created_count, upload.rejected_count
        ('FINISHED', 1, 0)
        >>> for error in admin.list_upload_errors("monday"):
        ...     print(error.line, error.column, error.message)
        """
        return await self._upload(
            _sources.csv_opener(source),
            profile_id,
            upload_id=upload_id,
            file_name=_sources.name(source) if file_name is None else file_name,
            on_invalid_row=on_invalid_row,
            on_conflict=on_conflict,
            validate_only=validate_only,
            column_mapping=column_mapping,
            progress=progress,
            give_up_after_seconds=give_up_after_seconds,
        )

    async def _upload(  # noqa: PLR0913 - as many options as an upload has
        self,
        open_reader: Callable[[], Reader],
        profile_id: str,
        *,
        upload_id: str | None,
        file_name: str,
        on_invalid_row: OnInvalidRow,
        on_conflict: OnConflict,
        validate_only: bool,
        column_mapping: Mapping[str, str] | None,
        progress: Callable[[UploadProgress], None] | None,
        give_up_after_seconds: float,
    ) -> Upload:
        opening = device_service_pb2.UploadOpen(
            upload_id=uuid4().hex if upload_id is None else upload_id,
            profile_id=profile_id,
            file_name=file_name,
            on_invalid_row=_enums.name(upload_pb2.OnInvalidRow.DESCRIPTOR, on_invalid_row),
            on_conflict=_enums.name(upload_pb2.OnConflict.DESCRIPTOR, on_conflict),
            validate_only=validate_only,
            column_mapping=column_mapping,
        )
        resumes = upload_id is not None
        plan = Plan(opening, open_reader, resumes, progress, give_up_after_seconds)
        return await Engine(self._caller, self._devices, plan).run()

    @_dual.method
    async def get_upload(self, upload_id: str) -> Upload:
        """Give the state, position, counts and first errors of an upload."""
        request = device_service_pb2.GetUploadRequest(upload_id=upload_id)
        answer = await self._caller.unary(self._devices.GetUpload, request)
        return _convert.upload(answer.upload)

    @_dual.iterator
    async def list_uploads(self, profile_id: str, *, page_size: int = 0) -> AsyncIterator[Upload]:
        """Give a profile's uploads, newest first and without their row errors."""
        request = device_service_pb2.ListUploadsRequest(profile_id=profile_id, page_size=page_size)
        async for page in Pages(self._caller, self._devices.ListUploads, request):
            for each in page.uploads:
                yield _convert.upload(each)

    @_dual.method
    async def discard_upload(self, upload_id: str) -> DiscardedUpload:
        """Take an upload back: its devices that are not registered are gone at once."""
        request = device_service_pb2.DiscardUploadRequest(
            upload_id=upload_id, request_id=str(uuid4())
        )
        answer = await self._caller.unary(self._devices.DiscardUpload, request)
        return _convert.discarded_upload(answer)

    @_dual.iterator
    async def list_upload_errors(
        self, upload_id: str, *, page_size: int = 0
    ) -> AsyncIterator[RowError]:
        """Give every rejected row in order of row, fetching pages while you iterate."""
        async for page in self._error_pages(upload_id, page_size):
            for each in page.errors:
                yield _convert.row_error(each)

    @_dual.method
    async def write_upload_errors(
        self, upload_id: str, file: TextIO, *, delimiter: str = ","
    ) -> int:
        """Write the rejected rows as a CSV file to mend and upload again; gives how many.

        The columns are the uploader's own and last "Rollbook Error". Cells that a
        spreadsheet would run are led by an apostrophe, which an upload takes off again.
        Open the file with newline="" and, for spreadsheets, encoding="utf-8-sig"; those
        of many countries want a semicolon as the delimiter.

        Of rows that came by `upload_rows` the file has the identifiers and no attributes:
        mend those where they came from, and give them to `upload_rows` again.

        >>> upload = admin.upload_devices(profile_id, "bad.csv")
        >>> with open("errors.csv", "w", newline="", encoding="utf-8-sig") as file:
        ...     admin.write_upload_errors(upload.upload_id, file)
        1
        """
        count = 0
        table: ErrorCsv | None = None
        async for page in self._error_pages(upload_id, 0):
            table = table or ErrorCsv(file, page.columns, delimiter)
            errors = map(_convert.row_error, page.errors)
            count += await self._caller.transport.run(partial(table.write, errors))
        return count

    def _error_pages(
        self, upload_id: str, page_size: int
    ) -> Pages[device_service_pb2.ListUploadErrorsResponse]:
        request = device_service_pb2.ListUploadErrorsRequest(
            upload_id=upload_id, page_size=page_size
        )
        return Pages(self._caller, self._devices.ListUploadErrors, request)

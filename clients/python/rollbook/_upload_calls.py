"""The part of `AdminClient` that uploads devices."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from rollbook import _convert, _enums, _sources
from rollbook._calls import Client, pages
from rollbook._error_csv import ErrorCsv
from rollbook._patience import Patience
from rollbook._uploads import Engine, Plan
from rollbook.v1 import device_service_pb2, device_service_pb2_grpc, upload_pb2
from rollbook.words import OnConflict, OnInvalidRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from os import PathLike
    from typing import BinaryIO, TextIO

    from rollbook._calls import Caller
    from rollbook._sources import Reader
    from rollbook.resources import DeviceRow, DiscardedUpload, RowError, Upload, UploadProgress


class UploadCalls(Client):
    """Calls the part of DeviceService that is about uploads."""

    def __init__(self, caller: Caller) -> None:
        super().__init__(caller)
        self._devices = device_service_pb2_grpc.DeviceServiceStub(caller.channel)
        self._new_patience: Callable[[], Patience] = Patience

    def upload_devices(  # noqa: PLR0913 - as many options as an upload has
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
        upload began with, SourceChangedError is raised and nothing sent. If reading it
        fails, that exception is raised and the upload can be taken up again.

        Invalid rows do not raise: see `rejected_count` and `errors` of what is returned.
        `progress` is called from a thread of its own, never twice at once, and at the
        end from yours; what it raises stops the upload and is raised to you.
        """
        return self._upload(
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

    def upload_rows(  # noqa: PLR0913 - as many options as an upload has
        self,
        profile_id: str,
        rows: Callable[[], Iterable[DeviceRow]] | Sequence[DeviceRow],
        *,
        upload_id: str | None = None,
        file_name: str | None = None,
        on_invalid_row: OnInvalidRow = OnInvalidRow.SKIP,
        on_conflict: OnConflict = OnConflict.REJECT,
        validate_only: bool = False,
        progress: Callable[[UploadProgress], None] | None = None,
        give_up_after_seconds: float = 300.0,
    ) -> Upload:
        """Upload typed rows: a list, or a function that gives them from the first on.

        The function is called again for every stream and has to give the same rows in
        the same order; rows that come slowly are sent every second. For all else see
        `upload_devices`. An iterator is refused with TypeError, for it could not be read
        again, and so is a function that gives the same one twice.
        """
        return self._upload(
            _sources.row_opener(rows),
            profile_id,
            upload_id=upload_id,
            file_name=file_name or "",
            on_invalid_row=on_invalid_row,
            on_conflict=on_conflict,
            validate_only=validate_only,
            column_mapping=None,
            progress=progress,
            give_up_after_seconds=give_up_after_seconds,
        )

    def _upload(  # noqa: PLR0913 - as many options as an upload has
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
        return Engine(self._caller, self._devices, plan, self._new_patience()).run()

    def get_upload(self, upload_id: str) -> Upload:
        """Give the state, position, counts and first errors of an upload."""
        request = device_service_pb2.GetUploadRequest(upload_id=upload_id)
        return _convert.upload(self._caller.unary(self._devices.GetUpload, request).upload)

    def list_uploads(self, profile_id: str, *, page_size: int = 0) -> Iterator[Upload]:
        """Give a profile's uploads, newest first and without their row errors."""

        def fetch(page_token: str) -> device_service_pb2.ListUploadsResponse:
            request = device_service_pb2.ListUploadsRequest(
                profile_id=profile_id, page_size=page_size, page_token=page_token
            )
            return self._caller.unary(self._devices.ListUploads, request)

        for page in pages(fetch):
            yield from map(_convert.upload, page.uploads)

    def discard_upload(self, upload_id: str) -> DiscardedUpload:
        """Take an upload back: its devices that are not registered are gone at once."""
        request = device_service_pb2.DiscardUploadRequest(
            upload_id=upload_id, request_id=str(uuid4())
        )
        return _convert.discarded_upload(self._caller.unary(self._devices.DiscardUpload, request))

    def list_upload_errors(self, upload_id: str, *, page_size: int = 0) -> Iterator[RowError]:
        """Give every rejected row in order of row, fetching pages while you iterate."""
        for page in self._error_pages(upload_id, page_size):
            yield from map(_convert.row_error, page.errors)

    def write_upload_errors(self, upload_id: str, file: TextIO) -> int:
        """Write the rejected rows as a CSV file to mend and upload again; gives how many.

        The columns are the uploader's own and last "Rollbook Error". Cells that a
        spreadsheet would run are led by an apostrophe, which an upload takes off again.
        Open the file with newline="" and, for spreadsheets, encoding="utf-8-sig".
        """
        count = 0
        table: ErrorCsv | None = None
        for page in self._error_pages(upload_id, 0):
            table = table or ErrorCsv(file, page.columns)
            count += table.write(map(_convert.row_error, page.errors))
        return count

    def _error_pages(
        self, upload_id: str, page_size: int
    ) -> Iterator[device_service_pb2.ListUploadErrorsResponse]:
        def fetch(page_token: str) -> device_service_pb2.ListUploadErrorsResponse:
            request = device_service_pb2.ListUploadErrorsRequest(
                upload_id=upload_id, page_size=page_size, page_token=page_token
            )
            return self._caller.unary(self._devices.ListUploadErrors, request)

        return pages(fetch)

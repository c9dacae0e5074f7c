"""What a refused file leaves on the server: an upload to go on with, or nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollbook import RollbookError, UploadState

if TYPE_CHECKING:
    from rollbook import AdminClient, Upload
    from rollbook.cli.upload_request import UploadRequest


def is_fault_of_file(error: RollbookError) -> bool:
    """Tell whether the file, or what was said of its columns, is what was refused."""
    return error.reason.startswith(("CSV_", "FILE_")) or error.reason == "FIELD_INVALID"


def tidy(client: AdminClient, request: UploadRequest) -> Upload | None:
    """Give the upload if there is something to go on with; one with nothing in it is discarded.

    Only one that this command began is. If the server does not answer, it stays.
    """
    try:
        upload = client.get_upload(request.upload_id)
        if upload.state is not UploadState.OPEN:
            return None
        if upload.committed_rows or request.resume is not None:
            return upload
        client.discard_upload(request.upload_id)
    except RollbookError:
        return None  # What was refused is worth telling; this is not.
    return None

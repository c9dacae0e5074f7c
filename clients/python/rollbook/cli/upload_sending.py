"""Sends the file of an upload and shows how far it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollbook._sources import name as name_of
from rollbook.cli.upload_inputs import kept
from rollbook.cli.upload_progress import watch

if TYPE_CHECKING:
    from rollbook import AdminClient, Profile, Upload
    from rollbook.cli.upload_request import UploadRequest


def send(
    client: AdminClient, profile: Profile, request: UploadRequest, *, as_what: str = ""
) -> Upload:
    """Give the upload at its end; `as_what` is shown behind the name of the file meanwhile."""
    name, silent = name_of(request.called), request.session.wants_json
    with (
        kept(request.copy or request.file) as file,
        watch(f"{name}{as_what}", silent=silent) as progress,
    ):
        return client.upload_devices(
            profile.profile_id,
            file,
            upload_id=request.upload_id,
            file_name=name,
            on_invalid_row=request.on_invalid_row,
            on_conflict=request.on_conflict,
            validate_only=request.dry_run,
            column_mapping=request.column_mapping,
            progress=progress,
        )

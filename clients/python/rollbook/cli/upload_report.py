"""What is told of an upload that came to its end, and what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollbook import UploadState
from rollbook.cli.output import clean, facts, say, show, show_json, table
from rollbook.cli.plain import document

if TYPE_CHECKING:
    from rollbook import Profile, RowError, Upload
    from rollbook.cli.rejections import Rejections
    from rollbook.cli.upload_request import UploadRequest


def report_upload(
    request: UploadRequest, profile: Profile, upload: Upload, rejected: Rejections
) -> None:
    """Tell the counts, how the file was read, why rows were rejected, and the next step."""
    written = request.errors if upload.rejected_count else None
    if request.session.wants_json:
        show_json(document(upload, rejected_by_reason=rejected.counts, errors_file=written))
        return
    show(facts(_properties(profile, upload)))
    if upload.rejected_count:
        _show_rejected(rejected)
    for line in _next_steps(request, profile, upload):
        say(line)


def _properties(profile: Profile, upload: Upload) -> dict[str, object]:
    would = "would be " if _came_to_nothing(upload) else ""
    return {
        "Profile Name": profile.name,
        "Upload": f"{upload.upload_id} {_state(upload)}",
        "Rows": upload.row_count,
        f"  {would}created": upload.created_count,
        f"  {would}updated": upload.updated_count,
        "  unchanged": upload.unchanged_count,
        "  rejected": upload.rejected_count,
        "Dialect": upload.dialect,
        "Columns": ", ".join(f"{one.column}: {one.field}" for one in upload.columns),
    }


def _came_to_nothing(upload: Upload) -> bool:
    return upload.validate_only or upload.state is UploadState.FAILED


def _state(upload: Upload) -> str:
    if upload.state is UploadState.FAILED:
        return "(failed: nothing of it was kept)"
    return "(dry run: nothing was kept)" if upload.validate_only else "(finished)"


def _show_rejected(rejected: Rejections) -> None:
    show("", table(("Rejected because of", "Rows"), list(rejected.counts.items())))
    show("", "For example:", *(f"  {_example(error)}" for error in rejected.examples))


def _example(error: RowError) -> str:
    column = f", column {error.column}" if error.column else ""
    return clean(f"line {error.line}{column}: {error.message}")


def _next_steps(request: UploadRequest, profile: Profile, upload: Upload) -> list[str]:
    if upload.rejected_count:
        return [*_about_error_file(request, upload), _mend(request, upload)]
    if upload.validate_only:
        return [f"Next, for real: {request.again(dry_run=False)}"]
    return [] if profile.tokenless else [f"Next: {request.session.command('qr', request.profile)}"]


def _about_error_file(request: UploadRequest, upload: Upload) -> list[str]:
    if request.errors is not None:
        return [f"The {upload.rejected_count:,} rejected rows are in {request.errors}."]
    return [f"The rejected rows as a CSV file: {request.resumed(errors='rejected.csv')}"]


def _mend(request: UploadRequest, upload: Upload) -> str:
    """Give the next command: with the rejected rows alone only if the others were kept."""
    alone = request.errors is not None and not _came_to_nothing(upload)
    file = request.errors if alone and request.errors else request.file
    return f"Mend {file} and run: {request.again(file)}"

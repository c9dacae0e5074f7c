"""What is told of an upload that came to its end, and what to do next."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from rollbook import UploadState
from rollbook.cli.next_steps import may_reveal_tokens, next_steps_after_rows
from rollbook.cli.output import clean, counted, facts, say, show, show_json
from rollbook.cli.plain import document
from rollbook.cli.tables import table
from rollbook.cli.upload_request import free_path
from rollbook.cli.wording import about_row

if TYPE_CHECKING:
    from rollbook import AdminClient, Profile, RowError, Upload
    from rollbook.cli.rejections import Rejections
    from rollbook.cli.upload_request import UploadRequest


def report_upload(  # noqa: PLR0913 - all that there is to tell
    request: UploadRequest,
    profile: Profile,
    upload: Upload,
    rejected: Rejections,
    written: Path | None,
    *,
    client: AdminClient,
) -> None:
    """Tell the counts, how the file was read, why rows were rejected, and the next step.

    `written` is the file that the rejected rows were written to.
    """
    if request.session.wants_json:
        show_json(document(upload, rejected_by_reason=rejected.counts, errors_file=written))
        return
    show(facts(_properties(profile, upload)))
    if upload.rejected_count:
        _show_rejected(rejected)
    for line in _next_steps(client, request, profile, upload, written):
        say(line)


def _properties(profile: Profile, upload: Upload) -> dict[str, object]:
    created, updated = _words(upload)
    return {
        "Profile Name": profile.name,
        "Upload": f"{upload.upload_id} {_state(upload)}",
        "Rows": upload.row_count,
        f"  {created}": upload.created_count,
        f"  {updated}": upload.updated_count,
        "  unchanged": upload.unchanged_count,
        "  rejected": upload.rejected_count,
        "Dialect": upload.dialect,
        "Columns": ", ".join(f"{one.column}: {one.field}" for one in upload.columns),
    }


def _words(upload: Upload) -> tuple[str, str]:
    """Name the counts of new and changed devices by what became of them."""
    if upload.state is UploadState.FAILED:
        return "new, not kept", "changed, not kept"
    if upload.validate_only:
        return "would be created", "would be updated"
    return "created", "updated"


def _state(upload: Upload) -> str:
    if upload.state is UploadState.FAILED:
        return "(failed: nothing of it was kept)"
    return "(dry run: nothing was kept)" if upload.validate_only else "(finished)"


def _show_rejected(rejected: Rejections) -> None:
    show("", table(("Rejected because of", "Rows"), list(rejected.counts.items())))
    show("", "For example:", *(Text(f"  {example(error)}") for error in rejected.examples))
    for line in next_steps_after_rows(rejected.counts):
        say(line)


def example(error: RowError) -> str:
    """Say of a row where it is wrong, and what to write instead if that is known."""
    column = f", column {error.column}" if error.column else ""
    repair = f"; write {error.suggestion}" if error.suggestion else ""
    return clean(f"line {error.line}{column}: {about_row(error.message)}{repair}")


def _next_steps(
    client: AdminClient,
    request: UploadRequest,
    profile: Profile,
    upload: Upload,
    written: Path | None,
) -> list[str]:
    if upload.rejected_count:
        return [_about_error_file(request, upload, written), _mend(request, upload, written)]
    if upload.validate_only:
        return [f"Next, for real: {request.again(dry_run=False)}"]
    if profile.tokenless or not may_reveal_tokens(client):
        return []
    return [f"Next: {request.session.command('qr', request.profile)}"]


def _about_error_file(request: UploadRequest, upload: Upload, written: Path | None) -> str:
    if written is not None:
        verb = "is" if upload.rejected_count == 1 else "are"
        return f"{counted(upload.rejected_count, 'rejected row')} {verb} in {written}."
    free = free_path(Path("rejected.csv"))
    resumed = request.resumed(errors=free)
    return f"The rejected rows as a CSV file{request.with_what}: {resumed}"


def _mend(request: UploadRequest, upload: Upload, written: Path | None) -> str:
    """Give the next command: with the rejected rows alone only if the others were kept."""
    kept = not upload.validate_only and upload.state is not UploadState.FAILED
    file = written if kept else None
    return f"Mend {file or request.called} and run: {request.again(file)}"

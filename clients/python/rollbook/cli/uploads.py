"""`rollbook upload`: a CSV file into a profile."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rollbook import (
    DeadlineExceededError,
    OnConflict,
    RollbookError,
    UnavailableError,
    UploadIncompleteError,
)
from rollbook.cli.completing import profile_names
from rollbook.cli.confirmations import yes_option
from rollbook.cli.error_files import beside, write_errors
from rollbook.cli.errors import CommandError
from rollbook.cli.exit_codes import ExitCode
from rollbook.cli.new_files import NewFile, force_option
from rollbook.cli.profile_names import find_profile
from rollbook.cli.rejections import rejections
from rollbook.cli.session import Session, with_session
from rollbook.cli.upload_leftovers import is_fault_of_file, tidy
from rollbook.cli.upload_replacements import in_place_of
from rollbook.cli.upload_report import report_upload
from rollbook.cli.upload_request import UploadRequest
from rollbook.cli.upload_sending import send
from rollbook.cli.upload_stops import (
    errors_unwritten,
    file_refused,
    incomplete,
    interrupted,
    refused,
    unreadable,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rollbook import AdminClient, Profile, Upload

_FIELDS = ("imei", "imei2", "serial_number", "manufacturer", "attribute", "ignored")
_HAS_INVALID_ROWS = "UPLOAD_HAS_INVALID_ROWS"
# The second is said when the failed upload is opened again.
_FAILED_REASONS = frozenset({_HAS_INVALID_ROWS, "UPLOAD_FAILED"})
# The server answered before, for it found the profile.
_CUT_OFF = (UploadIncompleteError, UnavailableError, DeadlineExceededError)


def _policy(_ctx: click.Context, _option: click.Parameter, value: str) -> OnConflict:
    return OnConflict(value.upper())


def _mapping(
    _ctx: click.Context, _option: click.Parameter, values: Sequence[str]
) -> dict[str, str]:
    """Give the columns' fields; a header may hold an equals sign, a field holds none."""
    mapping = {}
    for value in values:
        column, _, meaning = value.rpartition("=")
        if not column or meaning not in _FIELDS:
            raise click.BadParameter(f"{value!r} is not COLUMN=FIELD; fields: {', '.join(_FIELDS)}")
        mapping[column] = meaning
    return mapping


@click.command()
@click.argument("profile", shell_complete=profile_names)
@click.argument(
    "file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)
)
@click.option("--strict", is_flag=True, help="One invalid row fails it and nothing is kept.")
@click.option("--dry-run", is_flag=True, help="Check everything, keep nothing.")
@click.option(
    "--on-conflict",
    type=click.Choice([policy.lower() for policy in OnConflict if policy != "UNSPECIFIED"]),
    default="reject",
    show_default=True,
    callback=_policy,
    help="What a row does whose device is on the roll with other content.",
)
@click.option("--resume", metavar="UPLOAD", help="Go on with an upload that broke off.")
@click.option(
    "--replace",
    metavar="UPLOAD",
    help="Discard this upload first, once a dry run has shown that FILE will do: its devices "
    "that are not registered go.",
)
@click.option(
    "--errors",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="OUT.csv",
    help="Write the rejected rows there, each with its reason, ready to be mended.  [default: "
    "beside FILE, as NAME.rejected.csv; with --output json or --dry-run nowhere]",
)
@click.option("--no-errors", is_flag=True, help="Write the rejected rows nowhere.")
@click.option(
    "--map",
    "column_mapping",
    multiple=True,
    callback=_mapping,
    metavar="COLUMN=FIELD",
    help=f"How to understand a column: {', '.join(_FIELDS)}. May be repeated.",
)
@force_option
@yes_option
@with_session
def upload(  # noqa: PLR0913 - one argument for each option
    session: Session,
    *,
    profile: str,
    file: Path,
    strict: bool,
    dry_run: bool,
    on_conflict: OnConflict,
    resume: str | None,
    replace: str | None,
    errors: Path | None,
    no_errors: bool,
    column_mapping: Mapping[str, str],
    force: bool,
    yes: bool,
) -> ExitCode:
    """Upload the CSV file FILE into PROFILE, given by its id or name.

    FILE may be - for stdin, or a pipe: that is read to its end before anything is sent.

    To choose a different file in place of one that was uploaded, add --replace UPLOAD.
    """
    if errors is not None and no_errors:
        raise click.UsageError("--errors and --no-errors exclude each other.")
    new = NewFile(errors, "--errors", force) if errors is not None else None
    # Before anything is discarded, for it refuses what cannot be done.
    request = UploadRequest(
        session, profile, file, strict, dry_run, on_conflict, resume, new, column_mapping, replace
    )
    keeps_errors = not (no_errors or dry_run or session.wants_json)
    if replace is None:
        return _run(request, keeps_errors=keeps_errors)
    with in_place_of(replace, request, yes=yes) as asked:
        return _run(asked, keeps_errors=keeps_errors)


def _run(request: UploadRequest, *, keeps_errors: bool) -> ExitCode:
    with request.session.admin() as client:
        profile = find_profile(client, request.profile)
        done = _upload(client, profile, request)
        _tell(client, profile, request, done, keeps_errors=keeps_errors)
    return ExitCode.ROWS_REJECTED if done.rejected_count else ExitCode.DONE


def _upload(client: AdminClient, profile: Profile, request: UploadRequest) -> Upload:
    """Give the upload at its end; whatever stops it before tells how to go on."""
    try:
        if request.resume is not None:
            # The server would begin an upload of an id that it does not know.
            client.get_upload(request.resume)
        return send(client, profile, request)
    except KeyboardInterrupt as error:
        raise interrupted(request) from error
    except _CUT_OFF as error:
        raise incomplete(request, error) from error
    except RollbookError as error:
        if error.reason in _FAILED_REASONS:
            return _failed(client, request, error)
        if is_fault_of_file(error):
            raise file_refused(request, error, tidy(client, request)) from error
        raise refused(request, error) from error
    except OSError as error:
        raise unreadable(request, error, tidy(client, request)) from error


def _failed(client: AdminClient, request: UploadRequest, error: RollbookError) -> Upload:
    """Give the upload that failed because of its rows, for they are worth a report."""
    upload = client.get_upload(request.upload_id)
    if upload.failure_reason != _HAS_INVALID_ROWS:
        raise refused(request, error)
    return upload


def _tell(
    client: AdminClient,
    profile: Profile,
    request: UploadRequest,
    done: Upload,
    *,
    keeps_errors: bool,
) -> None:
    """Write the rejected rows and report; that a file cannot be written hides no upload."""
    written, fault = None, None
    try:
        written = _write_errors(client, request, done, unasked=keeps_errors)
    except (OSError, CommandError) as error:
        fault = error
    report_upload(request, profile, done, rejections(client, done), written, client=client)
    if fault is not None:
        raise errors_unwritten(request, fault) from fault


def _write_errors(
    client: AdminClient, request: UploadRequest, done: Upload, *, unasked: bool
) -> Path | None:
    """Write the file of rejected rows, if there are any and one is wanted; gives its path.

    If nobody named it and it cannot be written, the report tells how to have it.
    """
    if not done.rejected_count:
        return None
    silent, source = request.session.wants_json, request.file
    if request.errors is not None:
        return write_errors(client, done, source, request.errors, silent=silent)
    if not unasked:
        return None
    try:
        return write_errors(client, done, source, beside(source), silent=False)
    except (OSError, CommandError):
        return None

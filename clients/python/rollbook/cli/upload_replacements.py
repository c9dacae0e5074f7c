"""`rollbook upload --replace`: discards an upload once it is known that another file will do.

What is discarded does not come back. So the file is sent as a dry run first, and if it is
refused, the upload that it was to replace stays as it is.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from rollbook import OnConflict, RollbookError, UploadIncompleteError
from rollbook.cli.errors import CommandError
from rollbook.cli.exit_codes import ExitCode
from rollbook.cli.output import counted, say
from rollbook.cli.profile_names import find_profile
from rollbook.cli.rejections import Rejections, rejections
from rollbook.cli.upload_history import confirm_discard, discard_and_tell
from rollbook.cli.upload_inputs import kept
from rollbook.cli.upload_leftovers import is_fault_of_file
from rollbook.cli.upload_report import example
from rollbook.cli.upload_sending import send
from rollbook.cli.upload_stops import file_refused, refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollbook import AdminClient, Profile, Upload
    from rollbook.cli.upload_request import UploadRequest

# The device may be one of the upload that goes.
_MAY_GO = "DEVICE_ON_ROLL"


@contextmanager
def in_place_of(replaced: str, request: UploadRequest, *, yes: bool) -> Iterator[UploadRequest]:
    """Discard an upload once the file is checked; gives what remains to be done.

    A pipe is read only once, so its copy serves the check and the upload.
    """
    _check_options(request)
    with request.session.admin() as client:
        profile = find_profile(client, request.profile)
        _confirm(client, profile, replaced, yes=yes)
    with kept(request.file) as copy:
        asked = replace(request, copy=copy)
        with request.session.admin() as client:
            _check_file(client, profile, asked)
            discard_and_tell(request.session, client, replaced)
        yield replace(asked, replaces=None)


def _check_options(request: UploadRequest) -> None:
    if request.resume is not None:
        raise click.UsageError("--replace begins a new upload; it does not go with --resume.")
    if request.dry_run:
        raise click.UsageError(
            "--replace discards an upload, a dry run keeps everything; what would go is told "
            "by: rollbook discard UPLOAD --dry-run"
        )


def _confirm(client: AdminClient, profile: Profile, replaced: str, *, yes: bool) -> None:
    """Ask whether the upload may go, if it is of this profile."""
    before = client.get_upload(replaced)
    if before.profile_id != profile.profile_id:
        raise click.BadParameter(
            f"{replaced} is an upload of another profile, {before.profile_id}",
            param_hint="'--replace'",
        )
    confirm_discard(before, yes=yes)


def _check_file(client: AdminClient, profile: Profile, request: UploadRequest) -> None:
    """Raise if the file would be refused, or with --strict would fail by its own rows."""
    try:
        checked = _dry_run(client, profile, request)
        if request.strict and checked.rejected_count:
            _check_rows(request, rejections(client, checked))
    except (RollbookError, CommandError, OSError, KeyboardInterrupt):
        if not request.session.wants_json:
            say("Nothing was discarded.")
        raise


def _dry_run(client: AdminClient, profile: Profile, request: UploadRequest) -> Upload:
    dry = _rehearsal(request)
    try:
        return send(client, profile, dry, as_what=", checked before anything is discarded")
    except UploadIncompleteError as error:
        raise _broke_off(request, error) from error
    except RollbookError as error:
        with suppress(RollbookError):  # What was refused is worth telling; this is not.
            client.discard_upload(dry.upload_id)
        told = file_refused(request, error, None) if is_fault_of_file(error) else None
        raise told or refused(request, error) from error


def _rehearsal(request: UploadRequest) -> UploadRequest:
    """Give the dry run, an upload of its own, that tells of all rows.

    The devices of the upload that goes are still there. To update them is no conflict.
    """
    moves = request.on_conflict is OnConflict.MOVE
    policy = OnConflict.MOVE if moves else OnConflict.UPDATE
    return replace(request, dry_run=True, strict=False, on_conflict=policy)


def _check_rows(request: UploadRequest, rejected: Rejections) -> None:
    count = sum(number for reason, number in rejected.counts.items() if reason != _MAY_GO)
    if not count:
        return
    lines = "; ".join(example(one) for one in rejected.examples if one.reason != _MAY_GO)
    raise CommandError(
        f"{counted(count, 'row')} of {request.called} would be rejected, and --strict takes "
        f"none of a file with one: {lines}",
        reason="UPLOAD_HAS_INVALID_ROWS",
        exit_code=ExitCode.ROWS_REJECTED,
        next_step=f"Mend {request.called} and run: {request.again()}",
    )


def _broke_off(request: UploadRequest, error: UploadIncompleteError) -> CommandError:
    return CommandError(
        f"The check of {request.called} broke off: {error.__cause__ or error}",
        reason=error.reason or "UPLOAD_INCOMPLETE",
        code=error.code,
        exit_code=ExitCode.UNREACHABLE,
        next_step=f"Try again: {request.again()}",
    )

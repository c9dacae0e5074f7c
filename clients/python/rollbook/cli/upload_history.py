"""`rollbook uploads` and `rollbook discard`: what was uploaded, and how to take it back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from rollbook import DeviceState, UploadState
from rollbook.cli.completing import profile_names
from rollbook.cli.confirmations import confirm, yes_option
from rollbook.cli.dry_runs import dry_run_option, tell_dry_run
from rollbook.cli.lists import show_json_list
from rollbook.cli.output import clean, counted, say, show, show_json
from rollbook.cli.plain import plain
from rollbook.cli.profile_names import find_profile
from rollbook.cli.session import Session, with_session
from rollbook.cli.tables import table

if TYPE_CHECKING:
    from rollbook import AdminClient, DiscardedUpload, Upload

_LONGEST_PAGE = 1000
_COLUMNS = (
    "Upload",
    "File",
    "State",
    "Rows",
    "created",
    "updated",
    "unchanged",
    "rejected",
    "Begun",
)


@click.command()
@click.argument("profile", shell_complete=profile_names)
@with_session
def uploads(session: Session, profile: str) -> None:
    """List the uploads of PROFILE, newest first."""
    with session.admin() as client:
        listed = client.list_uploads(find_profile(client, profile).profile_id)
        if session.wants_json:
            show_json_list(listed)
            return
        found = list(listed)
    if found:
        show(table(_COLUMNS, [_row(one) for one in found], whole=("Upload",)))
        say(f"To take one back: {session.command('discard', 'UPLOAD')}")
    else:
        say(f"Nothing was uploaded yet: {session.command('upload', profile, 'FILE.csv')}")


@click.command()
@click.argument("upload")
@dry_run_option
@yes_option
@with_session
def discard(session: Session, upload: str, *, dry_run: bool, yes: bool) -> None:
    """Take UPLOAD back: remove its devices that are not registered."""
    with session.admin() as client:
        found = client.get_upload(upload)
        if dry_run:
            _tell_discard(session, client, found)
            return
        confirm_discard(found, yes=yes)
        done = discard_and_tell(session, client, upload)
    if session.wants_json:
        show_json(done)


def confirm_discard(upload: Upload, *, yes: bool) -> None:
    """Ask before the devices of an upload go."""
    name = clean(upload.file_name) or upload.upload_id
    count = counted(upload.created_count, "device")
    confirm(f"Of the {count} that {name} put on the roll, all that are not registered go.", yes=yes)


def discard_and_tell(session: Session, client: AdminClient, upload: str) -> DiscardedUpload:
    """Discard an upload, and say to people what went and what stays."""
    done = client.discard_upload(upload)
    if session.wants_json:
        return done
    stays = f"; {counted(done.kept_count, 'registered device')} stayed" if done.kept_count else ""
    say(f"Discarded {upload}: {counted(done.removed_count, 'device')} removed{stays}.")
    return done


def _tell_discard(session: Session, client: AdminClient, found: Upload) -> None:
    removed, kept = _what_goes(client, found)
    stays = f"; {counted(kept, 'registered device')} would stay" if kept else ""
    tell_dry_run(
        session,
        {"upload": plain(found), "removed_count": removed, "kept_count": kept},
        f"Would discard {found.upload_id} ({found.file_name or 'no file name'}): "
        f"{counted(removed, 'device')} would be removed{stays}.",
    )


def _what_goes(client: AdminClient, found: Upload) -> tuple[int, int]:
    """Count the devices that would go, and those that would stay as they are registered.

    A device that the upload only changed is older than it, and no part of it.
    """
    begun = found.create_time
    listed = client.list_devices(upload_id=found.upload_id, page_size=_LONGEST_PAGE)
    states = [one.state for one in listed if begun and one.create_time and one.create_time >= begun]
    kept = states.count(DeviceState.REGISTERED)
    ended = found.state in (UploadState.FAILED, UploadState.DISCARDED)
    return (0 if ended else len(states) - kept), kept


def _row(one: Upload) -> tuple[object, ...]:
    state = f"{one.state.title()}, dry run" if one.validate_only else one.state
    return (
        *(one.upload_id, one.file_name, state, one.row_count),
        *(_kept_counts(one) if _is_kept(one) else ("-", "-")),
        *(one.unchanged_count, one.rejected_count, one.create_time),
    )


def _kept_counts(one: Upload) -> tuple[object, object]:
    return one.created_count, one.updated_count


def _is_kept(one: Upload) -> bool:
    """Tell whether anything that the upload did is still to be seen on the roll."""
    ended = one.state in (UploadState.FAILED, UploadState.DISCARDED)
    return not one.validate_only and not ended

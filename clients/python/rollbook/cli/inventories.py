"""`rollbook inventory`: what is on the roll, as a CSV file that can be uploaded again."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from rollbook.cli.completing import profile_names
from rollbook.cli.export_progress import watch
from rollbook.cli.new_files import NewFile, force_option
from rollbook.cli.output import counted, say, show_json
from rollbook.cli.profile_names import find_profile
from rollbook.cli.session import Session, with_session

if TYPE_CHECKING:
    from rollbook import AdminClient, Profile


@click.command()
@click.argument("profile", shell_complete=profile_names)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.csv",
    help="The file to write; stdout without it.",
)
@force_option
@with_session
def inventory(session: Session, *, profile: str, out: Path | None, force: bool) -> None:
    """Download the devices of PROFILE as a CSV file.

    It holds every identifier and attribute, and can be uploaded again as it is; columns
    that begin with "Rollbook" tell state, times and where a device came from, and an
    upload passes over them. FILE.csv appears when all of it has arrived.
    """
    if session.wants_json and out is None:
        raise click.UsageError("--output json needs --out: the file itself goes to stdout.")
    if out is None:
        _to_stdout(session, profile)
        return
    new = NewFile(out, "--out", force)
    new.check()
    with session.admin() as client:
        found = find_profile(client, profile)
        with new.writing() as file:
            size, devices = _download(client, found, file, silent=session.wants_json)
    _tell(session, out, size, devices)


def _to_stdout(session: Session, profile: str) -> None:
    with session.admin() as client:
        found = find_profile(client, profile)
        sys.stdout.flush()
        _download(client, found, sys.stdout.buffer, silent=sys.stdout.isatty())
        sys.stdout.buffer.flush()


def _download(
    client: AdminClient, profile: Profile, file: BinaryIO, *, silent: bool
) -> tuple[int, int]:
    """Write the file; gives how many bytes and devices it holds."""
    with watch(profile, silent=silent) as progress:
        for piece in client.export_devices(profile.profile_id):
            file.write(piece)
            progress.add(piece)
    return progress.size, progress.devices


def _tell(session: Session, out: Path, size: int, devices: int) -> None:
    if session.wants_json:
        show_json({"file": out, "bytes": size, "devices": devices})
    else:
        say(f"Wrote {out}: {counted(devices, 'device')}, {counted(size, 'byte')}.")

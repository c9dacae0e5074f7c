"""`rollbook inventory`: what is on the roll, as a CSV file that can be uploaded again."""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from rollbook.cli.errors import CommandError
from rollbook.cli.export_progress import watch
from rollbook.cli.output import counted, say, show_json
from rollbook.cli.profile_names import find_profile
from rollbook.cli.session import Session, with_session

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollbook import AdminClient, Profile


@click.command()
@click.argument("profile")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.csv",
    help="A file that does not exist yet; stdout without it.",
)
@with_session
def inventory(session: Session, profile: str, out: Path | None) -> None:
    """Download the devices of PROFILE as a CSV file.

    It holds every identifier and attribute, and can be uploaded again as it is; columns
    that begin with "Rollbook" tell state, times and where a device came from, and an
    upload passes over them. FILE.csv appears when all of it has arrived.
    """
    if session.wants_json and out is None:
        raise click.UsageError("--output json needs --out: the file itself goes to stdout.")
    with session.admin() as client:
        found = find_profile(client, profile)
        if out is None:
            sys.stdout.flush()
            _download(client, found, sys.stdout.buffer, silent=sys.stdout.isatty())
            sys.stdout.buffer.flush()
            return
        with _new_file(out) as file:
            size, devices = _download(client, found, file, silent=session.wants_json)
    _tell(session, out, size, devices)


def _download(
    client: AdminClient, profile: Profile, file: BinaryIO, *, silent: bool
) -> tuple[int, int]:
    """Write the file; gives how many bytes and devices it holds."""
    with watch(profile, silent=silent) as progress:
        for piece in client.export_devices(profile.profile_id):
            file.write(piece)
            progress.add(piece)
    return progress.size, progress.devices


@contextmanager
def _new_file(path: Path) -> Iterator[BinaryIO]:
    """Give a file that gets its name once it is whole, and never that of another."""
    if path.exists():
        raise _exists(path)
    handle, name = tempfile.mkstemp(prefix=f".{path.name[:64]}.", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        _give_name(name, path)
    finally:
        Path(name).unlink(missing_ok=True)


def _give_name(name: str, path: Path) -> None:
    """Link the file to its path, which fails if something stands there by now."""
    try:
        os.link(name, path)
    except FileExistsError:
        raise _exists(path) from None
    except OSError:  # a file system without links: one look, then the name
        if path.exists():
            raise _exists(path) from None
        Path(name).rename(path)


def _exists(path: Path) -> CommandError:
    return CommandError(
        f"{path} is there already, and was left as it is.",
        reason="FILE_EXISTS",
        code="ALREADY_EXISTS",
        next_step="Choose another name with --out, or move that file away.",
    )


def _tell(session: Session, out: Path, size: int, devices: int) -> None:
    if session.wants_json:
        show_json({"file": out, "bytes": size, "devices": devices})
    else:
        say(f"Wrote {out}: {counted(devices, 'device')}, {counted(size, 'byte')}.")

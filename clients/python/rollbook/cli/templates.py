"""`rollbook template`: a CSV file to fill in."""

from __future__ import annotations

from pathlib import Path

import click

from rollbook.cli.completing import profile_names
from rollbook.cli.new_files import NewFile, force_option
from rollbook.cli.output import say, show_bytes, show_json
from rollbook.cli.profile_names import find_profile
from rollbook.cli.session import Session, with_session


@click.command()
@click.option(
    "--profile",
    shell_complete=profile_names,
    help="Include the attribute columns that this profile uses.",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.csv",
    help="The file to write; stdout without it.",
)
@force_option
@with_session
def template(session: Session, *, profile: str | None, out: Path | None, force: bool) -> None:
    """Give a CSV file with the right header and one example row."""
    new = NewFile(out, "--out", force) if out is not None else None
    if new is not None:
        new.check()
    with session.admin() as client:
        profile_id = find_profile(client, profile).profile_id if profile else ""
        data = client.get_upload_template(profile_id)
    if new is not None:
        with new.writing() as file:
            file.write(data)
    if session.wants_json:
        show_json({"data": data.decode("utf-8-sig"), "file": out})
    elif out is None:
        show_bytes(data)
    else:
        upload = session.command("upload", "PROFILE", str(out))
        say(f"Wrote {out}. Put your devices in place of the example, then: {upload}")

"""`rollbook template`: a CSV file to fill in."""

from __future__ import annotations

from pathlib import Path

import click

from rollbook.cli.output import say, show_bytes, show_json
from rollbook.cli.profile_names import find_profile
from rollbook.cli.session import Session, with_session


@click.command()
@click.option("--profile", help="Include the attribute columns that this profile uses.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.csv",
    help="A file that does not exist yet; stdout without it.",
)
@with_session
def template(session: Session, profile: str | None, out: Path | None) -> None:
    """Give a CSV file with the right header and one example row."""
    with session.admin() as client:
        profile_id = find_profile(client, profile).profile_id if profile else ""
        data = client.get_upload_template(profile_id)
    if out is not None:
        _write_new(out, data)
    if session.wants_json:
        show_json({"data": data.decode("utf-8-sig"), "file": out})
    elif out is None:
        show_bytes(data)
    else:
        upload = session.command("upload", "PROFILE", str(out))
        say(f"Wrote {out}. Put your devices in place of the example, then: {upload}")


def _write_new(path: Path, data: bytes) -> None:
    """Write the file unless there is one: it may be a template filled in already."""
    with path.open("xb") as file:
        file.write(data)

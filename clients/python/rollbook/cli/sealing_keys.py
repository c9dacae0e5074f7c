"""`rollbook key rotate-sealing`: give the server a new key to seal tokens with."""

from __future__ import annotations

import click

from rollbook.cli.output import counted, say, show_json
from rollbook.cli.progress import waiting
from rollbook.cli.session import Session, with_session


@click.command("rotate-sealing")
@with_session
def rotate_sealing(session: Session) -> None:
    """Seal all tokens in the server's database with a new key, while it serves.

    Tokens and QR codes stay as they are. The old key leaves the server's key file at the
    end: keep a copy of it for as long as you keep backups of the database from before.
    """
    with session.admin() as client, waiting("Sealing tokens anew", silent=session.wants_json):
        done = client.rotate_sealing_key()
    if session.wants_json:
        show_json(done)
        return
    say(f"Sealed anew with the key {done.key_id}: {counted(done.resealed_count, 'value')}.")
    say("Copy the server's key file: what is backed up from now on needs the new one.")

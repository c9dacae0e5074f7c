"""`rollbook key rotate-sealing`: give the server a new key to seal tokens with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from rollbook.cli.output import counted, say, show_json
from rollbook.cli.progress import counting
from rollbook.cli.session import Session, with_session

if TYPE_CHECKING:
    from rollbook import AdminClient, SealingKeyRotation


@click.command("rotate-sealing")
@with_session
def rotate_sealing(session: Session) -> None:
    """Seal all tokens in the server's database with a new key, while it serves.

    Tokens and QR codes stay as they are. The old key leaves the server's key file at the
    end: keep a copy of it for as long as you keep backups of the database from before.
    """
    with session.admin() as client:
        done = _rotate(client, silent=session.wants_json)
    if session.wants_json:
        show_json(done)
        return
    say(f"Sealed anew with the key {done.key_id}: {counted(done.resealed_count, 'value')}.")
    say("Copy the server's key file: what is backed up from now on needs the new one.")


def _rotate(client: AdminClient, *, silent: bool) -> SealingKeyRotation:
    with counting("Sealing tokens anew", "value", None, silent=silent) as told:
        return client.rotate_sealing_key(
            progress=lambda step: told(step.resealed_count, step.total_count)
        )

"""`rollbook key rotate-sealing`: give the server a new key to seal tokens with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from rollbook.cli.output import counted, say, show_json
from rollbook.cli.progress import counting
from rollbook.cli.session import Session, with_session

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollbook import AdminClient, SealingKeyRotation


_HOW_IT_GOES_ON = (
    "The server seals on, or at its next start, and every token can be read meanwhile; "
    "`rollbook key rotate-sealing` follows it and makes no other key before it is over."
)


@click.command("rotate-sealing")
@with_session
def rotate_sealing(session: Session) -> None:
    """Seal all tokens in the server's database with a new key, while it serves.

    Tokens and QR codes stay as they are. The old key leaves the server's key file at the
    end: keep a copy of it for as long as you keep backups of the database from before.

    One that is under way already is followed, and one that broke off goes on.
    """
    with session.admin() as client:
        done = _rotate(client, silent=session.wants_json)
    if session.wants_json:
        show_json(done)
        return
    for sentence in told(done):
        say(sentence)


def told(done: SealingKeyRotation) -> Iterator[str]:
    """Give what to say of a rotation that is over: what was done, what is left, what comes next."""
    if done.joined:
        yield "A rotation was not over yet: it went on, and no other key was made."
    yield _count(done)
    yield _readable(done.unreadable_count)
    yield "Copy the server's key file: what is backed up from now on needs the new one."


def _count(done: SealingKeyRotation) -> str:
    if not done.resumed:
        return f"Sealed anew with the key {done.key_id}: {counted(done.resealed_count, 'value')}."
    if not done.total_count:
        return (
            f"All is sealed anew with the key {done.key_id}, and nothing was left to do. What was "
            "done before the rotation broke off, or before the server's start, is not counted."
        )
    return (
        f"Sealed anew with the key {done.key_id}: {counted(done.resealed_count, 'value')} since "
        "the rotation went on; those before it broke off are not counted again."
    )


def _readable(unreadable_count: int) -> str:
    if not unreadable_count:
        return "Nothing is left that an older key sealed."
    return (
        f"{counted(unreadable_count, 'value')} stayed as before, for no key of the server opens "
        "what is damaged or was sealed with a key that is lost; all others can be read. The "
        "server's log tells, and `rollbook token refresh PROFILE` makes a new token."
    )


def _rotate(client: AdminClient, *, silent: bool) -> SealingKeyRotation:
    steps: list[SealingKeyRotation] = []
    try:
        return _followed(client, steps, silent=silent)
    except BaseException:  # also Ctrl-C
        if steps and not silent:
            say(_HOW_IT_GOES_ON)
        raise


def _followed(
    client: AdminClient, steps: list[SealingKeyRotation], *, silent: bool
) -> SealingKeyRotation:
    """Draw how far it is, and keep the last step of it."""
    with counting("Sealing tokens anew", "value", None, silent=silent) as count:

        def follow(step: SealingKeyRotation) -> None:
            steps[:] = [step]
            count(step.resealed_count, step.total_count)

        return client.rotate_sealing_key(progress=follow)

"""`rollbook watch`: how many devices of a profile are registered and pending, as it changes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from rollbook import DeadlineExceededError, UnavailableError
from rollbook.cli.completing import profile_names
from rollbook.cli.finite import FiniteRange
from rollbook.cli.profile_names import find_profile
from rollbook.cli.session import Session, with_session
from rollbook.cli.watch_views import Seen, view

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollbook import AdminClient, Profile

_CALL_SECONDS = 10.0

# A Ctrl-C that comes just before a sleep does not end it: Python notices it after that.
_NAP_SECONDS = 0.25


@click.command()
@click.argument("profile", shell_complete=profile_names)
@click.option(
    "--interval",
    type=FiniteRange(0.1, 3600),
    default=2.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait before the server is asked again.",
)
@with_session
def watch(session: Session, *, profile: str, interval: float) -> None:
    """Show how many devices of PROFILE are registered and pending, until Ctrl-C.

    On a terminal the counts are drawn anew in their place; elsewhere every change is a
    line, with --output json a JSON document. A server that goes away is waited for.
    """
    try:
        with session.admin(timeout_seconds=_CALL_SECONDS) as client, view(session) as show:
            for seen in _sights(client, find_profile(client, profile), interval):
                show(seen)
    except KeyboardInterrupt:
        return  # The way to end it, and no failure.


def _sights(client: AdminClient, profile: Profile, interval: float) -> Iterator[Seen]:
    """Give what is there, again and again; the last counts while the server is away."""
    seen = Seen(profile)
    while True:
        yield seen
        _wait(interval)  # the contract has no call that waits for a change
        try:
            seen = Seen(client.get_profile(profile.profile_id))
        except (UnavailableError, DeadlineExceededError):
            seen = Seen(seen.profile, is_answering=False)


def _wait(seconds: float) -> None:
    """Sleep so long; Ctrl-C ends it at any moment."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        time.sleep(min(left, _NAP_SECONDS))

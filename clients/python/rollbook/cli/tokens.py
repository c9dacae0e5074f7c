"""`rollbook token`: look at the token of a profile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from rollbook.cli.output import clean, facts, show, show_json, show_raw
from rollbook.cli.profile_names import find_profile
from rollbook.cli.session import Session, with_session

if TYPE_CHECKING:
    from rollbook import Profile, Token


@click.group()
def token() -> None:
    """Look at the token with which devices enroll into a profile."""


@token.command("show")
@click.argument("profile")
@with_session
def show_(session: Session, profile: str) -> None:
    """Show the token of PROFILE without its value."""
    with session.admin() as client:
        owner = find_profile(client, profile)
        found = client.get_token(owner.profile_id)
    if session.wants_json:
        show_json(found)
    else:
        show(facts(_properties(owner, found)))


@token.command()
@click.argument("profile")
@with_session
def reveal(session: Session, profile: str) -> None:
    """Show the value of PROFILE's token: whoever has it can enroll devices."""
    with session.admin() as client:
        value = client.reveal_token(find_profile(client, profile).profile_id)
    if session.wants_json:
        show_json({"value": value})
    else:
        show_raw(f"{clean(value)}\n")


def _properties(owner: Profile, found: Token) -> dict[str, object]:
    return {
        "Profile Name": owner.name,
        "Enrollment Token": found.obfuscated_value,
        "Token ID": found.token_id,
        "State": found.state,
        "Created": found.create_time,
        "Token Expiry": found.expire_time,
        "Uses": found.use_count,
        "Last used": found.last_use_time,
    }

"""`rollbook token`: look after the token of a profile."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import click

from rollbook import TokenState
from rollbook.cli.completing import profile_names
from rollbook.cli.confirmations import confirm, yes_option
from rollbook.cli.dry_runs import dry_run_option, tell_dry_run
from rollbook.cli.finite import FiniteRange
from rollbook.cli.next_steps import may_reveal_tokens
from rollbook.cli.output import clean, counted, facts, say, show, show_json, show_raw, warn, words
from rollbook.cli.plain import document
from rollbook.cli.profile_names import find_profile, find_profile_with_token, typed
from rollbook.cli.session import Session, with_session

if TYPE_CHECKING:
    from rollbook import AdminClient, Profile, Token


_INT32 = 2**31 - 1  # what the contract's numbers hold; the server knows its bounds


def _overlap(
    _ctx: click.Context, _option: click.Parameter, hours: float | None
) -> timedelta | None:
    return None if hours is None else timedelta(hours=hours)


@click.group()
def token() -> None:
    """Look after the token with which devices enroll into a profile."""


@token.command("show")
@click.argument("profile", shell_complete=profile_names)
@with_session
def show_(session: Session, profile: str) -> None:
    """Show the token of PROFILE without its value."""
    with session.admin() as client:
        owner = find_profile(client, profile)
        found = client.get_token(owner.profile_id)
    _show(session, owner, found)
    _warn_unless_active(session, owner, found)


@token.command()
@click.argument("profile", shell_complete=profile_names)
@with_session
def reveal(session: Session, profile: str) -> None:
    """Show the value of PROFILE's token: whoever has it can enroll devices."""
    with session.admin() as client:
        owner, found = find_profile_with_token(client, profile)
        value = client.reveal_token(owner.profile_id)
    if session.wants_json:
        show_json({"value": value, **_validity(found)})
        return
    show_raw(f"{clean(value)}\n")
    if found is not None:
        _warn_unless_active(session, owner, found)


def _validity(found: Token | None) -> dict[str, object]:
    """Give what a program needs to know before it hands the value out."""
    return {"state": found.state, "expire_time": found.expire_time} if found else {}


def _warn_unless_active(session: Session, owner: Profile, found: Token) -> None:
    if session.wants_json or found.state is TokenState.ACTIVE:
        return
    expiry = words(found.expire_time)
    when = f"its time ended {expiry}" if found.state is TokenState.EXPIRED else f"expiry {expiry}"
    warn(f"This token is {str(found.state).lower()} ({when}): no device can enroll with it.")
    say(token_commands(session, owner, found))


@token.command()
@click.argument("profile", shell_complete=profile_names)
@click.option(
    "--overlap",
    type=FiniteRange(0, 24),
    callback=_overlap,
    metavar="HOURS",
    help="How long the old token goes on to work, at most 24 hours.  [default: not at all]",
)
@dry_run_option
@yes_option
@with_session
def refresh(
    session: Session, *, profile: str, overlap: timedelta | None, dry_run: bool, yes: bool
) -> None:
    """Make a new token for PROFILE. The old one, and its QR codes, stop working."""
    with session.admin() as client:
        owner = find_profile(client, profile)
        when = f"in {overlap}" if overlap else "at once"
        if dry_run:
            _tell_end(session, client, owner, f"would end {when}, and a new one would be made")
            return
        confirm(f"The old token of {clean(owner.name)} and its QR codes end {when}.", yes=yes)
        found = client.refresh_token(owner.profile_id, overlap=overlap)
        _show(session, owner, found)  # before anything more is asked: it is done
        if not session.wants_json and may_reveal_tokens(client):
            say(f"Next: {session.command('qr', typed(owner))}")


@token.command()
@click.argument("profile", shell_complete=profile_names)
@click.option(
    "--days", type=int, required=True, metavar="N", help="7 to 99, unless the server differs."
)
@with_session
def extend(session: Session, *, profile: str, days: int) -> None:
    """Let the token of PROFILE live for N days from now, never shorter than it would.

    Its QR codes stay good. An expired token works again, a revoked one does not.
    """
    with session.admin() as client:
        owner, before = find_profile_with_token(client, profile)
        found = client.extend_token(owner.profile_id, max(-_INT32, min(days, _INT32)))
    _show(session, owner, found)
    if before is not None and before.expire_time == found.expire_time and not session.wants_json:
        say(f"Nothing changed: it lives longer than {counted(days, 'day')} from now as it is.")


@token.command()
@click.argument("profile", shell_complete=profile_names)
@dry_run_option
@yes_option
@with_session
def revoke(session: Session, *, profile: str, dry_run: bool, yes: bool) -> None:
    """Void the token of PROFILE at once, also older ones still in their overlap."""
    with session.admin() as client:
        owner = find_profile(client, profile)
        if dry_run:
            _tell_end(session, client, owner, "would end at once")
            return
        confirm(f"No device can enroll with the token of {clean(owner.name)} any more.", yes=yes)
        found = client.revoke_token(owner.profile_id)
    _show(session, owner, found)
    if not session.wants_json:
        say(f"A new token: {session.command('token', 'refresh', typed(owner))}")


@token.command("revoke-all")
@dry_run_option
@yes_option
@with_session
def revoke_all(session: Session, *, dry_run: bool, yes: bool) -> None:
    """Void the tokens of all profiles at once.

    For after an older database was put back, in which tokens that were revoked or
    refreshed since then work again.
    """
    with session.admin() as client:
        if dry_run:
            count = _unrevoked(client)
            would = f"Would revoke {counted(count, 'token')}: no device could enroll with any."
            tell_dry_run(session, {"revoked_count": count}, would)
            return
        confirm("No device can enroll with any token until each was refreshed.", yes=yes)
        count = client.revoke_all_tokens()
    if session.wants_json:
        show_json({"revoked_count": count})
        return
    say(f"{counted(count, 'token')} revoked, none works any more.")
    say(f"New tokens, for each profile: {session.command('token', 'refresh', 'PROFILE')}")


def _tell_end(session: Session, client: AdminClient, owner: Profile, what: str) -> None:
    """Tell what would end with the token: its QR codes, and the way in of pending devices."""
    found = client.get_token(owner.profile_id)
    pending = counted(owner.pending_count, "pending device")
    tell_dry_run(
        session,
        document(found),
        f"The token {found.obfuscated_value} of {owner.name} ({str(found.state).lower()}, "
        f"{counted(found.use_count, 'use')}) and its QR codes {what}.",
        f"Enrolls with it so far: {pending}.",
    )


def _unrevoked(client: AdminClient) -> int:
    """Count the tokens that are not revoked yet; a list of profiles does not tell."""
    owners = (one for one in client.list_profiles() if not one.tokenless)
    states = (client.get_token(one.profile_id).state for one in owners)
    return sum(state is not TokenState.REVOKED for state in states)


def token_commands(session: Session, owner: Profile, found: Token) -> str:
    """Give what can be done about the token, a command a line."""
    lines = [f"New token: {session.command('token', 'refresh', typed(owner))}"]
    if found.state is not TokenState.REVOKED:
        extend_it = session.command("token", "extend", typed(owner), options=("--days", "N"))
        lines.append(f"More time: {extend_it}")
    return "\n".join(lines)


def _show(session: Session, owner: Profile, found: Token) -> None:
    if session.wants_json:
        show_json(found)
    else:
        show(facts(_properties(owner, found)))


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

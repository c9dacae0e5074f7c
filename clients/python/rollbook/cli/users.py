"""`rollbook user`: create, list, edit and delete users."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from rollbook.cli.completing import user_names
from rollbook.cli.confirmations import confirm, yes_option
from rollbook.cli.dry_runs import dry_run_option, tell_dry_run
from rollbook.cli.lists import show_json_list
from rollbook.cli.output import counted, facts, say, show, show_json
from rollbook.cli.passwords import password_stdin_option, with_password
from rollbook.cli.session import Session, with_session
from rollbook.cli.tables import table
from rollbook.cli.terminals import can_ask
from rollbook.cli.user_names import find_user

if TYPE_CHECKING:
    from rollbook import AdminClient, User

_COLUMNS = ("User Name", "Display Name", "Email", "May sign in", "User ID")


@click.group()
def user() -> None:
    """Look after the users to whom profiles and devices are given."""


@user.command()
@click.argument("name")
@click.option("--display-name", default="", help="Name to greet them by.")
@click.option("--email", default="", help="Their address.")
@password_stdin_option
@click.option("--no-password", is_flag=True, help="Ask for none: the user cannot sign in.")
@with_session
def create(  # noqa: PLR0913 - one argument for each option
    session: Session,
    *,
    name: str,
    display_name: str,
    email: str,
    password_stdin: bool,
    no_password: bool,
) -> None:
    """Create the user NAME, and ask for the password to sign in with.

    Without a terminal and without --password-stdin the user gets no password; one can
    be set later with `rollbook user edit`.
    """
    if password_stdin and no_password:
        raise click.UsageError("--password-stdin and --no-password exclude each other.")
    asked = not no_password and (password_stdin or can_ask())
    with session.admin() as client:

        def make(password: str) -> User:
            return client.create_user(
                name, display_name=display_name, email=email, password=password
            )

        made = with_password(make, from_stdin=password_stdin) if asked else make("")
    _show(session, made)


@user.command("list")
@click.option(
    "--name", "--contains", default="", metavar="TEXT", help="Only those whose name contains it."
)
@with_session
def list_(session: Session, name: str) -> None:
    """List the users by name."""
    with session.admin() as client:
        listed = client.list_users(name_contains=name)
        if session.wants_json:
            show_json_list(listed)
            return
        found = list(listed)
    if found:
        show(table(_COLUMNS, [_row(one) for one in found], whole=("User ID",), folded=_COLUMNS[:1]))
    elif name:
        say("No user has such a name.")
    else:
        say(f"There is no user yet. Create one: {session.command('user', 'create', 'NAME')}")


@user.command()
@click.argument("user", shell_complete=user_names)
@click.option("--name", help="Another name to sign in with.")
@click.option("--display-name", help="Another name to greet them by; may be empty.")
@click.option("--email", help="Another address; may be empty.")
@click.option("--disable/--enable", "disabled", default=None, help="Whether they may sign in.")
@click.option("--password", "ask", is_flag=True, help="Ask for a new password.")
@password_stdin_option
@with_session
def edit(  # noqa: PLR0913 - one argument for each option
    session: Session,
    *,
    user: str,
    name: str | None,
    display_name: str | None,
    email: str | None,
    disabled: bool | None,
    ask: bool,
    password_stdin: bool,
) -> None:
    """Change USER, given by user_id or name; what is not named stays as it is."""
    if not (ask or password_stdin) and all(
        value is None for value in (name, display_name, email, disabled)
    ):
        raise click.UsageError("Nothing to change: name at least one option.")
    with session.admin() as client:
        user_id = find_user(client, user).user_id

        def change(password: str) -> User:
            return client.update_user(
                user_id,
                user_name=name,
                display_name=display_name,
                email=email,
                disabled=disabled,
                password=password,
            )

        asked = ask or password_stdin
        changed = with_password(change, from_stdin=password_stdin) if asked else change("")
    _show(session, changed)
    if changed.disabled and not disabled and not session.wants_json:
        enable = session.command("user", "edit", changed.user_name, options=("--enable",))
        say(f"This user is disabled and cannot sign in. To let them: {enable}")


@user.command()
@click.argument("user", shell_complete=user_names)
@dry_run_option
@yes_option
@with_session
def delete(session: Session, user: str, *, dry_run: bool, yes: bool) -> None:
    """Delete USER, given by user_id or name.

    Profiles and devices that were given to the user are then given to none.
    """
    with session.admin() as client:
        found = find_user(client, user)
        if dry_run:
            _tell_deletion(session, client, found)
            return
        confirm(
            f"User {found.user_name!r} goes; profiles and devices given to them are given to none.",
            yes=yes,
        )
        client.delete_user(found.user_id, etag=found.etag)
    if session.wants_json:
        show_json({"user_id": found.user_id})
    else:
        say(f"Deleted the user {found.user_name!r}.")


def _tell_deletion(session: Session, client: AdminClient, found: User) -> None:
    theirs = list(client.list_profiles(user_id=found.user_id))
    profile_count, device_count = len(theirs), sum(one.device_count for one in theirs)
    given = f"{counted(profile_count, 'profile')} with {counted(device_count, 'device')}"
    tell_dry_run(
        session,
        {
            "user_id": found.user_id,
            "profile_count": profile_count,
            "device_count": device_count,
        },
        f"Would delete the user {found.user_name}; {given} would be given to none.",
    )


def _show(session: Session, one: User) -> None:
    if session.wants_json:
        show_json(one)
    else:
        show(facts(_properties(one)))


def _row(one: User) -> tuple[object, ...]:
    return (one.user_name, one.display_name, one.email, one.can_sign_in, one.user_id)


def _properties(one: User) -> dict[str, object]:
    """Give all that is known of the user: without the right VIEW what names it alone."""
    if not one.user_name:
        return {"User ID": one.user_id, "Created": one.create_time}
    return {
        **dict(zip(_COLUMNS, _row(one), strict=True)),
        "Disabled": one.disabled,
        "Created": one.create_time,
        "Last modified": one.update_time,
    }

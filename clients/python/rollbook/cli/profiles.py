"""`rollbook profile`: create, list, show, edit and delete profiles, and give them to users."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rollbook import ProfileOrder, ProfileOrigin
from rollbook.cli.completing import profile_names, user_names
from rollbook.cli.configuration_secrets import without_secrets
from rollbook.cli.configurations import key_names, read_configuration
from rollbook.cli.configure import configure
from rollbook.cli.confirmations import confirm, yes_option
from rollbook.cli.dry_runs import dry_run_option, tell_dry_run
from rollbook.cli.lists import show_json_list
from rollbook.cli.output import clean, counted, facts, say, show, show_json, warn
from rollbook.cli.plain import document
from rollbook.cli.profile_names import find_profile, find_profile_with_token, typed
from rollbook.cli.session import Session, with_session
from rollbook.cli.tables import table
from rollbook.cli.tokens import token_commands
from rollbook.cli.user_names import find_user

if TYPE_CHECKING:
    from rollbook import Profile, Token

# As the page "Bulk Enrollment Profiles" names them.
_COLUMNS = (
    "Profile Name",
    "Description",
    "Last modified",
    "TYPE",
    "No of Devices",
    "Associated User",
)
_ORDERS = {
    order.value.lower().replace("_", "-"): order
    for order in ProfileOrder
    if order is not ProfileOrder.UNSPECIFIED
}


@click.group()
def profile() -> None:
    """Look after profiles, under which devices are kept."""


@profile.command()
@click.argument("name")
@click.option("--description", default="", help="At most 1,024 characters.")
@click.option("--tokenless", is_flag=True, help="Match devices by their identifiers alone.")
@click.option("--single-device", is_flag=True, help="For devices added one by one.")
@click.option(
    "--user",
    default="",
    metavar="USER",
    shell_complete=user_names,
    help="Whom its devices are given to: user_id or name.",
)
@click.option(
    "--configuration",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE.json",
    help="What its devices are given: vendor_keys, system_extras, custom_system_keys.",
)
@with_session
def create(  # noqa: PLR0913 - one argument for each option
    session: Session,
    *,
    name: str,
    description: str,
    tokenless: bool,
    single_device: bool,
    user: str,
    configuration: Path | None,
) -> None:
    """Create the profile NAME, and its token unless it is tokenless."""
    keys = read_configuration(configuration) if configuration else None
    warnings: list[str] = []
    with session.admin() as client:
        made = client.create_profile(
            name,
            description=description,
            origin=ProfileOrigin.SINGLE_DEVICE if single_device else ProfileOrigin.CSV,
            tokenless=tokenless,
            user_id=find_user(client, user).user_id if user else "",
            configuration=keys,
            on_warning=warnings.append,
        )
    if session.wants_json:
        show_json(_document(made, warnings=warnings))
    else:
        show(facts(_properties(made)))
        for warning in warnings:
            warn(warning)
        # A profile for single devices is not filled from a file, nor by who may not find it.
        if made.name and not single_device:
            say(f"Next: {session.command('upload', typed(made), 'FILE.csv')}")


@profile.command("list")
@click.option("--name", default="", metavar="TEXT", help="Only those whose name contains it.")
@click.option(
    "--user",
    default="",
    metavar="USER",
    shell_complete=user_names,
    help="Only those of this user, by user_id or name.",
)
@click.option(
    "--order",
    type=click.Choice([*_ORDERS]),
    default="name",
    show_default=True,
    help="last-updated goes by what was changed of the profile itself, not by its devices.",
)
@with_session
def list_(session: Session, *, name: str, user: str, order: str) -> None:
    """List the profiles."""
    with session.admin() as client:
        user_id = find_user(client, user).user_id if user else ""
        listed = client.list_profiles(name_contains=name, user_id=user_id, order=_ORDERS[order])
        if session.wants_json:
            show_json_list(map(_document, listed))
            return
        found = list(listed)
    if found:
        show(table(_COLUMNS, [_row(one) for one in found], folded=_COLUMNS[:1]))
    elif name or user:
        say(f"No profile fits. All of them: {session.command('profile', 'list')}")
    else:
        say(f"There is no profile yet. Create one: {session.command('profile', 'create', 'NAME')}")


@profile.command("show")
@click.argument("profile", shell_complete=profile_names)
@with_session
def show_(session: Session, profile: str) -> None:
    """Show PROFILE, given by its id or name, with its counts and its token."""
    with session.admin() as client:
        found, token = find_profile_with_token(client, profile)
    if session.wants_json:
        show_json(_document(found, token=token))
    else:
        show(facts({**_properties(found), **_token_properties(token)}))
        if token is not None:
            say(token_commands(session, found, token))


@profile.command()
@click.argument("profile", shell_complete=profile_names)
@click.option("--name", help="The new name, 1 to 128 characters.")
@click.option("--description", help="The new description; empty takes it away.")
@with_session
def edit(session: Session, *, profile: str, name: str | None, description: str | None) -> None:
    """Change name and description of PROFILE, if it was made with --single-device."""
    if name is None and description is None:
        raise click.UsageError("Say what to change: --name, --description or both.")
    with session.admin() as client:
        profile_id = find_profile(client, profile).profile_id
        edited = client.update_profile(profile_id, name=name, description=description)
    _show_changed(session, edited)


@profile.command("assign-user")
@click.argument("profile", shell_complete=profile_names)
@click.argument("user", required=False, shell_complete=user_names)
@click.option("--none", "nobody", is_flag=True, help="Give its devices to no user.")
@with_session
def assign_user(session: Session, *, profile: str, user: str | None, nobody: bool) -> None:
    """Give the devices of PROFILE to USER, given by user_id or name.

    A device on which another user signed in stays with that one.
    """
    if nobody == bool(user):
        raise click.UsageError("Name a USER, or say --none.")
    with session.admin() as client:
        profile_id = find_profile(client, profile).profile_id
        user_id = find_user(client, user).user_id if user else ""
        assigned = client.assign_user(profile_id, user_id)
    _show_changed(session, assigned)


profile.add_command(configure)


def _show_changed(session: Session, changed: Profile) -> None:
    if session.wants_json:
        show_json(_document(changed))
    else:
        show(facts(_properties(changed)))


@profile.command()
@click.argument("profile", shell_complete=profile_names)
@dry_run_option
@yes_option
@with_session
def delete(session: Session, profile: str, *, dry_run: bool, yes: bool) -> None:
    """Delete PROFILE, given by its id or name, with its devices, uploads and token."""
    with session.admin() as client:
        found = find_profile(client, profile)
        if dry_run:
            _tell_deletion(session, found, sum(1 for _ in client.list_uploads(found.profile_id)))
            return
        confirm(
            f"Profile {clean(found.name)!r} goes with its {counted(found.device_count, 'device')}, "
            "its uploads and its token.",
            yes=yes,
        )
        count = client.delete_profile(found.profile_id, etag=found.etag)
    if session.wants_json:
        show_json({"profile_id": found.profile_id, "deleted_device_count": count})
    else:
        say(f"Deleted {found.name} with {counted(count, 'device')}.")


def _tell_deletion(session: Session, found: Profile, upload_count: int) -> None:
    devices = counted(found.device_count, "device")
    states = f"{found.registered_count:,} registered, {found.pending_count:,} pending"
    tail = "" if found.tokenless else " and its token"
    tell_dry_run(
        session,
        {"profile_id": found.profile_id, "deleted_device_count": found.device_count},
        f"Would delete {found.name} with {devices} ({states}), "
        f"{counted(upload_count, 'upload')}{tail}.",
    )


def _document(one: Profile, **more: object) -> dict[str, object]:
    """Give a profile for a program; `profile configure --reveal` shows what is hidden."""
    return document(one, configuration=without_secrets(one.configuration), **more)


def _row(one: Profile) -> tuple[object, ...]:
    changed = max(filter(None, (one.devices_update_time, one.update_time)), default=None)
    return (one.name, one.description, changed, one.type, one.device_count, one.user_name)


def _properties(one: Profile) -> dict[str, object]:
    """Give all that is known of the profile: without the right VIEW what names it alone."""
    if not one.name:
        return {"Profile ID": one.profile_id, "Created": one.create_time}
    name, description, changed, type_, _, user = _row(one)
    return {
        "Profile Name": name,
        "Profile ID": one.profile_id,
        "Description": description,
        "TYPE": type_,
        "Tokenless": one.tokenless,
        "Made for": "single devices" if one.origin is ProfileOrigin.SINGLE_DEVICE else "CSV files",
        "No of Devices": one.device_count,
        "  registered": one.registered_count,
        "  pending": one.pending_count,
        "Associated User": user,
        "Configuration": key_names(one.configuration),
        "Created": one.create_time,
        "Last modified": changed,
    }


def _token_properties(token: Token | None) -> dict[str, object]:
    if token is None:
        return {"Enrollment Token": "none: devices are matched by their identifiers alone"}
    return {
        "Enrollment Token": token.obfuscated_value,
        "Token State": token.state,
        "Token Expiry": token.expire_time,
        "Token Uses": token.use_count,
    }

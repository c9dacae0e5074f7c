"""`rollbook profile`: create, list, show and delete profiles."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rollbook import ProfileOrigin
from rollbook.cli.configurations import key_names, read_configuration
from rollbook.cli.confirmations import confirm, yes_option
from rollbook.cli.output import clean, counted, facts, say, show, show_json
from rollbook.cli.plain import document
from rollbook.cli.profile_names import find_profile
from rollbook.cli.session import Session, with_session
from rollbook.cli.tables import table
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


@click.group()
def profile() -> None:
    """Create, look at and delete profiles, under which devices are kept."""


@profile.command()
@click.argument("name")
@click.option("--description", default="", help="At most 1,024 characters.")
@click.option("--tokenless", is_flag=True, help="Match devices by their identifiers alone.")
@click.option("--single-device", is_flag=True, help="For devices added one by one.")
@click.option(
    "--user", default="", metavar="USER", help="Whom its devices are given to: user_id or name."
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
    with session.admin() as client:
        made = client.create_profile(
            name,
            description=description,
            origin=ProfileOrigin.SINGLE_DEVICE if single_device else ProfileOrigin.CSV,
            tokenless=tokenless,
            user_id=find_user(client, user).user_id if user else "",
            configuration=keys,
        )
    if session.wants_json:
        show_json(made)
    else:
        show(facts(_properties(made)))
        # A profile for single devices is not filled from a file.
        if not single_device:
            say(f"Next: {session.command('upload', made.name, 'FILE.csv')}")


@profile.command("list")
@with_session
def list_(session: Session) -> None:
    """List the profiles by name."""
    with session.admin() as client:
        found = list(client.list_profiles())
    if session.wants_json:
        show_json(found)
    elif found:
        show(table(_COLUMNS, [_row(one) for one in found]))
    else:
        say(f"There is no profile yet. Create one: {session.command('profile', 'create', 'NAME')}")


@profile.command("show")
@click.argument("profile")
@with_session
def show_(session: Session, profile: str) -> None:
    """Show PROFILE, given by its id or name, with its counts and its token."""
    with session.admin() as client:
        found = find_profile(client, profile)
        token = None if found.tokenless else client.get_token(found.profile_id)
    if session.wants_json:
        show_json(document(found, token=token))
    else:
        show(facts({**_properties(found), **_token_properties(token)}))


@profile.command()
@click.argument("profile")
@yes_option
@with_session
def delete(session: Session, profile: str, *, yes: bool) -> None:
    """Delete PROFILE, given by its id or name, with its devices, uploads and token."""
    with session.admin() as client:
        found = find_profile(client, profile)
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


def _row(one: Profile) -> tuple[object, ...]:
    changed = one.devices_update_time or one.update_time
    return (one.name, one.description, changed, one.type, one.device_count, one.user_name)


def _properties(one: Profile) -> dict[str, object]:
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

"""`rollbook key`: create, list and revoke API keys."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rollbook import Right, Role
from rollbook.cli.completing import key_names
from rollbook.cli.confirmations import confirm, yes_option
from rollbook.cli.dry_runs import dry_run_option, tell_dry_run
from rollbook.cli.errors import CommandError
from rollbook.cli.expiries import expires_option, given_expiry
from rollbook.cli.key_names import find_api_key_named
from rollbook.cli.lists import show_json_list
from rollbook.cli.new_files import NewFile, force_option
from rollbook.cli.output import clean, facts, say, show, show_json, show_raw, words
from rollbook.cli.plain import document, plain
from rollbook.cli.session import Session, with_session
from rollbook.cli.tables import table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rollbook import ApiKey, CreatedApiKey

# As the contract calls that of admin.key.
_ADMIN_KEY_ID = "admin"
_COLUMNS = ("Name", "Rights", "State", "Expiry", "Last used", "Key ID")


def _typed(kind: type[Role | Right]) -> Mapping[str, Role | Right]:
    """Give the words of an enum as they are typed."""
    meant = (word for word in kind if word != "UNSPECIFIED")
    return {word.value.lower().replace("_", "-"): word for word in meant}


_ROLES, _RIGHTS = _typed(Role), _typed(Right)


@click.group()
def key() -> None:
    """Look after the API keys with which administrators and their programs call."""


@key.command()
@click.argument("name")
@click.option("--role", type=click.Choice(list(_ROLES)), help="A usual bundle of rights.")
@click.option(
    "--right",
    "rights",
    type=click.Choice(list(_RIGHTS)),
    multiple=True,
    help="In place of a role: a right of its own set. May be repeated.",
)
@expires_option
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The file to write the key to, for its owner alone; stdout without it.",
)
@force_option
@with_session
def create(  # noqa: PLR0913 - one argument for each option
    session: Session,
    *,
    name: str,
    role: str | None,
    rights: Sequence[str],
    expires_in: int | None,
    expires: datetime | None,
    out: Path | None,
    force: bool,
) -> None:
    """Create the API key NAME and show it, this once.

    The role administrator has every right, operator every one but manage-access, viewer
    view alone. A key can give only rights that it has itself.
    """
    _check_choice(role, rights)
    expiry = given_expiry(expires_in, expires)
    new = NewFile(out, "--out", force) if out is not None else None
    # The file first: a key that cannot be kept must not be made.
    with new.writing(private=True) if new else nullcontext() as file, session.admin() as client:
        made = client.create_api_key(
            name,
            role=Role(_ROLES[role]) if role else Role.UNSPECIFIED,
            rights=[Right(_RIGHTS[right]) for right in rights],
            expire_time=expiry,
        )
        if file is not None:
            file.write(f"{made.value}\n".encode("ascii"))
    _show_created(session, made, out)


def _check_choice(role: str | None, rights: Sequence[str]) -> None:
    if role and rights:
        raise click.UsageError("--role and --right exclude each other.")
    if not role and not rights:
        raise click.UsageError("Say what the key may do: --role ROLE, or --right RIGHT.")


@key.command("list")
@with_session
def list_(session: Session) -> None:
    """List the API keys, oldest first; those that expired or were revoked as well."""
    with session.admin() as client:
        listed = client.list_api_keys()
        if session.wants_json:
            show_json_list(listed)
            return
        rows = [_row(one) for one in listed]
    show(table(_COLUMNS, rows, whole=("Key ID",), folded=_COLUMNS[:2]))


@key.command()
@click.argument("key", shell_complete=key_names)
@dry_run_option
@yes_option
@with_session
def revoke(session: Session, *, key: str, dry_run: bool, yes: bool) -> None:
    """Void KEY, given by its id or name, at once. Uploads and inventories under way end."""
    with session.admin() as client:
        found = find_api_key_named(client, key)
        used = f"last used {words(found.last_use_time)}" if found.last_use_time else "never used"
        if dry_run:
            _refuse_admin_key(found)
            would = f"Would revoke the API key {found.display_name} ({used})."
            tell_dry_run(session, document(found), would)
            return
        confirm(
            f"Whoever calls with the API key {clean(found.display_name)} ({used}) is refused "
            "from now on.",
            yes=yes,
        )
        revoked = client.revoke_api_key(found.api_key_id)
    if session.wants_json:
        show_json(revoked)
    else:
        say(f"Revoked the API key {found.display_name!r}.")


def _refuse_admin_key(found: ApiKey) -> None:
    """Tell beforehand what every server says."""
    if found.api_key_id == _ADMIN_KEY_ID:
        raise CommandError(
            "The administrator key is kept in a file, admin.key, and cannot be revoked.",
            reason="ADMIN_KEY_NOT_REVOCABLE",
            next_step="Remove that file and start the server again: it makes another one.",
        )


def _show_created(session: Session, made: CreatedApiKey, out: Path | None) -> None:
    if session.wants_json:
        kept = {"value": made.value} if out is None else {"file": out}
        show_json({"api_key": plain(made.api_key), **kept})
    elif out is None:
        show_raw(f"{clean(made.value)}\n")
        say("This is the only time that it is shown. Commands take it as ROLLBOOK_API_KEY.")
    else:
        show(facts(dict(zip(_COLUMNS, _row(made.api_key), strict=True))))
        say(f"Wrote {out}. Commands take it with --api-key-file.")


def _row(one: ApiKey) -> tuple[object, ...]:
    expiry = one.expire_time or "never"
    return (one.display_name, _rights(one), _state(one), expiry, one.last_use_time, one.api_key_id)


def _rights(one: ApiKey) -> str:
    if one.role is not Role.UNSPECIFIED:
        return one.role.value.lower()
    return ", ".join(right.value.lower().replace("_", "-") for right in one.rights)


def _state(one: ApiKey) -> str:
    if one.revoke_time is not None:
        return "Revoked"
    has_ended = one.expire_time is not None and one.expire_time <= datetime.now(UTC)
    return "Expired" if has_ended else "Active"

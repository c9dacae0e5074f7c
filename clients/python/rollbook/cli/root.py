"""The top of the command: its options and the commands below it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from rollbook._channel import endpoint
from rollbook.cli import (
    audit,
    completion,
    devices,
    enroll,
    health,
    inventories,
    keys,
    profiles,
    qr,
    sealing_keys,
    sign_in,
    templates,
    tokens,
    upload_history,
    uploads,
    users,
    watch,
)
from rollbook.cli.connections import Connection, connection_options
from rollbook.cli.exit_codes import exit_codes_help
from rollbook.cli.plugins import load_plugin, placeholder, plugin_names
from rollbook.cli.session import DEFAULT_ADDRESS, Session, output_option

if TYPE_CHECKING:
    from collections.abc import Mapping

_GLOBAL_OPTIONS = {
    "address": "--address",
    "api_key_file": "--api-key-file",
    "ca": "--ca",
    "cert": "--cert",
    "key": "--key",
    "server_name": "--server-name",
}


class LazyGroup(click.Group):
    """A group that lists plug-ins and imports one when it is run."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Give our own commands and those of plug-ins, in order of name."""
        return sorted({*super().list_commands(ctx), *plugin_names()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Give a command to be listed: for a plug-in one that stands in its place."""
        own = super().get_command(ctx, cmd_name)
        return placeholder(cmd_name) if own is None and cmd_name in plugin_names() else own

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Give the command to be run; here a plug-in is imported."""
        name, command, rest = super().resolve_command(ctx, args)
        if command is not None and name is not None and name not in self.commands:
            command = load_plugin(name)
        return name, command, rest


def _usable_address(_ctx: click.Context, _option: click.Parameter, address: str) -> str:
    try:
        endpoint(address)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    return address


@click.group(
    cls=LazyGroup,
    epilog=exit_codes_help(),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--address",
    envvar="ROLLBOOK_ADDRESS",
    default=DEFAULT_ADDRESS,
    show_default=True,
    show_envvar=True,
    metavar="HOST:PORT",
    callback=_usable_address,
    help="The server to call.",
)
@click.option(
    "--api-key-file",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="ROLLBOOK_API_KEY_FILE",
    show_envvar=True,
    help="A file with the API key to call with. Without it ROLLBOOK_API_KEY is taken, then "
    "the key of a server on this machine.",
)
@connection_options
@output_option
@click.version_option(package_name="rollbook", message="%(prog)s %(version)s")
@click.pass_context
def root(ctx: click.Context, /, address: str, api_key_file: Path | None, **connection: Any) -> None:
    """Enroll Android devices in bulk: a CSV in, a token and a QR code out."""
    session = ctx.ensure_object(Session)
    session.address, session.api_key_file = address, api_key_file
    session.connection = Connection(**connection)
    session.typed = _typed(ctx, {"address": address, "api_key_file": api_key_file, **connection})
    session.connection.check()


def _typed(ctx: click.Context, values: Mapping[str, object]) -> tuple[str, ...]:
    """Give the global options as they were typed, to repeat them in commands we suggest."""
    words: list[str] = []
    for name, value in values.items():
        if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            words += _words(name, value)
    return tuple(words)


def _words(name: str, value: object) -> list[str]:
    if name == "plaintext":
        return ["--plaintext" if value else "--tls"]
    return [_GLOBAL_OPTIONS[name], str(value)]


for _command in (
    profiles.profile,
    uploads.upload,
    upload_history.uploads,
    upload_history.discard,
    devices.device,
    templates.template,
    health.health,
    inventories.inventory,
    tokens.token,
    qr.qr,
    enroll.enroll,
    sign_in.sign_in,
    users.user,
    watch.watch,
    keys.key,
    audit.audit,
    completion.completion,
):
    root.add_command(_command)

keys.key.add_command(sealing_keys.rotate_sealing)

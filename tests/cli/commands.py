"""Every command that there is, as click knows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from rollbook.cli.plugins import load_plugin, plugin_names
from rollbook.cli.root import root

if TYPE_CHECKING:
    from collections.abc import Iterator


def every_command() -> dict[str, click.Command]:
    """Give all commands that do something by their names, those of plug-ins as well."""
    brought = {name: load_plugin(name) for name in plugin_names()}
    return dict(_leaves("", {**root.commands, **brought}))


def _leaves(before: str, commands: dict[str, click.Command]) -> Iterator[tuple[str, click.Command]]:
    for name, command in sorted(commands.items()):
        if not isinstance(command, click.Group) or command.invoke_without_command:
            yield f"{before}{name}", command
        if isinstance(command, click.Group):
            yield from _leaves(f"{before}{name} ", dict(command.commands))

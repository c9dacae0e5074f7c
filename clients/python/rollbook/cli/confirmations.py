"""Asks before what cannot be taken back."""

from __future__ import annotations

import click

from rollbook.cli.errors import CommandError
from rollbook.cli.terminals import can_ask

yes_option = click.option("--yes", "-y", is_flag=True, help="Do it without asking.")


def confirm(warning: str, *, yes: bool) -> None:
    """Go on if the option was given or a person says yes, else raise CommandError.

    Without a terminal nobody can be asked: a UsageError names the option.
    """
    if yes:
        return
    if not can_ask():
        raise click.UsageError(f"{warning} Nobody can be asked here: add --yes to go on.")
    if not click.confirm(f"{warning} Go on?", err=True):
        raise CommandError("Nothing was changed.", reason="NOT_CONFIRMED", code="CANCELLED")

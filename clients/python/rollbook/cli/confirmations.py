"""Asks before something is lost for good."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from rollbook.cli.terminals import can_ask

if TYPE_CHECKING:
    from collections.abc import Callable

yes_option: Callable[[Any], Any] = click.option(
    "--yes", "-y", is_flag=True, help="Do not ask; needed where there is no terminal."
)


def confirm(what: str, *, yes: bool) -> None:
    """Go on if the user agrees to what will be done; `what` is a sentence that says it.

    Raises Abort if the user does not, and UsageError where nobody can be asked.
    """
    if yes:
        return
    if not can_ask():
        raise click.UsageError(f"{what} Without a terminal to ask on, --yes is needed.")
    click.confirm(f"{what} Go on?", abort=True, err=True)

"""Tells what a command would do away with, and changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from rich.text import Text

from rollbook.cli.output import clean, show, show_json
from rollbook.cli.plain import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rollbook.cli.session import Session

_NOTHING_CHANGED = "This is a dry run: nothing was changed."

dry_run_option = click.option(
    "--dry-run", is_flag=True, help="Tell what would be done, ask nothing and change nothing."
)


def tell_dry_run(session: Session, document: Mapping[str, object], *lines: str) -> None:
    """Show what would be done: the document that the deed would give, or in words."""
    if session.wants_json:
        show_json({**{name: plain(value) for name, value in document.items()}, "dry_run": True})
    else:
        # As texts, which are folded between words; a string is left to the terminal.
        show(*(Text(clean(line)) for line in (*lines, _NOTHING_CHANGED)))

"""Tells what a command would do away with, and changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

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
        show(*map(clean, lines), _NOTHING_CHANGED)

"""Whether somebody sits at a terminal and can be asked."""

from __future__ import annotations

import sys

import click


def can_ask() -> bool:
    """Tell whether a question on stderr can be answered on stdin."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr))


def confirm(question: str, *, yes: bool) -> None:
    """Ask before something is destroyed, unless `yes`; raises click.Abort after a no.

    Where nobody can be asked, a UsageError.
    """
    if yes:
        return
    if not can_ask():
        raise click.UsageError("Nobody can be asked without a terminal; add --yes to go ahead.")
    click.confirm(question, abort=True, err=True)

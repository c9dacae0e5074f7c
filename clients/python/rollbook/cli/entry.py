"""Runs the command from its arguments to its exit code."""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING

import click

from rollbook.cli.errors import CommandError, report
from rollbook.cli.root import root
from rollbook.cli.session import Session

if TYPE_CHECKING:
    from collections.abc import Sequence


_COMPLETING = "_ROLLBOOK_COMPLETE"


def run(arguments: Sequence[str]) -> int:
    """Do what the arguments say; gives the exit code, whatever happens."""
    session = Session()
    try:
        _prepare_streams()
        outcome = root.main(
            args=list(arguments), prog_name="rollbook", standalone_mode=False, obj=session
        )
        sys.stdout.flush()
    except (Exception, click.Abort, KeyboardInterrupt) as error:  # noqa: BLE001 - the last handler
        return _end(error, session)
    return outcome if isinstance(outcome, int) else 0


def _prepare_streams() -> None:
    """Write what the terminal's encoding lacks as an escape instead of raising."""
    # Whoever closes stderr wants to hear nothing; Python has None in its place.
    sys.stderr = sys.stderr or io.StringIO()
    if sys.stdout is None:
        raise CommandError(
            "stdout is closed, so nothing was done.",
            reason="OUTPUT_UNWRITABLE",
            next_step="Send the output to /dev/null if nobody reads it.",
        )
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _end(error: BaseException, session: Session) -> int:
    if _COMPLETING in os.environ:
        return 1  # Somebody is typing, and would have it in the middle of the line.
    unwritable = _let_go_of_unwritten()
    if isinstance(unwritable or error, BrokenPipeError):
        return 1  # Who read it has gone; nobody is left to be told.
    return report(unwritable or error, session)


def _let_go_of_unwritten() -> OSError | None:
    """Give why stdout takes nothing more; Python would fail at it again when it exits."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return type(error)(error.errno, error.strerror, "stdout")
    return None

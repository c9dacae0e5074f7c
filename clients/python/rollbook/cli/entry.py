"""Runs the command from its arguments to its exit code."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

import click

from rollbook.cli.errors import report
from rollbook.cli.root import root
from rollbook.cli.session import Session

if TYPE_CHECKING:
    from collections.abc import Sequence


def run(arguments: Sequence[str]) -> int:
    """Do what the arguments say; gives the exit code, whatever happens."""
    _never_fail_on_a_character()
    session = Session()
    try:
        outcome = root.main(
            args=list(arguments), prog_name="rollbook", standalone_mode=False, obj=session
        )
    except (Exception, click.Abort, KeyboardInterrupt) as error:  # noqa: BLE001 - the last handler
        return report(error, session.output)
    return outcome if isinstance(outcome, int) else 0


def _never_fail_on_a_character() -> None:
    """Write what the terminal's encoding lacks as an escape instead of raising."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")

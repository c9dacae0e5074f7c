"""`rollbook doctor`: is all there that a server needs, and what is to be done."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rollbook.cli.exit_codes import ExitCode
from rollbook.cli.output import counted, show, show_json
from rollbook.cli.session import Session, with_session
from rollbook_server.command import configured
from rollbook_server.config import SETTINGS
from rollbook_server.database.places import named_file, place_options
from rollbook_server.doctor.examination import examine
from rollbook_server.doctor.findings import State
from rollbook_server.doctor.report import lines
from rollbook_server.settings.options import option

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from rollbook_server.doctor.findings import Finding

_OF_THE_PLACE = ("data_dir", "database")


def _server_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give the other options of `serve`, as it has them."""
    for setting in reversed(SETTINGS):
        if setting.name not in _OF_THE_PLACE:
            function = option(setting)(function)
    return function


@click.command()
@place_options
@_server_options
@click.option(
    "--thorough", is_flag=True, help="Also compare indexes and counts with all rows: minutes."
)
@with_session
def doctor(
    session: Session, /, *, data_dir: Path | None, database: str, thorough: bool, **settings: Any
) -> ExitCode:
    """Check files, rights, keys, database, port and clock, and say what to do.

    Changes nothing, and works with a server running and without. Give it the options with
    which `serve` is started. Exits with 10 if something is wrong.
    """
    named_file(database, Path())  # so that a mistyped URL is a mistake of usage
    config = configured({**settings, "data_dir": data_dir, "database": database})
    findings = list(examine(config, thorough=thorough))
    worst = _worst(findings)
    if session.wants_json:
        show_json({"worst": worst, "findings": findings})
    else:
        show(lines(findings), _summary(findings))
    return ExitCode.UNSOUND if worst is State.WRONG else ExitCode.DONE


def _worst(findings: list[Finding]) -> State:
    states = {each.state for each in findings}
    return next(state for state in (State.WRONG, State.WARNING, State.OK) if state in states)


def _summary(findings: list[Finding]) -> str:
    counts = Counter(each.state for each in findings)
    wrong, warned = counts[State.WRONG], counts[State.WARNING]
    if not wrong and not warned:
        return "All is well."
    return f"{counted(wrong, 'thing')} wrong, {counted(warned, 'warning')}."

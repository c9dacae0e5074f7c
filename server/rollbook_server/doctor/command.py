"""`rollbook doctor`: is all there that a server needs, and what is to be done."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rollbook.cli.exit_codes import ExitCode
from rollbook.cli.output import counted, show, show_json
from rollbook.cli.session import Session, with_session
from rollbook.data_dir import default_data_dir
from rollbook_server.config import DEFAULT_LISTEN, Config
from rollbook_server.database.places import named_file, place_options
from rollbook_server.doctor.examination import examine
from rollbook_server.doctor.findings import State
from rollbook_server.doctor.report import lines

if TYPE_CHECKING:
    from typing import Any

    from rollbook_server.doctor.findings import Finding

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@place_options
@click.option(
    "--listen",
    default=DEFAULT_LISTEN,
    show_default=True,
    envvar="ROLLBOOK_LISTEN",
    metavar="HOST:PORT",
    help="Where the server listens, or is to listen.",
)
@click.option(
    "--sealing-key-file",
    type=_FILE,
    envvar="ROLLBOOK_SEALING_KEY_FILE",
    help="The sealing keys of the server.  [default: sealing.key in the data directory]",
)
@click.option("--tls-cert", type=_FILE, envvar="ROLLBOOK_TLS_CERT", help="As `serve` has it.")
@click.option("--tls-key", type=_FILE, envvar="ROLLBOOK_TLS_KEY", help="As `serve` has it.")
@click.option(
    "--tls-client-ca", type=_FILE, envvar="ROLLBOOK_TLS_CLIENT_CA", help="As `serve` has it."
)
@click.option(
    "--public-address",
    default="",
    envvar="ROLLBOOK_PUBLIC_ADDRESS",
    metavar="HOST:PORT",
    help="What devices are told to call, as `serve` has it.",
)
@click.option(
    "--allow-plaintext", is_flag=True, help="As `serve` has it: something else speaks TLS."
)
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
    config = Config(
        data_dir=(data_dir or default_data_dir()).absolute(),
        database=database,
        sealing_keys=os.environ.get("ROLLBOOK_SEALING_KEY", ""),
        **settings,
    )
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

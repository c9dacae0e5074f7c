"""The command `rollbook serve`."""

from __future__ import annotations

import json
import logging
import os
import shlex
import sqlite3
import sys
from contextlib import contextmanager
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from rollbook.cli.errors import CommandError, describe, report
from rollbook.cli.output import say, show_json, show_raw
from rollbook.cli.session import Session, with_session
from rollbook.data_dir import default_data_dir
from rollbook_server import ending, logs, settings_check, signals, tuning
from rollbook_server.app import ADMIN_KEY_NAME, App
from rollbook_server.awaiting import Awaiting, StoppedError
from rollbook_server.config import SETTINGS, Config, ConfigError
from rollbook_server.domain.errors import RollbookError
from rollbook_server.key_files import KeyFileError
from rollbook_server.listening import check_free
from rollbook_server.notify import State, notify
from rollbook_server.settings import printing
from rollbook_server.settings.declared import made
from rollbook_server.settings.options import setting_options, source
from rollbook_server.settings.variables import misspelt
from rollbook_server.storage import opening
from rollbook_server.storage.opening import DatabaseUrlError
from rollbook_server.storage.roll_store import StoreError
from rollbook_server.storage.sqlite.versions import has_wal_reset_bug
from rollbook_server.workers import LATE_SECONDS, WorkerError, Workers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rollbook_server.settings.declared import Setting

_STOPPING = "Stopping: no new calls, those under way may end."


class _Alone(click.Command):
    """Ends as cleanly by itself, in `python -m rollbook_server`, as among the commands."""

    def main(self, *arguments: Any, **settings: Any) -> NoReturn:
        session = Session()
        ours = {"standalone_mode": False, "obj": session}
        try:
            outcome = super().main(*arguments, **{**settings, **ours})
        except Exception as error:  # noqa: BLE001 - the last handler
            sys.exit(report(error, session))
        sys.exit(outcome if isinstance(outcome, int) else 0)


@click.command(cls=_Alone)
@setting_options(SETTINGS)
@click.option(
    "--print-config",
    is_flag=True,
    help="Show what the server would be set to and where each setting comes from, as a file for "
    "--config; start nothing.",
)
@with_session
def serve(session: Session, /, *, print_config: bool, **values: Any) -> None:
    """Serve enrollments until told to stop (Ctrl-C or SIGTERM).

    The first start makes an administrator key, DIR/admin.key. Commands on the same
    machine find it in the default directory, or in the one that ROLLBOOK_DATA_DIR names.
    """
    config = configured(values)
    _check(config)
    for name, meant in misspelt(os.environ, SETTINGS):
        say(f"{name} is the variable of no setting; did you mean {meant}?")
    if print_config:
        _print(config, session)
        return
    logs.begin(config.logs)
    signals.spare(logs.TOLD_BY)
    try:
        (_run_workers if config.workers > 1 else _run)(config, session)
    except StoppedError:  # before it served, which is no failure
        _say_stopping()


def configured(values: Mapping[str, Any]) -> Config:
    """Give the configuration that the options make, with paths that hold everywhere."""
    given = {**values, "data_dir": values["data_dir"] or default_data_dir()}
    fixed = {
        name: value.absolute() if isinstance(value, Path) else value
        for name, value in given.items()
    }
    return made(Config, fixed, sealing_keys=os.environ.get("ROLLBOOK_SEALING_KEY", ""))


def _print(config: Config, session: Session) -> None:
    context = click.get_current_context()
    config = replace(config, database=opening.absolute(config.database))

    def found(setting: Setting) -> str:
        return source(setting, context)

    if session.wants_json:
        show_json({"settings": printing.as_document(SETTINGS, config, found)})
        return
    show_raw("\n".join([*printing.as_file(SETTINGS, config, found), ""]))
    if config.sealing_keys:
        say("ROLLBOOK_SEALING_KEY is set as well, and is not printed.")


def _check(config: Config) -> None:
    """Raise UsageError for what is wrong in itself, on whatever machine."""
    try:
        settings_check.check(config)
    except (ConfigError, DatabaseUrlError) as error:
        raise click.UsageError(str(error)) from error


@contextmanager
def _told_why_not() -> Iterator[None]:
    """Turn what keeps a server from starting into an error of the command."""
    try:
        yield
    except (ConfigError, StoreError, KeyFileError, RollbookError, WorkerError, OSError) as error:
        message = describe(error).message if isinstance(error, OSError) else str(error)
        raise CommandError(message, reason="SERVER_CANNOT_START") from error


def _run(config: Config, session: Session) -> None:
    tuning.tune()
    told_to_stop = cache(partial(signals.told_to_stop, logs.TOLD_BY))
    awaiting = Awaiting(lambda: [told_to_stop()], _tell_waiting)
    with _told_why_not():
        check_free(config.listen)
        app = App(config, awaiting=awaiting)
    told = told_to_stop()
    if opening.sqlite_path(config.database, config.default_database()):
        _note_sqlite()
    app.start()
    try:
        _tell(app.address, config, session, app.observation.address)
        told.recv(1)
    finally:  # also where nobody takes what is told: its threads would go on without it
        ending.end_within(config.drain_seconds)
        _say_stopping()
        app.stop()


def _run_workers(config: Config, session: Session) -> None:
    with _told_why_not():
        check_free(config.listen)
        workers = Workers(config, _tell_waiting)
        told = signals.told_to_stop(workers.passing_on())
        workers.start(told)
    try:
        _tell(workers.address, config, session, workers.metrics_address)
        workers.watch()
    finally:
        ending.end_within(config.drain_seconds + 2 * LATE_SECONDS)  # of theirs, and then ours
        _say_stopping()
        workers.stop()


def _tell(address: str, config: Config, session: Session, metrics: str) -> None:
    (_announce_json if session.wants_json else _announce)(address, config, metrics)
    notify(State.READY, f"Listens on {address}")


def _tell_waiting(status: str) -> None:
    notify(State.WAITING, status)


def _say_stopping() -> None:
    notify(State.STOPPING, _STOPPING)
    ending.say(_STOPPING)


def _announce(address: str, config: Config, metrics: str) -> None:
    click.echo(f"Rollbook listens {'with TLS ' if config.tls_cert else ''}on {address}")
    if metrics:
        click.echo(f"Metrics: http://{metrics}/metrics")
    click.echo(
        f"Administrator key: {_admin_key(config) or 'in the data directory of another server'}"
    )
    if config.data_dir != default_data_dir().absolute():
        chosen = shlex.quote(str(config.data_dir))
        click.echo(f"For commands on this machine: export ROLLBOOK_DATA_DIR={chosen}")


def _admin_key(config: Config) -> str | None:
    """Give the file, unless another server of the database has it."""
    path = config.data_dir / ADMIN_KEY_NAME
    return str(path) if path.exists() else None


def _announce_json(address: str, config: Config, metrics: str) -> None:
    """Write the document on one line: who reads it cannot wait for the stream's end."""
    places = {"data_dir": str(config.data_dir), "admin_key_file": _admin_key(config)}
    told = {"address": address, "tls": config.tls_cert is not None, "metrics": metrics}
    click.echo(json.dumps(told | places))


def _note_sqlite() -> None:
    if has_wal_reset_bug(sqlite3.sqlite_version_info):
        logging.getLogger(__name__).info(
            "SQLite %s has the WAL-reset bug; this server writes through one connection only, "
            "which keeps clear of it. Let no other program write to the file.",
            sqlite3.sqlite_version,
        )

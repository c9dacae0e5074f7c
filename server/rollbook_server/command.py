"""The command `rollbook serve`."""

from __future__ import annotations

import json
import logging
import os
import shlex
import socket
import sqlite3
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from rollbook.cli.errors import CommandError, describe, report
from rollbook.cli.session import Session, with_session
from rollbook.data_dir import default_data_dir
from rollbook_server import logs, signals, tuning
from rollbook_server.app import ADMIN_KEY_NAME, App
from rollbook_server.config import (
    DEFAULT_IDLE_SECONDS,
    DEFAULT_LISTEN,
    Config,
    ConfigError,
    split_address,
)
from rollbook_server.domain.errors import RollbookError
from rollbook_server.domain.guess_limits import GuessLimits
from rollbook_server.domain.tokens import TokenLimits
from rollbook_server.domain.upload_sessions import UploadLimits
from rollbook_server.key_files import KeyFileError
from rollbook_server.storage import opening
from rollbook_server.storage.opening import DatabaseUrlError
from rollbook_server.storage.roll_store import StoreError
from rollbook_server.workers import WorkerError, Workers

if TYPE_CHECKING:
    from collections.abc import Iterator

_SAFE_SQLITE = (3, 51, 3)
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
@click.option(
    "--listen",
    default=DEFAULT_LISTEN,
    show_default=True,
    envvar="ROLLBOOK_LISTEN",
    metavar="HOST:PORT",
    help="Where to listen; port 0 takes a free one.",
)
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="ROLLBOOK_DATA_DIR",
    help="Where keys and the embedded database are kept.  [default: "
    "$XDG_DATA_HOME/rollbook or ~/.local/share/rollbook]",
)
@click.option(
    "--database",
    default="",
    envvar="ROLLBOOK_DATABASE",
    metavar="URL",
    help="sqlite:///PATH, or postgresql://USER@HOST/NAME, which several servers may share; by "
    "default a file in the data directory. A password belongs into PGPASSFILE or the variable.",
)
@click.option(
    "--upgrade/--no-upgrade",
    default=True,
    envvar="ROLLBOOK_UPGRADE",
    help="Bring the schema of an older database up to date, or refuse it: `rollbook database "
    "upgrade` does it as well.  [default: --upgrade]",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    envvar="ROLLBOOK_WORKERS",
    metavar="COUNT",
    help="Processes that serve the address together, each on a core of its own; only with "
    "PostgreSQL.",
)
@click.option(
    "--sealing-key-file",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="ROLLBOOK_SEALING_KEY_FILE",
    help="What token values and the audit log are sealed with; made if it is missing and there "
    "is neither yet. ROLLBOOK_SEALING_KEY holds the content of such a file, in place of it.  "
    "[default: sealing.key in the data directory]",
)
@click.option(
    "--tls-cert",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="ROLLBOOK_TLS_CERT",
    help="Speak TLS with this certificate, in PEM, followed by those that issued it. A new one "
    "in its place is served without a restart.",
)
@click.option(
    "--tls-key",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="ROLLBOOK_TLS_KEY",
    help="The private key of the certificate.",
)
@click.option(
    "--tls-client-ca",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="ROLLBOOK_TLS_CLIENT_CA",
    help="Let in nobody, devices and probes included, who has no certificate of the "
    "authorities in this file.",
)
@click.option(
    "--public-address",
    default="",
    envvar="ROLLBOOK_PUBLIC_ADDRESS",
    metavar="HOST:PORT",
    help="What QR codes tell devices to call.  [default: the address listened on]",
)
@click.option(
    "--max-rows",
    type=click.IntRange(min=1),
    default=UploadLimits().max_rows,
    show_default=True,
    envvar="ROLLBOOK_MAX_ROWS",
    help="Rows that one upload may have.",
)
@click.option(
    "--token-default-days",
    type=int,
    default=TokenLimits().default_days,
    show_default=True,
    envvar="ROLLBOOK_TOKEN_DEFAULT_DAYS",
    metavar="DAYS",
    help="How long a new token lives.",
)
@click.option(
    "--token-min-days",
    type=int,
    default=TokenLimits().fewest_days,
    show_default=True,
    envvar="ROLLBOOK_TOKEN_MIN_DAYS",
    metavar="DAYS",
    help="The fewest days by which a token can be extended.",
)
@click.option(
    "--token-max-days",
    type=int,
    default=TokenLimits().most_days,
    show_default=True,
    envvar="ROLLBOOK_TOKEN_MAX_DAYS",
    metavar="DAYS",
    help="The most days by which a token can be extended; 3,650 at most.",
)
@click.option(
    "--wrong-tokens",
    type=click.IntRange(min=1),
    default=GuessLimits().wrong_tokens,
    show_default=True,
    envvar="ROLLBOOK_WRONG_TOKENS",
    metavar="COUNT",
    help="Different wrong tokens that one address may present in an hour; right ones always open.",
)
@click.option(
    "--wrong-devices",
    type=click.IntRange(min=1),
    default=GuessLimits().wrong_devices,
    show_default=True,
    envvar="ROLLBOOK_WRONG_DEVICES",
    metavar="COUNT",
    help="Different identifiers of devices not on the roll that one address may present in an "
    "hour; one more for every 4 devices that register from there.",
)
@click.option(
    "--wrong-sign-ins",
    type=click.IntRange(min=1),
    default=GuessLimits().wrong_sign_ins,
    show_default=True,
    envvar="ROLLBOOK_WRONG_SIGN_INS",
    metavar="COUNT",
    help="Different wrong passwords and identifiers with which one address may sign in in an hour.",
)
@click.option(
    "--idle-seconds",
    type=click.IntRange(min=1),
    default=DEFAULT_IDLE_SECONDS,
    show_default=True,
    envvar="ROLLBOOK_IDLE_SECONDS",
    metavar="SECONDS",
    help="How long a caller may send nothing of an upload, or take nothing of an inventory, "
    "before it loses its place; an upload can be resumed.",
)
@click.option(
    "--allow-csv-profile-edit",
    is_flag=True,
    envvar="ROLLBOOK_ALLOW_CSV_PROFILE_EDIT",
    help="Let name and description of profiles for CSV files be changed, too.",
)
@click.option(
    "--allow-plaintext",
    is_flag=True,
    help="Listen beyond this machine without encryption.",
)
@with_session
def serve(  # noqa: PLR0913 - one argument for each option that is no setting by itself
    session: Session,
    /,
    *,
    data_dir: Path | None,
    max_rows: int,
    token_default_days: int,
    token_min_days: int,
    token_max_days: int,
    wrong_tokens: int,
    wrong_devices: int,
    wrong_sign_ins: int,
    **settings: Any,
) -> None:
    """Serve enrollments until told to stop (Ctrl-C or SIGTERM).

    The first start makes an administrator key, DIR/admin.key. Commands on the same
    machine find it in the default directory, or in the one that ROLLBOOK_DATA_DIR names.
    """
    logs.begin()
    config = Config(
        data_dir=(data_dir or default_data_dir()).absolute(),
        upload_limits=UploadLimits(max_rows=max_rows),
        token_limits=TokenLimits(token_default_days, token_min_days, token_max_days),
        guess_limits=GuessLimits(wrong_tokens, wrong_devices, wrong_sign_ins),
        # No option: what stands on a command line can be seen by every user.
        sealing_keys=os.environ.get("ROLLBOOK_SEALING_KEY", ""),
        **settings,
    )
    _check(config)
    if config.workers > 1:
        _run_workers(config, session)
    else:
        _run(config, session)


def _check(config: Config) -> None:
    """Raise UsageError for what is wrong in itself, on whatever machine."""
    try:
        config.check()
        path = opening.sqlite_path(config.database, config.default_database())
    except (ConfigError, DatabaseUrlError) as error:
        raise click.UsageError(str(error)) from error
    if path and config.workers > 1:
        raise click.UsageError(
            f"--workers {config.workers}: SQLite has one writer, and one process has to be it. "
            "Several need PostgreSQL: --database postgresql://USER@HOST/NAME."
        )


@contextmanager
def _told_why_not() -> Iterator[None]:
    """Turn what keeps a server from starting into an error of the command."""
    try:
        yield
    except (ConfigError, StoreError, KeyFileError, RollbookError, WorkerError, OSError) as error:
        message = describe(error).message if isinstance(error, OSError) else str(error)
        raise CommandError(message, reason="SERVER_CANNOT_START") from error


def _check_free(listen: str) -> None:
    """Raise ConfigError if the address cannot be listened on.

    gRPC would find it as well, but writes a line of its own about it, which no
    variable silences once it is imported; and it does not say why.
    """
    host, port = split_address(listen)
    try:
        family, *_, address = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)[0]
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as gRPC does
            probe.bind(address)
    except OSError as error:
        said = error.strerror or error
        raise ConfigError(f"--listen {listen}: the address cannot be used: {said}.") from error


def _run(config: Config, session: Session) -> None:
    tuning.tune()
    with _told_why_not():
        _check_free(config.listen)
        app = App(config)
    told = signals.told_to_stop()
    app.start()
    _tell(app.address, config, session)
    if opening.sqlite_path(config.database, config.default_database()):
        _note_sqlite()
    told.recv(1)
    click.echo(_STOPPING, err=True)
    app.stop()


def _run_workers(config: Config, session: Session) -> None:
    told = signals.told_to_stop()
    with _told_why_not():
        _check_free(config.listen)
        workers = Workers(config, told)
    _tell(workers.address, config, session)
    workers.watch()
    click.echo(_STOPPING, err=True)
    workers.stop()


def _tell(address: str, config: Config, session: Session) -> None:
    (_announce_json if session.wants_json else _announce)(address, config)


def _announce(address: str, config: Config) -> None:
    click.echo(f"Rollbook listens {'with TLS ' if config.tls_cert else ''}on {address}")
    click.echo(f"Administrator key: {config.data_dir / ADMIN_KEY_NAME}")
    if config.data_dir != default_data_dir().absolute():
        chosen = shlex.quote(str(config.data_dir))
        click.echo(f"For commands on this machine: export ROLLBOOK_DATA_DIR={chosen}")


def _announce_json(address: str, config: Config) -> None:
    """Write the document on one line: who reads it cannot wait for the stream's end."""
    key = str(config.data_dir / ADMIN_KEY_NAME)
    places = {"data_dir": str(config.data_dir), "admin_key_file": key}
    click.echo(json.dumps({"address": address, "tls": config.tls_cert is not None, **places}))


def _note_sqlite() -> None:
    if sqlite3.sqlite_version_info < _SAFE_SQLITE:
        logging.getLogger(__name__).info(
            "SQLite %s has the WAL-reset bug; this server writes through one connection only, "
            "which keeps clear of it. Let no other program write to the file.",
            sqlite3.sqlite_version,
        )

"""The command `rollbook serve`."""

from __future__ import annotations

import logging
import signal
import sqlite3
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import click

from rollbook.data_dir import default_data_dir
from rollbook_server.app import ADMIN_KEY_NAME, App
from rollbook_server.config import DEFAULT_LISTEN, Config, ConfigError
from rollbook_server.domain.upload_sessions import UploadLimits
from rollbook_server.sealing import KeyFileError
from rollbook_server.storage.store import StoreError

_SAFE_SQLITE = (3, 51, 3)


@click.command()
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
    help="sqlite:///PATH; by default a file in the data directory.",
)
@click.option(
    "--sealing-key-file",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="ROLLBOOK_SEALING_KEY_FILE",
    help="What token values are sealed with; made if it is missing and there are no tokens "
    "yet.  [default: sealing.key in the data directory]",
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
    "--allow-plaintext",
    is_flag=True,
    help="Listen beyond this machine without encryption.",
)
def serve(data_dir: Path | None, max_rows: int, **settings: Any) -> None:
    """Serve enrollments until told to stop (Ctrl-C or SIGTERM).

    The first start makes an administrator key, DIR/admin.key; commands on the
    same machine find it there.
    """
    _log_to_stderr()
    config = Config(
        data_dir=data_dir or default_data_dir(),
        upload_limits=UploadLimits(max_rows=max_rows),
        **settings,
    )
    try:
        app = App(config)
    except (ConfigError, StoreError, KeyFileError, OSError) as error:
        raise click.ClickException(str(error)) from None
    _run(app, config)


def _run(app: App, config: Config) -> None:
    # Not an Event: its set() may deadlock in a signal handler, put() may not.
    signals: SimpleQueue[int] = SimpleQueue()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda number, _: signals.put(number))
    app.start()
    click.echo(f"Rollbook listens on {app.address}")
    click.echo(f"Administrator key: {config.data_dir / ADMIN_KEY_NAME}")
    signals.get()
    click.echo("Stopping: no new calls, those under way may end.", err=True)
    app.stop()


def _log_to_stderr() -> None:
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    if sqlite3.sqlite_version_info < _SAFE_SQLITE:
        logging.getLogger(__name__).info(
            "SQLite %s has the WAL-reset bug; this server writes through one connection only, "
            "which keeps clear of it. Let no other program write to the file.",
            sqlite3.sqlite_version,
        )

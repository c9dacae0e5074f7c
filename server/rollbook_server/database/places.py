"""Which database a command is about, and what is told if it cannot be used."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rollbook.cli.errors import CommandError
from rollbook.data_dir import default_data_dir
from rollbook_server.config import DATABASE_NAME, SEALING_KEY_NAME, SETTINGS
from rollbook_server.settings.options import config_option, option
from rollbook_server.storage.opening import ESCAPES, DatabaseUrlError, place, shown, sqlite_path
from rollbook_server.storage.roll_store import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rollbook_server.storage.places import Place

URLS = "sqlite:///PATH (four slashes for an absolute one) or postgresql://USER@HOST/NAME"
_TEXTS = {
    "data_dir": "Where the server keeps its embedded database.",
    "database": f"{URLS}.",
}


def place_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options --database, --data-dir and --config, as `serve` has them."""
    for setting in SETTINGS:
        if setting.name in _TEXTS:
            function = option(setting, _TEXTS[setting.name])(function)
    with_file: Callable[..., Any] = config_option(SETTINGS)(function)
    return with_file


def chosen(database: str, data_dir: Path | None) -> Place:
    """Give the database that the options name; raises a UsageError for what is none."""
    return named(database, (data_dir or default_data_dir()) / DATABASE_NAME)


def named_file(url: str, default: Path) -> Path | None:
    """Give the file of a SQLite database, None for another engine; raises a UsageError."""
    try:
        return sqlite_path(url, default)
    except DatabaseUrlError as error:
        raise _no_database(url) from error


def named(url: str, default: Path = Path()) -> Place:
    """Give the database of a URL; raises a UsageError for what is none."""
    try:
        with told():
            return place(url, default)
    except DatabaseUrlError as error:
        raise _no_database(url) from error


def _no_database(url: str) -> click.UsageError:
    how = f"write {URLS}." + (f" {ESCAPES}" if "@" in url else "")
    return click.UsageError(f"{shown(url)!r} is no database: {how}")


def sealing_key_file(folder: Path) -> Path:
    """Give where the sealing keys of a data directory's server are most likely.

    The environment or the file of --config, if the command has one, may say it.
    """
    said = click.get_current_context().default_map or {}
    chosen = os.environ.get("ROLLBOOK_SEALING_KEY_FILE") or said.get("sealing_key_file")
    return Path(chosen) if chosen else folder / SEALING_KEY_NAME


@contextmanager
def told() -> Iterator[None]:
    """Tell what is wrong with a database in the form of a command."""
    try:
        yield
    except StoreError as error:
        raise CommandError(str(error), reason="DATABASE_UNUSABLE") from error

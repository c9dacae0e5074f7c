"""Which database a command is about, and what is told if it cannot be used."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rollbook.cli.errors import CommandError
from rollbook.data_dir import default_data_dir
from rollbook_server.config import DATABASE_NAME
from rollbook_server.storage.opening import ESCAPES, DatabaseUrlError, place, shown
from rollbook_server.storage.roll_store import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rollbook_server.storage.places import Place

URLS = "sqlite:///PATH (four slashes for an absolute one) or postgresql://USER@HOST/NAME"


def place_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options --database and --data-dir, as `serve` has them."""
    for option in (
        click.option(
            "--data-dir",
            type=click.Path(file_okay=False, path_type=Path),
            envvar="ROLLBOOK_DATA_DIR",
            help="Where the server keeps its embedded database.  [default: "
            "$XDG_DATA_HOME/rollbook or ~/.local/share/rollbook]",
        ),
        click.option(
            "--database",
            default="",
            envvar="ROLLBOOK_DATABASE",
            metavar="URL",
            help=f"{URLS}; by default the file in the data directory.",
        ),
    ):
        function = option(function)
    return function


def chosen(database: str, data_dir: Path | None) -> Place:
    """Give the database that the options name; raises a UsageError for what is none."""
    return named(database, (data_dir or default_data_dir()) / DATABASE_NAME)


def named(url: str, default: Path = Path()) -> Place:
    """Give the database of a URL; raises a UsageError for what is none."""
    try:
        with told():
            return place(url, default)
    except DatabaseUrlError as error:
        how = f"write {URLS}." + (f" {ESCAPES}" if "@" in url else "")
        raise click.UsageError(f"{shown(url)!r} is no database: {how}") from error


@contextmanager
def told() -> Iterator[None]:
    """Tell what is wrong with a database in the form of a command."""
    try:
        yield
    except StoreError as error:
        raise CommandError(str(error), reason="DATABASE_UNUSABLE") from error

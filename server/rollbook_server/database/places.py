"""Which database a command is about, and what is told if it cannot be used."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rollbook.cli.errors import CommandError
from rollbook.data_dir import default_data_dir
from rollbook_server.config import DATABASE_NAME, SETTINGS
from rollbook_server.settings.options import config_option, option
from rollbook_server.storage.opening import DatabaseUrlError, place
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


def named(url: str, default: Path = Path()) -> Place:
    """Give the database of a URL; raises a UsageError for what is none."""
    try:
        with told():
            return place(url, default)
    except DatabaseUrlError as error:
        raise click.UsageError(f"{url!r} is no database: write {URLS}.") from error


@contextmanager
def told() -> Iterator[None]:
    """Tell what is wrong with a database in the form of a command."""
    try:
        yield
    except StoreError as error:
        raise CommandError(str(error), reason="DATABASE_UNUSABLE") from error

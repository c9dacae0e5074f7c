"""Whether all settings of a server go together, its database among them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollbook_server.config import ConfigError
from rollbook_server.storage import opening

if TYPE_CHECKING:
    from rollbook_server.config import Config


def check(config: Config) -> None:
    """Raise ConfigError or DatabaseUrlError for what is wrong in itself, on whatever machine."""
    config.check()
    path = opening.sqlite_path(config.database, config.default_database())
    if path and config.workers > 1:
        raise ConfigError(
            f"--workers {config.workers}: SQLite has one writer, and one process has to be it. "
            "Several need PostgreSQL: --database postgresql://USER@HOST/NAME."
        )

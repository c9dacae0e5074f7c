"""All checks, in the order in which they are told."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from rollbook_server import settings_check
from rollbook_server.app import ADMIN_KEY_NAME, TOKEN_EPOCH_NAME
from rollbook_server.config import ConfigError
from rollbook_server.doctor import addresses, certificates, files, machines, metrics
from rollbook_server.doctor.findings import ok, wrong
from rollbook_server.doctor.postgres_databases import PostgresDatabase
from rollbook_server.doctor.sqlite_files import SqliteFile
from rollbook_server.domain import clock
from rollbook_server.storage import opening

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollbook_server.config import Config
    from rollbook_server.doctor.findings import Finding

_SETTINGS = "settings"


def examine(config: Config, *, thorough: bool) -> Iterator[Finding]:
    """Look at everything; each finding is given as soon as it is known."""
    fault = _fault(config)
    yield wrong(_SETTINGS, fault) if fault else ok(_SETTINGS, "go together")
    yield files.data_dir(config.data_dir)
    database = _database(config, thorough=thorough)
    yield from database.look()
    roll, folder = database.roll, config.data_dir
    if os.access(folder, os.R_OK | os.X_OK):
        yield files.admin_key_file(folder / ADMIN_KEY_NAME, roll)
        yield files.sealing_keys(config.sealing_key_path(), config.sealing_keys, roll)
        yield files.token_epoch(folder / TOKEN_EPOCH_NAME, roll)
    yield machines.clock(clock.now(), roll)
    yield machines.descriptors(database.server)
    if not fault:
        yield certificates.certificate(config, clock.now())
        yield addresses.address(config, database.server, is_shared=database.is_shared)
        yield metrics.address(config, database.server, is_shared=database.is_shared)


def _fault(config: Config) -> str:
    try:
        settings_check.check(config)
    except ConfigError as error:
        return str(error)
    return ""


def _database(config: Config, *, thorough: bool) -> SqliteFile | PostgresDatabase:
    path = opening.sqlite_path(config.database, config.default_database())
    if path is None:
        default = config.default_database()
        return PostgresDatabase(config.database, default, clock.now, thorough)
    return SqliteFile(path, thorough)

"""Which database a server of a test has: a file in its folder, or one of a PostgreSQL.

On PostgreSQL every folder stands for a database, so that a server started again in the
same folder finds what the last one left.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any

import postgres_server
from rollbook_server.config import DATABASE_NAME
from rollbook_server.storage.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from postgres_server import PostgresServer

SQLITE, POSTGRESQL = "sqlite", "postgresql"
# What the whole suite runs on, but for tests that name their engines.
CHOSEN = os.environ.get("ROLLBOOK_TEST_DATABASE", SQLITE)
# To wait for the disk would be half of the time of all that writes; see `running.Server`.
UNSYNCED = "&options=-c%20synchronous_commit%3Doff"


class Databases:
    """The databases of one run; the PostgreSQL is started when it is first needed."""

    def __init__(self) -> None:
        self.engine = CHOSEN
        self._stack = ExitStack()
        self._server: PostgresServer | None = None
        self._names: dict[Path, str] = {}

    @property
    def server(self) -> PostgresServer:
        """Give the PostgreSQL; skips the test, or fails in CI, where there is none."""
        if self._server is None:
            postgres_server.require()
            self._server = self._stack.enter_context(postgres_server.running())
        return self._server

    def url(self, data_dir: Path, *, synced: bool = True) -> str:
        """Give the URL of a folder's database; empty where it is the file in it."""
        if self.engine == SQLITE:
            return ""
        return self.server.url(self.name(data_dir)) + ("" if synced else UNSYNCED)

    def name(self, data_dir: Path) -> str:
        """Give the name of a folder's database in the PostgreSQL; it is made if there is none."""
        if data_dir not in self._names:
            self._names[data_dir] = self.server.create()
        return self._names[data_dir]

    def copy(self, data_dir: Path, to: Path) -> None:
        """Copy a folder on which no server runs, with its database."""
        shutil.copytree(data_dir, to)
        if self.engine == POSTGRESQL:
            self._names[to] = self.server.create(self._names[data_dir])

    def forget(self, folder: Path) -> None:
        """Drop the databases of a folder and what is in it."""
        for path in [path for path in self._names if path.is_relative_to(folder)]:
            self.server.drop(self._names.pop(path))

    def query(self, data_dir: Path, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """Ask a folder's database, on a connection of its own that only reads."""
        if self.engine == SQLITE:
            uri = f"{(data_dir / DATABASE_NAME).absolute().as_uri()}?mode=ro"
            with closing(sqlite3.connect(uri, uri=True)) as connection:
                return connection.execute(sql, parameters).fetchall()
        return self.server.query(self._names[data_dir], sql.replace("?", "%s"), parameters)

    def change(self, data_dir: Path, sql: str, parameters: Sequence[Any] = ()) -> None:
        """Write to a folder's database, as somebody does who is no server."""
        if self.engine == SQLITE:
            path = data_dir / DATABASE_NAME
            with closing(sqlite3.connect(path, isolation_level=None, timeout=30)) as connection:
                connection.execute(sql, parameters)
        else:
            self.server.change(self._names[data_dir], sql.replace("?", "%s"), parameters)

    def dump(self, data_dir: Path) -> list[str]:
        """Give all that is stored: a line for each row, with the name of its table before it."""
        names = [table._meta.table_name for table in TABLES]
        return [
            f"{name}: {row!r}"
            for name in names
            for row in self.query(data_dir, f"SELECT * FROM {name}")
        ]

    def close(self) -> None:
        self._stack.close()


DATABASES = Databases()

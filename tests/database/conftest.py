"""The command in this process, and databases of both engines beside each other."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from cli.ended import Cli, Ended
from databases import DATABASES, POSTGRESQL
from rollbook.cli.entry import run
from rollbook_server.storage.copy_rows import TableRows
from rollbook_server.storage.opening import place
from rollbook_server.storage.schema import TABLES

SETTINGS = ("ADDRESS", "API_KEY", "API_KEY_FILE", "DATABASE", "SEALING_KEY_FILE", "DEBUG")


@pytest.fixture
def command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Cli:
    """Give the command on a machine where nothing is set."""
    for name in SETTINGS:
        monkeypatch.delenv(f"ROLLBOOK_{name}", raising=False)
    monkeypatch.setenv("ROLLBOOK_DATA_DIR", str(tmp_path / "nothing"))

    def call(*arguments: object) -> Ended:
        code = run([str(argument) for argument in arguments])
        return Ended(code, *capsys.readouterr())

    return call


def url(data_dir: Path, engine: str) -> str:
    """Give the URL of a folder's database of an engine; on PostgreSQL it is made if need be."""
    if engine == POSTGRESQL:
        before, DATABASES.engine = DATABASES.engine, POSTGRESQL
        found = DATABASES.url(data_dir)
        DATABASES.engine = before
        return found
    return f"sqlite:///{data_dir / 'rollbook.db'}"


def rows(database_url: str) -> dict[str, list[Any]]:
    """Give all that a database holds, alike on both engines."""
    with place(database_url, Path()).looked_at() as database:
        tables = map(TableRows, TABLES)
        return {each.name: [*chain(*each.batches(database, None))] for each in tables}

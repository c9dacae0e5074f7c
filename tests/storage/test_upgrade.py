"""A database that an older Rollbook made is brought up to date, and nothing of it is lost."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from database import later
from rollbook import EnrollOutcome
from rollbook_server.storage.schema import SCHEMA_VERSION
from rollbook_server.storage.store import SqliteStore, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable

    from running import Server

pytestmark = pytest.mark.sqlite_only  # PostgreSQL came with schema 2

# Written by a server of schema 1, with two profiles, three devices and this token.
SCHEMA_1 = Path(__file__).with_name("schema_1.sql")
TOKEN = "2QQMR-N59B1-SP8W7-HCA4C-C8VV3-F6G8G"
SEALING_KEYS = {
    "format": 1,
    "lookup_key": "c8rf2hiG6wkKigfn5Bembrf5eryulvV3/Ve5LT/igFw=",
    "sealing_keys": [{"key_id": "a71fa5a6", "key": "haTc7pRtYx0L8yMFtsGXQzDV7IZAXWkpIY1cgAnt47U="}],
}


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """Give the data directory of a server of schema 1."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    key = folder / "sealing.key"
    key.touch(0o600)
    key.write_text(json.dumps(SEALING_KEYS))
    with closing(sqlite3.connect(folder / "rollbook.db")) as database:
        database.executescript(SCHEMA_1.read_text())
    return folder


def schema(path: Path) -> set[tuple[str, str]]:
    with closing(sqlite3.connect(path)) as database:
        found = database.execute("SELECT name, sql FROM sqlite_master WHERE sql NOTNULL").fetchall()
    return {(name, sql) for name, sql in found}


def query(path: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as database:
        return database.execute(sql).fetchall()


def test_the_schema_becomes_that_of_a_new_database(old: Path, tmp_path: Path) -> None:
    SqliteStore(old / "rollbook.db").close()
    SqliteStore(tmp_path / "new.db").close()
    assert schema(old / "rollbook.db") == schema(tmp_path / "new.db")
    counted = "SELECT value FROM counters WHERE name = 'schema_version'"
    assert query(old / "rollbook.db", counted) == [(SCHEMA_VERSION,)]


def test_devices_tokens_and_counts_are_as_before(old: Path, serve: Callable[..., Server]) -> None:
    server = serve(data_dir=old)
    with server.admin() as admin, server.agent() as agent:
        depot, opened = admin.list_profiles()
        assert (depot.registered_count, depot.pending_count) == (1, 1)
        assert opened.pending_count == 1
        second = agent.enroll_device(token=TOKEN, imeis=["490154203237518"])
        assert (second.outcome, second.attributes) == (
            EnrollOutcome.REGISTERED,
            {"depot": "South"},
        )
        names = query(old / "rollbook.db", "SELECT profile, name FROM attribute_names ORDER BY id")
        assert names == [(1, "asset"), (1, "depot"), (2, "floor")]


def test_a_new_profile_takes_no_number_of_an_old_one(
    old: Path, serve: Callable[..., Server]
) -> None:
    with serve(data_dir=old).admin() as admin:
        assert admin.create_profile("New").device_count == 0
    assert query(old / "rollbook.db", "SELECT max(id) FROM profiles") == [(3,)]


def test_an_upgrade_that_breaks_off_leaves_the_old_database(old: Path, tmp_path: Path) -> None:
    before = schema(old / "rollbook.db")
    with (
        later.installed(later.steps(tmp_path, broken=True)),
        pytest.raises(StoreError, match="nowhere"),
    ):
        SqliteStore(old / "rollbook.db")
    assert schema(old / "rollbook.db") == before
    SqliteStore(old / "rollbook.db").close()

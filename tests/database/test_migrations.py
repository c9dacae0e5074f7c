"""A database of an older schema is upgraded once, whole, by whoever comes first."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING

import psycopg
import pytest

from database import later
from databases import DATABASES, POSTGRESQL, SQLITE
from rollbook_server.storage import migrating
from rollbook_server.storage.postgres import writing
from rollbook_server.storage.roll_store import StoreError
from rollbook_server.storage.schema import SCHEMA_VERSION
from running import ServerProcess
from uploads.wire import until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from running import Server

SHELVES = "SELECT shelf FROM profiles ORDER BY id"
NOTED = "SELECT name FROM schema_steps ORDER BY name"
COUNTED = "SELECT value FROM counters WHERE name = 'schema_version'"
KNOWN = [path.stem for path in sorted(migrating.STEPS.glob("[0-9]*.py"))]


@pytest.fixture
def data_dir(serve: Callable[..., Server]) -> Path:
    """Give the data directory of a server of today, with two profiles, which has stopped."""
    server = serve()
    with server.admin() as admin:
        admin.create_profile("Depot")
        admin.create_profile("Yard")
    server.stop()
    return server.data_dir


@pytest.fixture
def steps(tmp_path: Path) -> Path:
    return later.steps(tmp_path)


def process(data_dir: Path, steps: Path) -> ServerProcess:
    """Give a later server, which is not started yet."""
    return ServerProcess(data_dir, module=("database.later", str(steps)))


def is_upgraded(data_dir: Path) -> bool:
    """Tell whether the step was done, and once: a second time would double the shelves."""
    assert DATABASES.query(data_dir, SHELVES) == [("Depot",), ("Yard",)]
    assert DATABASES.query(data_dir, NOTED) == [(name,) for name in (*KNOWN, later.NAME)]
    return DATABASES.query(data_dir, COUNTED) == [(later.VERSION,)]


def test_the_schema_of_new_databases_is_that_of_the_last_step() -> None:
    numbers = [int(re.match(r"\d+", name)[0]) for name in KNOWN]  # type: ignore[index]
    assert numbers == list(range(2, SCHEMA_VERSION + 1))


@pytest.mark.both_engines
def test_a_new_database_has_done_all_steps(data_dir: Path) -> None:
    assert DATABASES.query(data_dir, NOTED) == [(name,) for name in KNOWN]
    assert DATABASES.query(data_dir, COUNTED) == [(SCHEMA_VERSION,)]


# What schemas 3 and 4 changed, as it was before.
SCHEMA_2 = (
    "DROP TABLE guesses",
    "DROP TABLE profile_ranges",
    'CREATE INDEX "devicetable_profile" ON "devices" ("profile")',
    "DELETE FROM schema_steps WHERE name IN ('003_guesses', '004_profile_ranges')",
    "UPDATE counters SET value = 2 WHERE name = 'schema_version'",
)
TABLES = {
    SQLITE: "SELECT sql FROM sqlite_master WHERE name IN ('guesses', 'profile_ranges') "
    "ORDER BY name",
    POSTGRESQL: "SELECT table_name, column_name, data_type, is_nullable, ordinal_position "
    "FROM information_schema.columns WHERE table_name IN ('guesses', 'profile_ranges') "
    "ORDER BY table_name, column_name",
}
INDEX = {
    SQLITE: "SELECT 1 FROM sqlite_master WHERE name = 'devicetable_profile'",
    POSTGRESQL: "SELECT 1 FROM pg_catalog.pg_indexes WHERE indexname = 'devicetable_profile'",
}


@pytest.mark.both_engines
def test_a_database_of_schema_2_is_brought_to_that_of_a_new_one(
    data_dir: Path, serve: Callable[..., Server], engine: str
) -> None:
    new = DATABASES.query(data_dir, TABLES[engine])
    for change in SCHEMA_2:
        DATABASES.change(data_dir, change)
    assert DATABASES.query(data_dir, TABLES[engine]) == []
    with serve(data_dir=data_dir).admin() as admin:
        assert [profile.name for profile in admin.list_profiles()] == ["Depot", "Yard"]
    assert DATABASES.query(data_dir, TABLES[engine]) == new
    assert DATABASES.query(data_dir, INDEX[engine]) == []
    assert DATABASES.query(data_dir, NOTED) == [(name,) for name in KNOWN]
    assert DATABASES.query(data_dir, COUNTED) == [(SCHEMA_VERSION,)]


@pytest.mark.both_engines
def test_a_later_program_upgrades_at_its_start(
    data_dir: Path, steps: Path, serve: Callable[..., Server]
) -> None:
    with later.installed(steps), serve(data_dir=data_dir).admin() as admin:
        assert [profile.name for profile in admin.list_profiles()] == ["Depot", "Yard"]
    assert is_upgraded(data_dir)


@pytest.mark.both_engines
def test_nothing_is_upgraded_against_ones_will(
    data_dir: Path, steps: Path, serve: Callable[..., Server]
) -> None:
    before = DATABASES.dump(data_dir)
    told = f"schema {SCHEMA_VERSION}, this program needs {later.VERSION}: run `rollbook database"
    with later.installed(steps), pytest.raises(StoreError, match=told):
        serve(data_dir=data_dir, upgrade=False)
    assert DATABASES.dump(data_dir) == before
    serve(data_dir=data_dir, upgrade=False)


@pytest.mark.both_engines
def test_a_newer_schema_is_refused_by_the_name_of_its_step(
    data_dir: Path, steps: Path, serve: Callable[..., Server]
) -> None:
    with later.installed(steps):
        serve(data_dir=data_dir).stop()
    told = rf"schema {later.VERSION} \({later.NAME}\), this program knows {SCHEMA_VERSION}"
    with pytest.raises(StoreError, match=told):
        serve(data_dir=data_dir)
    assert is_upgraded(data_dir)


@pytest.mark.both_engines
def test_tables_of_another_program_are_not_taken_for_ours(
    tmp_path: Path, serve: Callable[..., Server]
) -> None:
    folder = tmp_path / "data"
    folder.mkdir(0o700)
    if DATABASES.engine == POSTGRESQL:
        DATABASES.name(folder)
    DATABASES.change(folder, "CREATE TABLE users (name TEXT)")
    with pytest.raises(StoreError, match="names of ours: users"):
        serve(data_dir=folder)


@pytest.mark.both_engines
def test_a_roll_whose_counters_are_gone_is_not_begun_anew(
    data_dir: Path, serve: Callable[..., Server]
) -> None:
    """It would give the numbers of its devices a second time."""
    DATABASES.change(data_dir, "DELETE FROM counters")
    with pytest.raises(StoreError, match="a part of a roll"):
        serve(data_dir=data_dir)


@pytest.mark.both_engines
def test_a_step_that_fails_undoes_those_before_it(
    data_dir: Path, tmp_path: Path, serve: Callable[..., Server]
) -> None:
    before = DATABASES.dump(data_dir)
    broken = later.steps(tmp_path, broken=True)
    with later.installed(broken), pytest.raises(StoreError, match="nowhere"):
        serve(data_dir=data_dir)
    assert DATABASES.dump(data_dir) == before
    assert DATABASES.query(data_dir, NOTED) == [(name,) for name in KNOWN]
    serve(data_dir=data_dir)


@pytest.mark.both_engines
def test_who_is_killed_in_the_middle_leaves_it_to_the_next(data_dir: Path, steps: Path) -> None:
    before, armed = DATABASES.dump(data_dir), steps / "armed"
    armed.touch()
    server = process(data_dir, steps)
    assert not server.launch()
    server.kill()
    assert not armed.exists()
    assert DATABASES.dump(data_dir) == before
    server.start().kill()
    assert is_upgraded(data_dir)


@pytest.mark.parametrize("engine", [POSTGRESQL], indirect=True)
@pytest.mark.parametrize("killed", [0, 1])
def test_of_four_that_start_at_once_one_upgrades_and_none_fails(
    data_dir: Path, steps: Path, killed: int
) -> None:
    """All have seen the old schema, and wait for their turn, before the first begins."""
    if killed:
        (steps / "armed").touch()
    servers = [process(data_dir, steps) for _ in range(4)]
    with ExitStack() as ended, ThreadPoolExecutor(4) as pool:
        for server in servers:
            ended.callback(server.kill)
        with psycopg.connect(DATABASES.url(data_dir)) as others:
            others.execute("SELECT 1 FROM writers WHERE writer = '' FOR UPDATE")
            started = [pool.submit(server.launch) for server in servers]
            until(lambda: waiting(data_dir) == 4 or any(each.done() for each in started))
        assert sorted(each.result() for each in started) == [False] * killed + [True] * (4 - killed)
        assert is_upgraded(data_dir)


@pytest.mark.parametrize("engine", [POSTGRESQL], indirect=True)
def test_who_waits_long_for_the_turn_goes_on_waiting(
    data_dir: Path,
    steps: Path,
    serve: Callable[..., Server],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(
        writing, "_BEGIN", [each.replace("'20s'", "'50ms'") for each in writing._BEGIN]
    )
    with ThreadPoolExecutor(1) as pool, later.installed(steps):
        with psycopg.connect(DATABASES.url(data_dir)) as others:
            others.execute("SELECT 1 FROM writers WHERE writer = '' FOR UPDATE")
            started = pool.submit(serve, data_dir=data_dir)
            until(lambda: started.done() or caplog.text.count("waiting to bring its schema") > 1)
        started.result()
    assert is_upgraded(data_dir)


def waiting(data_dir: Path) -> int:
    """Tell how many wait for a row of the database."""
    ((found,),) = DATABASES.query(
        data_dir,
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'",
    )
    return int(found)

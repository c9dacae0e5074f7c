"""A copy that is killed goes on; one into the wrong place, or from it, does not begin."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from cli.terminal import Terminal
from database.conftest import rows, url
from databases import DATABASES, POSTGRESQL, SQLITE
from rollbook import DeviceRow
from rollbook.cli.exit_codes import ExitCode
from rollbook_server.database import copy_progress
from rollbook_server.storage.copying import COMPARING, COPYING, CopyDiffersError, CopyStep, copy
from rollbook_server.storage.opening import place
from rollbook_server.storage.roll_store import StoreError
from running import finding_tests, unset_environment
from storage.test_upgrade import SCHEMA_1
from uploads.wire import imei

if TYPE_CHECKING:
    from collections.abc import Callable

    from cli.ended import Cli, Ended
    from running import Server

BOTH_WAYS = pytest.mark.parametrize(
    ("engine", "other"), [(SQLITE, POSTGRESQL), (POSTGRESQL, SQLITE)], indirect=["engine"]
)
TO_EACH = pytest.mark.parametrize("other", [SQLITE, POSTGRESQL])
FROM_SQLITE = pytest.mark.parametrize("engine", [SQLITE], indirect=True)


@pytest.fixture
def server(serve: Callable[..., Server]) -> Server:
    """Give a server with 40 devices, which has stopped."""
    server = serve()
    with server.admin() as admin:
        depot = admin.create_profile("Depot")
        devices = [DeviceRow(imei(number)) for number in range(40)]
        admin.upload_rows(depot.profile_id, devices)
    server.stop()
    return server


@pytest.fixture
def moved(tmp_path: Path) -> Path:
    folder = tmp_path / "moved"
    folder.mkdir()
    return folder


def copied(command: Cli, source: str, target: str, *options: str) -> Ended:
    return command("database", "copy", "--from", source, "--to", target, *options)


def begun(source: str, target: str, batches: int) -> int:
    """Copy until the process is killed in the middle of a batch; gives its exit status."""
    module = [sys.executable, "-m", "database.dying", str(batches)]
    return subprocess.run(
        [*module, "database", "copy", "--from", source, "--to", target],
        env=finding_tests(unset_environment()),
        stderr=subprocess.DEVNULL,
        check=False,
    ).returncode


@BOTH_WAYS
def test_a_killed_copy_goes_on_and_is_served_only_once_it_is_whole(
    server: Server,
    moved: Path,
    engine: str,
    other: str,
    command: Cli,
    serve: Callable[..., Server],
) -> None:
    source, target = url(server.data_dir, engine), url(moved, other)
    for batches in (1, 6, 3):
        assert begun(source, target, batches) == -9
        with pytest.raises(StoreError, match="beginning of a copy"):
            serve(data_dir=server.data_dir, database=target)
        status = command("database", "status", "--database", target, "--output", "json")
        assert (status.code, status.document["state"]) == (9, "UNFINISHED_COPY")
    ended = copied(command, source, target, "--output", "json")
    assert ended.code == 0, ended.err
    devices = next(each for each in ended.document["tables"] if each["table"] == "devices")
    assert devices["row_count"] == 40
    assert rows(target) == rows(source)
    serve(data_dir=server.data_dir, database=target)


@BOTH_WAYS
def test_what_is_served_meanwhile_is_not_copied(
    server: Server,
    moved: Path,
    engine: str,
    other: str,
    command: Cli,
    serve: Callable[..., Server],
) -> None:
    source, target = url(server.data_dir, engine), url(moved, other)
    running = serve(data_dir=server.data_dir)
    assert "in use by" in refusal(copied(command, source, target))
    running.stop()
    assert begun(source, target, 4) == -9
    running = serve(data_dir=server.data_dir)
    with running.admin() as admin:
        admin.create_profile("Later")
    running.stop()
    assert "was served since" in refusal(copied(command, source, target))


@pytest.mark.parametrize("engine", [POSTGRESQL], indirect=True)
@pytest.mark.parametrize("when", [COPYING, COMPARING])
def test_a_source_that_was_served_until_the_end_is_told(
    server: Server, moved: Path, engine: str, when: str, serve: Callable[..., Server]
) -> None:
    """PostgreSQL itself keeps no server away, and what was read is of before."""
    source, target = url(server.data_dir, engine), url(moved, SQLITE)
    served: list[CopyStep] = []

    def serve_once(step: CopyStep) -> None:
        if step.phase == when and not served:
            served.append(step)
            running = serve(data_dir=server.data_dir)
            with running.admin() as admin:
                admin.create_profile("Later")
            running.stop()

    with pytest.raises(CopyDiffersError, match="was served while it was copied"):
        copy(place(source, Path()), place(target, Path()), serve_once)
    with pytest.raises(StoreError, match="beginning of a copy"):
        place(target, Path()).upgraded()


@pytest.mark.parametrize("engine", [POSTGRESQL], indirect=True)
@pytest.mark.parametrize(("served", "asked"), [("depot", ""), ("", "depot"), ("depot", "school")])
def test_a_server_is_seen_whatever_its_connections_are_called(
    server: Server,
    moved: Path,
    engine: str,
    command: Cli,
    serve: Callable[..., Server],
    served: str,
    asked: str,
) -> None:
    source = url(server.data_dir, engine)
    running = serve(data_dir=server.data_dir, database=f"{source}&application_name={served}")
    from_there = f"{source}&application_name={asked}"
    assert "in use by" in refusal(copied(command, from_there, url(moved, SQLITE)))
    running.stop()
    assert copied(command, from_there, url(moved, SQLITE)).code == 0


@FROM_SQLITE
@TO_EACH
def test_nothing_is_copied_into_a_database_in_use(
    server: Server, moved: Path, engine: str, other: str, command: Cli, serve: Callable[..., Server]
) -> None:
    source, target = url(server.data_dir, engine), url(moved, other)
    running = serve(data_dir=moved / "data", database=target)
    assert "in use by" in refusal(copied(command, source, target))
    running.stop()
    before = rows(target)
    assert "not empty: it has api_keys" in refusal(copied(command, source, target))
    assert rows(target) == before


@FROM_SQLITE
@TO_EACH
def test_an_empty_database_that_has_the_tables_already_will_do(
    server: Server, moved: Path, engine: str, other: str, command: Cli
) -> None:
    source, target = url(server.data_dir, engine), url(moved, other)
    assert command("database", "upgrade", "--database", target).code == 0
    assert copied(command, source, target).code == 0
    assert rows(target) == rows(source)
    assert "not empty" in refusal(copied(command, source, target))


@FROM_SQLITE
@TO_EACH
def test_only_the_beginning_of_the_same_copy_is_gone_on_with(
    server: Server, moved: Path, engine: str, other: str, command: Cli, tmp_path: Path
) -> None:
    source, target = url(server.data_dir, engine), url(moved, other)
    assert begun(source, target, 4) == -9
    another = tmp_path / "another.db"
    with (
        closing(sqlite3.connect(server.data_dir / "rollbook.db")) as database,
        closing(sqlite3.connect(another)) as copy_of_it,
        copy_of_it,
    ):
        database.backup(copy_of_it)
        copy_of_it.execute("UPDATE counters SET value = value + 1 WHERE name = 'next_device'")
    before = rows(target)
    assert "of another database" in refusal(copied(command, f"sqlite:///{another}", target))
    assert rows(target) == before


@FROM_SQLITE
@TO_EACH
def test_a_difference_at_the_end_is_told_with_its_table(
    server: Server, moved: Path, engine: str, other: str
) -> None:
    source, target = url(server.data_dir, engine), url(moved, other)

    steps: list[CopyStep] = []

    def meddle(step: CopyStep) -> None:
        steps.append(step)
        if [each.phase for each in steps].count(COMPARING) == 1:
            _change(target, "UPDATE devices SET revision = 2 WHERE source_row = 7")

    with pytest.raises(CopyDiffersError, match="devices: 40 rows"):
        copy(place(source, Path()), place(target, Path()), meddle)
    with pytest.raises(StoreError, match="beginning of a copy"):
        place(target, Path()).upgraded()


def _change(target: str, sql: str) -> None:
    if target.startswith("sqlite"):
        path = target.removeprefix("sqlite:///")
        with closing(sqlite3.connect(path)) as database, database:
            database.execute(sql)
    else:
        with psycopg.connect(target) as connection:
            connection.execute(sql.encode())


@FROM_SQLITE
@pytest.mark.parametrize("broken", ["a\0b", b"a", 1.5])
def test_what_postgresql_cannot_hold_is_told_with_its_table(
    server: Server, moved: Path, engine: str, broken: object, command: Cli
) -> None:
    source, target = url(server.data_dir, engine), url(moved, POSTGRESQL)
    with closing(sqlite3.connect(server.data_dir / "rollbook.db")) as database, database:
        database.execute("UPDATE devices SET source_line = ? WHERE source_row = 7", (broken,))
    told = refusal(copied(command, source, target))
    assert "a row of devices with a key between 1 and 40" in told


@FROM_SQLITE
@TO_EACH
def test_a_nul_that_an_older_server_took_is_replaced_and_told(
    server: Server, moved: Path, engine: str, other: str, command: Cli
) -> None:
    source, target = url(server.data_dir, engine), url(moved, other)
    for sql in ("UPDATE profiles SET description = ?", "UPDATE uploads SET file_name = ?"):
        DATABASES.change(server.data_dir, sql, ("a\0b\0",))
    ended = copied(command, source, target)
    assert ended.code == 0, ended.err
    assert "file names of uploads: 2 texts." in ended.err
    kept = rows(target)
    for table in ("profiles", "uploads"):
        assert "a\ufffdb\ufffd" in kept[table][0]


@FROM_SQLITE
def test_a_source_that_is_no_roll_of_today_is_refused(
    moved: Path, tmp_path: Path, engine: str, command: Cli
) -> None:
    assert engine == SQLITE
    target, old = url(moved, SQLITE), tmp_path / "old.db"
    assert "There is no database" in refusal(copied(command, f"sqlite:///{old}", target))
    with closing(sqlite3.connect(old)) as database:
        database.execute("PRAGMA journal_mode = wal")
    assert "holds no roll" in refusal(copied(command, f"sqlite:///{old}", target))
    with closing(sqlite3.connect(old)) as database:
        database.executescript(SCHEMA_1.read_text())
    assert "rollbook database upgrade" in refusal(copied(command, f"sqlite:///{old}", target))
    assert "the same database" in refusal(copied(command, f"sqlite:///{old}", f"sqlite:///{old}"))
    assert not list(moved.iterdir())


@FROM_SQLITE
def test_the_closing_words_name_the_keys(
    server: Server, moved: Path, engine: str, command: Cli
) -> None:
    ended = copied(command, url(server.data_dir, engine), url(moved, POSTGRESQL))
    assert f"without the sealing keys: {server.data_dir / 'sealing.key'}." in ended.err
    assert f"with {server.data_dir / 'token.epoch'} removed" in ended.err
    assert "copying: 100 %, " in ended.err
    assert "comparing: 100 %, " in ended.err


def test_a_terminal_shows_rate_and_time_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in (("TTY_COMPATIBLE", "1"), ("NO_COLOR", "1"), ("COLUMNS", "120")):
        monkeypatch.setenv(name, value)
    with copy_progress.watch(silent=False) as told:
        for phase in (COPYING, COMPARING):
            for count in range(0, 60, 20):
                told(CopyStep(phase, "devices", count, 100))
    drawn = capsys.readouterr().err
    assert re.search(r"comparing devices \S+ +40/100 +[\d,]+ rows/s +\d+:\d\d", drawn)


@FROM_SQLITE
def test_a_copy_at_a_terminal(server: Server, moved: Path, engine: str) -> None:
    source, target = url(server.data_dir, engine), url(moved, SQLITE)
    with Terminal("database", "copy", "--from", source, "--to", target) as terminal:
        assert terminal.end() == ExitCode.DONE, terminal.shown
    assert "Copied, and compared" in terminal.shown
    assert "copying:" not in terminal.shown


def refusal(ended: Ended) -> str:
    """Give what is said by a copy that must not have begun."""
    assert ended.code == ExitCode.REFUSED, (ended.out, ended.err)
    return ended.err

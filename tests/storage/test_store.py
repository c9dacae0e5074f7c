"""What a Store promises: durable, alone in its error, alone on its file, and alive when full."""

from __future__ import annotations

import sqlite3
import stat
import threading
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from rollbook_server.domain import batches, uploads
from rollbook_server.domain.batches import Batch
from rollbook_server.domain.devices import DeviceRow
from rollbook_server.domain.errors import Reason, RollbookError
from rollbook_server.domain.profiles import Profile
from rollbook_server.domain.uploads import Progress, UploadOptions
from rollbook_server.storage.schema import SCHEMA_VERSION
from rollbook_server.storage.sqlite.packing import pack
from rollbook_server.storage.store import RESERVE_BYTES, SqliteStore, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from rollbook_server.domain.ports import Roll
    from rollbook_server.domain.uploads import Upload

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "roll.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(path, lambda text: text.encode())
    yield store
    store.close()


def add(roll: Roll, name: str, text: str = "") -> bool:
    return roll.profiles.add(Profile(f"prf-{name}", name, NOW, NOW, description=text))


def has(store: SqliteStore, name: str) -> bool:
    return store.read(lambda roll: roll.profiles.get(f"prf-{name}")) is not None


def query(path: Path, sql: str) -> list[tuple[Any, ...]]:
    """Ask the file on a connection of our own, as a server that starts anew would see it."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        return connection.execute(sql).fetchall()


def test_its_files_are_for_their_owner_alone(path: Path) -> None:
    with closing(SqliteStore(path)) as store:
        store.write(lambda roll: add(roll, "a"))
        files = list(path.parent.iterdir())
        assert len(files) == 4  # the database, its log, its index of the log, and the lock
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_a_link_to_a_file_in_use_is_refused_too(store: SqliteStore, path: Path) -> None:
    store.write(lambda roll: add(roll, "a"))
    link = path.with_name("link.db")
    link.symlink_to(path)
    with pytest.raises(StoreError, match="in use"):
        SqliteStore(link)


def execute(roll: Roll, sql: str) -> Any:
    """Run SQL on the connection of the work."""
    return roll.profiles._database.execute_sql(sql)  # type: ignore[attr-defined]


class Held:
    """Work that holds the writer back until it is let go, so that what waits is one group."""

    def __init__(self, store: SqliteStore) -> None:
        self._begun, self._released = threading.Event(), threading.Event()
        self._future = store.submit(self._wait)
        self._begun.wait()

    def _wait(self, _: Roll) -> None:
        self._begun.set()
        self._released.wait()

    def release(self) -> None:
        self._released.set()
        self._future.result()


def test_what_was_written_is_in_the_file_when_write_returns(store: SqliteStore, path: Path) -> None:
    assert store.write(lambda roll: add(roll, "a"))
    assert query(path, "SELECT profile_id FROM profiles") == [("prf-a",)]
    assert has(store, "a")


def test_what_was_written_is_there_for_the_next_store(path: Path) -> None:
    first = SqliteStore(path)
    first.write(lambda roll: add(roll, "a"))
    first.close()
    second = SqliteStore(path)
    assert has(second, "a")
    second.close()


def test_readers_do_not_wait_for_a_transaction_that_has_begun(store: SqliteStore) -> None:
    held = Held(store)
    assert not has(store, "a")
    held.release()


def test_an_error_undoes_its_own_work_while_its_group_commits(
    store: SqliteStore, path: Path
) -> None:
    def fail(roll: Roll) -> None:
        add(roll, "b")
        raise KeyError("mine")

    held = Held(store)
    works = [lambda roll: add(roll, "a"), fail, lambda roll: add(roll, "c"), fail]
    futures = [store.submit(work) for work in works]
    held.release()
    assert [futures[0].result(), futures[2].result()] == [True, True]
    for future in (futures[1], futures[3]):
        with pytest.raises(KeyError, match="mine"):
            future.result()
    assert query(path, "SELECT name FROM profiles ORDER BY name") == [("a",), ("c",)]


def test_a_reader_sees_one_state_from_beginning_to_end(store: SqliteStore) -> None:
    def look_twice(roll: Roll) -> list[bool]:
        before = roll.profiles.get("prf-a") is not None
        store.write(lambda roll: add(roll, "a"))
        return [before, roll.profiles.get("prf-a") is not None]

    assert store.read(look_twice) == [False, False]
    assert has(store, "a")


def test_a_reader_cannot_write(store: SqliteStore) -> None:
    with pytest.raises(RollbookError):
        store.read(lambda roll: add(roll, "a"))
    assert not has(store, "a")


def test_a_second_store_on_the_same_file_is_refused(store: SqliteStore, path: Path) -> None:
    with pytest.raises(StoreError, match="in use by another server"):
        SqliteStore(path)
    assert store.write(lambda roll: add(roll, "a"))


def test_a_newer_schema_is_refused_and_left_as_it_is(path: Path) -> None:
    SqliteStore(path).close()
    newer = SCHEMA_VERSION + 1
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE counters SET value = ? WHERE name = 'schema_version'", (newer,))
        connection.execute("DROP TABLE answers")
    with pytest.raises(StoreError, match=f"schema {newer}"):
        SqliteStore(path)
    assert query(path, "SELECT 1 FROM sqlite_master WHERE name = 'answers'") == []


def test_a_store_that_was_refused_lets_go_of_the_file(path: Path) -> None:
    SqliteStore(path).close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE counters SET value = 99 WHERE name = 'schema_version'")
    for _ in range(2):
        with pytest.raises(StoreError, match="schema 99"):
            SqliteStore(path)


def test_work_after_the_end_is_refused_with_a_time_to_try_again(path: Path) -> None:
    store = SqliteStore(path)
    last = store.submit(lambda roll: add(roll, "a"))
    store.close()
    assert last.result()
    with pytest.raises(RollbookError) as caught:
        store.write(lambda roll: add(roll, "b"))
    assert caught.value.reason is Reason.SERVER_STOPPING
    assert caught.value.retry_after_seconds


def test_a_full_disk_is_told_reads_go_on_and_it_recovers(store: SqliteStore, path: Path) -> None:
    store.write(lambda roll: add(roll, "a"))
    pages = store.write(lambda roll: execute(roll, "PRAGMA page_count").fetchone()[0])
    store.write(lambda roll: execute(roll, f"PRAGMA max_page_count = {pages + 2}").fetchone())
    for name in ("b", "c"):
        with pytest.raises(RollbookError) as caught:
            store.write(partial(add, name=name, text="x" * 1_000_000))
        assert caught.value.reason is Reason.STORE_FULL
    assert has(store, "a")
    assert store.write(lambda roll: add(roll, "small"))
    store.write(lambda roll: execute(roll, "PRAGMA max_page_count = 1073741823").fetchone())
    assert store.write(lambda roll: add(roll, "b", "x" * 1_000_000))
    names = query(path, "SELECT name FROM profiles ORDER BY name")
    assert names == [("a",), ("b",), ("small",)]


def test_whoever_shares_a_group_with_a_full_disk_hears_of_it_or_is_durable(
    store: SqliteStore, path: Path
) -> None:
    pages = store.write(lambda roll: execute(roll, "PRAGMA page_count").fetchone()[0])
    store.write(lambda roll: execute(roll, f"PRAGMA max_page_count = {pages + 2}").fetchone())
    held = Held(store)
    sizes = {"a": 1, "b": 1_000_000, "c": 1}
    futures = {
        name: store.submit(partial(add, name=name, text="x" * size)) for name, size in sizes.items()
    }
    held.release()
    failures = {name: future.exception() for name, future in futures.items()}
    durable = {name for (name,) in query(path, "SELECT name FROM profiles")}
    assert durable == {name for name, failure in failures.items() if failure is None}
    assert isinstance(failures["b"], RollbookError)
    assert all(f is None or f.reason is Reason.STORE_FULL for f in failures.values())  # type: ignore[attr-defined]


def rows_of(first: int, how_many: int) -> list[DeviceRow]:
    return [
        DeviceRow(n, n + 1, f"{n:014}", "", f"S{n}", "HTC", "htc", {"site": "x"}, [])
        for n in range(first, first + how_many)
    ]


def queries_of(store: SqliteStore, upload: Upload, rows: Sequence[DeviceRow]) -> list[str]:
    """Commit a batch, and give every statement that SQLite ran for it."""
    seen: list[str] = []
    before, behind = Progress(rows=rows[0].row - 1), Progress(rows=rows[-1].row)
    batch = Batch(rows, [], before, behind, packed=pack(rows, ()))

    def commit(roll: Roll) -> None:
        connection = roll.profiles._database.connection()  # type: ignore[attr-defined]
        connection.set_trace_callback(seen.append)
        batches.commit(roll, upload, batch, NOW)
        connection.set_trace_callback(None)

    store.write(commit)
    return seen


def test_a_batch_of_good_rows_takes_as_many_queries_as_one_row(store: SqliteStore) -> None:
    options = UploadOptions("u", "prf-a")
    store.write(lambda roll: add(roll, "a"))
    upload = store.write(lambda roll: uploads.open_upload(roll, options, NOW))
    few = queries_of(store, upload, rows_of(1, 1))
    many = queries_of(store, upload, rows_of(2, 2_000))
    inserts = [query for query in many if "INSERT INTO devices" in query]
    assert len(inserts) <= 4
    assert len(many) - len(inserts) == len(few) - 1 <= 16
    assert store.read(lambda roll: roll.uploads.get("u")).counts.created == 2_001  # type: ignore[union-attr]
    assert len(store.read(lambda roll: roll.devices.holders(rows_of(1, 2_001)))) == 2_001


def test_a_row_that_met_another_by_its_second_key_is_no_repetition_of_a_later_one(
    store: SqliteStore,
) -> None:
    """(A, S1), (B, S1), (B, S2): the second repeats the first, whatever the third has."""
    store.write(lambda roll: add(roll, "a"))
    upload = store.write(lambda roll: uploads.open_upload(roll, UploadOptions("u", "prf-a"), NOW))
    first, second = rows_of(1, 2)
    rows = [first, second._replace(serial_number="S1"), second._replace(row=3, line=4)]
    batch = Batch(rows, [], Progress(), Progress(rows=3), packed=pack(rows, ()))
    store.write(lambda roll: batches.commit(roll, upload, batch, NOW))
    (error,) = store.read(lambda roll: list(roll.uploads.errors("u", after=0, limit=9)))
    assert (error.row, error.column) == (2, "serial_number")
    assert error.message.startswith("line 2 of the same upload has this serial number")


def test_a_full_disk_is_told_before_it_is_quite_full(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = SimpleNamespace(free=RESERVE_BYTES - 1)
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    with pytest.raises(RollbookError) as refused:
        store.check_room()
    assert refused.value.reason is Reason.STORE_FULL
    store.write(lambda roll: add(roll, "a"))  # what is smaller goes on
    usage.free = RESERVE_BYTES
    store.check_room()

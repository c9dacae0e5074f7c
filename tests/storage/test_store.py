"""What a Store promises: durable, alone in its error, alone on its file, and alive when full."""

from __future__ import annotations

import sqlite3
import stat
from contextlib import closing
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from rollbook_server.domain import batches, uploads
from rollbook_server.domain.batches import Batch
from rollbook_server.domain.errors import Reason, RollbookError
from rollbook_server.domain.upload_options import UploadOptions
from rollbook_server.domain.uploads import Progress
from rollbook_server.storage.schema import SCHEMA_VERSION
from rollbook_server.storage.store import RESERVE_BYTES, SqliteStore, StoreError
from rollbook_server.storage.writer import KEPT_WAITING
from storage.works import NOW, Held, add, rows_of
from uploads.wire import until

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from rollbook_server.domain.devices import DeviceRow
    from rollbook_server.domain.ports import Roll
    from rollbook_server.domain.repositories import PackedRows
    from rollbook_server.domain.uploads import Upload


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "roll.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(path, lambda text: text.encode())
    yield store
    store.close()


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


def test_what_was_written_is_in_the_file_when_write_returns(store: SqliteStore, path: Path) -> None:
    assert store.write(lambda roll: add(roll, "a"))
    assert query(path, "SELECT profile_id FROM profiles") == [("prf-a",)]
    assert has(store, "a")


def test_a_closed_store_leaves_no_log_that_another_file_in_its_place_would_meet(path: Path) -> None:
    store = SqliteStore(path)
    assert store.write(lambda roll: add(roll, "a"))
    assert has(store, "a")
    store.close()
    assert sorted(file.name for file in path.parent.iterdir()) == ["roll.db", "roll.db.lock"]


def test_readers_do_not_wait_for_a_transaction_that_has_begun(store: SqliteStore) -> None:
    held = Held(store)
    assert not has(store, "a")
    held.release()


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


def packed(store: SqliteStore, rows: Sequence[DeviceRow]) -> PackedRows:
    packing = store.packing()
    packing.add(rows)
    return packing.take()


def queries_of(store: SqliteStore, upload: Upload, rows: Sequence[DeviceRow]) -> list[str]:
    """Commit a batch, and give every statement that SQLite ran for it."""
    seen: list[str] = []
    before, behind = Progress(rows=rows[0].row - 1), Progress(rows=rows[-1].row)
    batch = Batch(rows, [], before, behind, packed=packed(store, rows))

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


def test_bulk_work_for_which_others_wait_each_time_shares_the_writer(store: SqliteStore) -> None:
    for _ in range(KEPT_WAITING):
        assert not store.is_shared()
        bulk = Held(store, is_bulk=True)
        small = store.submit(lambda _: None)
        bulk.release()
        small.result()
    assert store.is_shared()
    store.submit(lambda _: None, is_bulk=True).result()
    until(lambda: not store.is_shared())

"""What is answered is on the disk: by a sync of the log, which is not SQLite's own here."""

from __future__ import annotations

import os
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from rollbook_server.domain.errors import Reason, RollbookError
from rollbook_server.domain.profiles import Profile
from rollbook_server.storage import writer
from rollbook_server.storage.sqlite import log_sync
from rollbook_server.storage.store import SqliteStore, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rollbook_server.domain.ports import Roll

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
PATIENCE = 30  # seconds; only a bug makes anybody wait so long


class Disk:
    """Syncs when it is let, and notes how large the log was that it synced."""

    def __init__(self) -> None:
        self.free, self.asked = threading.Event(), threading.Semaphore(0)
        self.synced: list[int] = []
        self.files: set[int] = set()
        self.failure: OSError | None = None
        self.free.set()

    def sync(self, file: int) -> None:
        found = os.fstat(file)
        size = found.st_size
        self.files.add(found.st_ino)
        self.asked.release()
        assert self.free.wait(PATIENCE)
        if self.failure:
            raise self.failure
        self.synced.append(size)

    def hold(self) -> None:
        """Let nobody's sync end, and forget who asked."""
        self.free.clear()
        while self.asked.acquire(blocking=False):
            pass

    def await_asker(self) -> None:
        assert self.asked.acquire(timeout=PATIENCE)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    disk = Disk()
    monkeypatch.setattr(log_sync, "sync", disk.sync)
    return disk


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "roll.db"


@pytest.fixture
def store(path: Path, disk: Disk) -> Iterator[SqliteStore]:
    with closing(SqliteStore(path, lambda text: text.encode())) as store:
        yield store
        disk.free.set()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


def add(store: SqliteStore, name: str, *, is_bulk: bool = False) -> Future[bool]:
    profile = Profile(f"prf-{name}", name, NOW, NOW)
    return store.submit(lambda roll: roll.profiles.add(profile), is_bulk=is_bulk)


def has(store: SqliteStore, name: str) -> bool:
    return store.read(lambda roll: roll.profiles.get(f"prf-{name}")) is not None


def assert_unavailable(error: BaseException | None) -> None:
    assert isinstance(error, RollbookError)
    assert error.reason is Reason.STORE_UNAVAILABLE


@pytest.mark.parametrize("is_bulk", [False, True])
def test_nothing_is_answered_before_the_log_that_holds_it_is_synced(
    store: SqliteStore, path: Path, disk: Disk, is_bulk: bool
) -> None:
    disk.hold()
    written = add(store, "a", is_bulk=is_bulk)
    disk.await_asker()
    assert not written.done()
    disk.free.set()
    assert written.result(PATIENCE)
    assert disk.synced[-1] == path.with_name("roll.db-wal").stat().st_size > 0


def test_the_log_of_a_linked_database_is_synced_where_the_database_is(
    path: Path, disk: Disk, tmp_path: Path
) -> None:
    link = tmp_path / "elsewhere" / "link.db"
    link.parent.mkdir()
    with closing(SqliteStore(path)):
        link.symlink_to(path)
    link.with_name("link.db-wal").write_bytes(b"of a database that was here before")
    disk.files.clear()
    with closing(SqliteStore(link)) as store:
        assert add(store, "a").result(PATIENCE)
        assert disk.files == {path.with_name("roll.db-wal").stat().st_ino}


def test_a_reader_hears_of_nothing_that_is_not_on_the_disk(
    store: SqliteStore, disk: Disk, pool: ThreadPoolExecutor
) -> None:
    disk.hold()
    add(store, "a")
    disk.await_asker()
    read = pool.submit(has, store, "a")
    other = add(store, "b", is_bulk=True)
    assert not read.done()
    assert not other.done()
    disk.free.set()
    assert read.result(PATIENCE)


def test_the_next_work_begins_while_bulk_work_waits_for_the_disk(
    store: SqliteStore, disk: Disk
) -> None:
    begun = threading.Event()
    disk.hold()
    first = add(store, "a", is_bulk=True)
    disk.await_asker()
    second = store.submit(lambda _: begun.set(), is_bulk=True)
    assert begun.wait(PATIENCE)
    assert not first.done()
    assert not second.done()
    disk.free.set()
    assert first.result(PATIENCE)
    second.result(PATIENCE)


@pytest.mark.parametrize("is_bulk", [False, True])
def test_after_a_failed_sync_nothing_is_said_until_the_store_is_opened_anew(
    path: Path, disk: Disk, is_bulk: bool
) -> None:
    with closing(SqliteStore(path)) as store:
        assert add(store, "a").result(PATIENCE)
        disk.failure = OSError("the disk is broken")
        assert_unavailable(add(store, "b", is_bulk=is_bulk).exception(PATIENCE))
        disk.failure = None  # whether the disk has it is not known for all that
        assert_unavailable(add(store, "c").exception(PATIENCE))
        with pytest.raises(RollbookError) as refused:
            has(store, "a")
        assert_unavailable(refused.value)
    with closing(SqliteStore(path)) as store:
        assert has(store, "a")
        assert not has(store, "c")
        assert add(store, "d").result(PATIENCE)


def test_what_an_earlier_server_left_in_the_log_is_on_the_disk_before_it_is_read(
    path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "IDLE_SECONDS", PATIENCE)  # the log goes nowhere by itself
    with closing(SqliteStore(path)) as store:
        add(store, "a").result(PATIENCE)
        killed = {name: path.with_name(name).read_bytes() for name in ("roll.db", "roll.db-wal")}
    for name, content in killed.items():
        path.with_name(name).write_bytes(content)
    disk.synced.clear()
    with closing(SqliteStore(path)) as store:
        assert disk.synced
        assert has(store, "a")
        alone = path.with_name("alone.db")
        alone.write_bytes(path.read_bytes())
    with closing(SqliteStore(alone)) as store:
        assert has(store, "a")


def test_a_log_that_cannot_be_synced_is_told_at_the_start(path: Path, disk: Disk) -> None:
    disk.failure = OSError("the disk is broken")
    with pytest.raises(StoreError, match="the disk is broken"):
        SqliteStore(path)
    disk.failure = None
    SqliteStore(path).close()


def test_a_log_of_which_the_disk_lost_something_is_not_taken_into_the_database(
    path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "IDLE_SECONDS", 0)
    with closing(SqliteStore(path)) as store:
        add(store, "a").result(PATIENCE)
        disk.failure = OSError("the disk is broken")
        assert_unavailable(add(store, "b").exception(PATIENCE))
        before = path.read_bytes()
        for _ in range(3):  # the writer is idle before each
            assert_unavailable(add(store, "c").exception(PATIENCE))
        disk.failure = None
    assert path.read_bytes() == before
    assert path.with_name("roll.db-wal").stat().st_size


@pytest.mark.parametrize("is_bulk", [False, True])
def test_refused_work_hears_of_nothing_that_is_not_on_the_disk(
    store: SqliteStore, disk: Disk, is_bulk: bool
) -> None:
    def refuse(_: Roll) -> None:
        raise RollbookError(Reason.PROFILE_NAME_TAKEN, "as a commit before says")

    disk.hold()
    refused = store.submit(refuse, is_bulk=is_bulk)
    disk.await_asker()
    assert not refused.done()
    disk.free.set()
    assert isinstance(refused.exception(PATIENCE), RollbookError)


def test_readers_do_not_wait_for_a_commit_that_failed(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise OSError("no commit")

    commit = store._database.commit
    monkeypatch.setattr(store._database, "commit", fail)
    assert isinstance(add(store, "a").exception(PATIENCE), OSError)
    monkeypatch.setattr(store._database, "commit", commit)
    assert not has(store, "a")
    assert add(store, "b").result(PATIENCE)
    assert has(store, "b")


def test_closing_answers_what_waits_for_the_disk(path: Path, disk: Disk) -> None:
    store = SqliteStore(path)
    disk.hold()
    written = add(store, "a", is_bulk=True)
    disk.await_asker()
    with ThreadPoolExecutor(1) as pool:
        closed = pool.submit(store.close)
        disk.free.set()
        closed.result(PATIENCE)
    assert written.result(PATIENCE)


def test_the_file_is_synced_by_sqlite_as_order_asks_for(store: SqliteStore) -> None:
    def settings(roll: Roll) -> list[object]:
        database = roll.profiles._database  # type: ignore[attr-defined]
        names = ("journal_mode", "synchronous")
        return [database.execute_sql(f"PRAGMA {name}").fetchone()[0] for name in names]

    assert store.write(settings) == ["wal", 1]

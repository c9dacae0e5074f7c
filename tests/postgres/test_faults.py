"""A connection may be cut at any moment: nothing is lost, done twice, or left in doubt."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING

import psycopg
import pytest

from databases import DATABASES, POSTGRESQL
from postgres.proxies import Cut, Proxy
from rollbook_server import pulse
from rollbook_server.domain.errors import Reason, RollbookError
from rollbook_server.domain.profiles import Profile
from rollbook_server.pulse import Feeling, Pulse
from rollbook_server.storage import faults, writer
from rollbook_server.storage.postgres import store as postgres_store
from rollbook_server.storage.postgres import writing
from rollbook_server.storage.postgres.store import PostgresStore
from uploads.wire import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rollbook_server.domain.ports import Roll

pytestmark = pytest.mark.parametrize("engine", [POSTGRESQL], indirect=True)
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
WAITING = "SELECT 1 FROM pg_locks WHERE NOT granted AND locktype IN ('transactionid', 'tuple')"


@pytest.fixture
def proxy(engine: str) -> Iterator[Proxy]:
    assert engine == POSTGRESQL
    with closing(Proxy(DATABASES.server.folder)) as proxy:
        yield proxy


@pytest.fixture
def url(proxy: Proxy, tmp_path: Path) -> str:
    name = DATABASES.name(tmp_path)
    return f"postgresql://rollbook@127.0.0.1:{proxy.port}/{name}"


@pytest.fixture
def store(url: str) -> Iterator[PostgresStore]:
    with closing(PostgresStore(url, lambda text: text.encode())) as store:
        yield store


def add(roll: Roll, name: str) -> bool:
    return roll.profiles.add(Profile(f"prf-{name}", name, NOW, NOW))


def names(tmp_path: Path) -> list[str]:
    return [name for (name,) in DATABASES.query(tmp_path, "SELECT name FROM profiles ORDER BY id")]


def test_a_commit_whose_answer_is_lost_was_done_once(
    store: PostgresStore, proxy: Proxy, tmp_path: Path
) -> None:
    proxy.cut = Cut.BEHIND
    assert store.write(lambda roll: add(roll, "a"))
    assert store.write(lambda roll: add(roll, "b"))
    assert names(tmp_path) == ["a", "b"]


def test_a_commit_that_never_arrived_is_told_and_was_not_done(
    store: PostgresStore, proxy: Proxy, tmp_path: Path
) -> None:
    proxy.cut = Cut.BEFORE
    with pytest.raises(RollbookError) as failed:
        store.write(lambda roll: add(roll, "a"))
    assert failed.value.reason is Reason.STORE_UNAVAILABLE
    assert failed.value.retry_after_seconds
    assert names(tmp_path) == []
    assert store.write(lambda roll: add(roll, "a"))


def test_an_outcome_that_cannot_be_looked_up_is_told_as_such(
    store: PostgresStore, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "_OUTCOME_SECONDS", 0.2)
    proxy.cut, proxy.refuses = Cut.BEHIND, True
    with pytest.raises(RollbookError) as failed:
        store.write(lambda roll: add(roll, "a"))
    assert failed.value.reason is Reason.OUTCOME_UNKNOWN
    assert failed.value.retry_after_seconds is None  # or somebody would do it again unseen
    proxy.refuses = False
    assert store.write(lambda roll: roll.profiles.get("prf-a")) is not None


def test_connections_that_were_cut_are_replaced_unseen(store: PostgresStore, proxy: Proxy) -> None:
    assert store.write(lambda roll: add(roll, "a"))
    assert store.read(lambda roll: roll.profiles.get("prf-a"))
    proxy.cut_all()
    assert store.read(lambda roll: roll.profiles.get("prf-a"))
    assert store.write(lambda roll: add(roll, "b"))


def test_a_connection_cut_in_the_middle_undoes_the_work_and_no_more(
    store: PostgresStore, proxy: Proxy, tmp_path: Path
) -> None:
    def fail(roll: Roll) -> None:
        add(roll, "a")
        proxy.cut_all()
        add(roll, "b")

    with pytest.raises(RollbookError) as failed:
        store.write(fail)
    assert failed.value.reason is Reason.STORE_UNAVAILABLE
    assert store.write(lambda roll: add(roll, "c"))
    assert names(tmp_path) == ["c"]


def test_a_database_that_is_gone_is_told_and_comes_back(
    store: PostgresStore, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "_BEGIN_SECONDS", 0.2)
    told: list[Feeling] = []
    with closing(Pulse(store, told.append, 0.01)):
        proxy.refuses = True
        proxy.cut_all()
        for attempt in (store.read, store.write):
            with pytest.raises(RollbookError) as failed:
                attempt(lambda roll: roll.profiles.get("prf-a"))
            assert failed.value.reason is Reason.STORE_UNAVAILABLE
        until(lambda: told == [Feeling.ILL])
        proxy.refuses = False
        until(lambda: told == [Feeling.ILL, Feeling.WELL])
    assert store.write(lambda roll: add(roll, "a"))


def test_why_the_database_is_of_no_use_is_in_the_log_and_not_for_each_call(
    store: PostgresStore,
    proxy: Proxy,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(faults, "_CAUSES", faults._Causes())
    proxy.refuses = True
    proxy.cut_all()
    for _ in range(9):
        with pytest.raises(RollbookError) as failed:
            store.read(lambda roll: roll.profiles.get("prf-a"))
        assert "connection" not in failed.value.message
    told = [each for each in caplog.messages if each.startswith("the database does not do")]
    assert len(told) == 1
    assert f"port {proxy.port}" in told[0]


@contextmanager
def holding(tmp_path: Path, sql: str) -> Iterator[None]:
    """Let somebody else's transaction hold what a statement locks."""
    with psycopg.connect(DATABASES.server.url(DATABASES.name(tmp_path))) as others:
        others.execute(sql.encode())
        yield


def test_a_database_that_neither_answers_nor_refuses_is_told(
    store: PostgresStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulse, "PATIENCE_SECONDS", 0.1)
    told: list[Feeling] = []
    with closing(Pulse(store, told.append, 0.01)):
        with holding(tmp_path, "LOCK TABLE counters IN ACCESS EXCLUSIVE MODE"):
            until(lambda: told[-1:] == [Feeling.ILL])  # a slow machine may have told it before
        until(lambda: told[-1:] == [Feeling.WELL])
    assert all(now is not before for before, now in pairwise(told))


def test_a_write_that_never_ends_is_told(
    store: PostgresStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "STUCK_SECONDS", 0.1)
    told: list[Feeling] = []
    with closing(Pulse(store, told.append, 0.01)):
        with holding(tmp_path, "SELECT 1 FROM writers WHERE writer = '' FOR UPDATE"):
            waiting = store.submit(lambda roll: add(roll, "a"))
            until(lambda: told[-1:] == [Feeling.ILL])
        assert waiting.result()
        until(lambda: told[-1:] == [Feeling.WELL])
    assert all(now is not before for before, now in pairwise(told))


def test_work_that_meets_somebody_elses_transaction_is_done_again(
    store: PostgresStore, tmp_path: Path
) -> None:
    store.write(lambda roll: add(roll, "a"))
    begun, met, runs = threading.Event(), threading.Event(), list[int]()

    def touch(roll: Roll) -> None:
        runs.append(1)
        roll.profiles.get("prf-a")  # with which the transaction begins
        begun.set()
        met.wait()
        roll.profiles.move_counts("prf-a", NOW, pending=1, registered=0)

    url = DATABASES.server.url(DATABASES.name(tmp_path))
    with ThreadPoolExecutor(1) as pool, psycopg.connect(url) as others:
        others.execute("SET deadlock_timeout = '60s'")  # so that it is ours that has to yield
        others.execute("SELECT 1 FROM profiles FOR UPDATE")
        touched = store.submit(touch)
        begun.wait()
        waiting = pool.submit(others.execute, "SELECT 1 FROM writers WHERE writer = '' FOR UPDATE")
        until(lambda: bool(DATABASES.query(tmp_path, WAITING)))
        met.set()
        waiting.result()
        others.commit()
        touched.result()
    assert len(runs) == 2
    assert DATABASES.query(tmp_path, "SELECT pending_count FROM profiles") == [(1,)]


def test_work_that_meets_others_again_and_again_gives_up(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "_PAUSES", (0.0, 0.0))
    runs = list[int]()

    def clash(_: Roll) -> None:
        runs.append(1)
        store._database.execute_sql("DO $$ BEGIN RAISE SQLSTATE '40001'; END $$")

    with pytest.raises(RollbookError) as failed:
        store.write(clash)
    assert failed.value.reason is Reason.STORE_UNAVAILABLE
    assert len(runs) == 3
    assert store.write(lambda roll: add(roll, "a"))


def test_who_gets_no_connection_is_told_when_to_come_again(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_store, "_READERS", 1)
    monkeypatch.setattr(postgres_store, "_WAIT_SECONDS", 1)
    begun, over = threading.Event(), threading.Event()

    def hold(_: Roll) -> None:
        begun.set()
        over.wait()

    with closing(PostgresStore(url)) as store:
        holder = threading.Thread(target=store.read, args=(hold,))
        holder.start()
        begun.wait()
        with pytest.raises(RollbookError) as failed:
            store.read(lambda roll: roll.tokens.epoch())
        over.set()
        holder.join()
        assert failed.value.reason is Reason.STORE_UNAVAILABLE
        assert failed.value.retry_after_seconds
        assert store.read(lambda roll: roll.tokens.epoch()) == 0


def test_who_finds_all_connections_taken_waits_for_one(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_store, "_READERS", 1)
    begun, over = threading.Event(), threading.Event()

    def hold(_: Roll) -> None:
        begun.set()
        over.wait()

    with closing(PostgresStore(url)) as store, ThreadPoolExecutor(2) as pool:
        holder = pool.submit(store.read, hold)
        begun.wait()
        waiting = pool.submit(store.read, lambda roll: roll.tokens.epoch())
        assert not waiting.done()
        over.set()
        assert (holder.result(), waiting.result()) == (None, 0)

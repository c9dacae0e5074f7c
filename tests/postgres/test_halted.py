"""A server that is halted in a transaction loses its turn to write; a slow one does not."""

from __future__ import annotations

import threading
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING

import psycopg
import pytest

from postgres.test_commits import add
from rollbook_server.domain.errors import Reason, RollbookError
from rollbook_server.storage.postgres import halted, writing
from rollbook_server.storage.postgres.store import PostgresStore
from uploads.wire import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from postgres_server import PostgresServer

ROW = "SELECT 1 FROM writers WHERE writer = '' FOR UPDATE"
WAITS = "SELECT 1 FROM pg_stat_activity WHERE pid = %s AND state = 'active' AND wait_event = %s"
ARRIVED = "SELECT bytes_processed FROM pg_stat_progress_copy"
LINE = "x" * 100 + "\n"


@pytest.fixture(autouse=True)
def _without_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    quick = [sql.replace("'20s'", "'100ms'") for sql in writing._BEGIN]
    monkeypatch.setattr(writing, "_BEGIN", quick)
    monkeypatch.setattr(halted, "_LOOK_SECONDS", 0.01)


@pytest.fixture
def store(postgres: PostgresServer, name: str) -> Iterator[PostgresStore]:
    with closing(PostgresStore(postgres.url(name), str.encode)) as store:
        yield store


@contextmanager
def copying(postgres: PostgresServer, name: str) -> Iterator[psycopg.Copy]:
    """Hold the row as a server does that copies in; PostgreSQL waits for what comes next."""
    with psycopg.connect(postgres.url(name)) as holder:
        holder.execute("CREATE TEMPORARY TABLE fed (line text)")
        holder.execute(ROW)
        with holder.cursor().copy("COPY fed FROM STDIN") as copy:
            feed(copy, postgres, name)
            until(lambda: waits(postgres, name, holder, "ClientRead"))
            yield copy


def arrived(postgres: PostgresServer, name: str) -> int:
    return sum(count for (count,) in postgres.query(name, ARRIVED))


def waits(
    postgres: PostgresServer, name: str, holder: psycopg.Connection[object], event: str
) -> bool:
    return bool(postgres.query(name, WAITS, (holder.info.backend_pid, event)))


def test_who_is_halted_in_a_copy_loses_the_turn(
    store: PostgresStore, postgres: PostgresServer, name: str
) -> None:
    with pytest.raises(psycopg.OperationalError), copying(postgres, name):
        assert store.write(add("a"))
    assert store.write(add("b"))


def test_who_copies_slowly_keeps_it(
    store: PostgresStore, postgres: PostgresServer, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with copying(postgres, name) as copy:
        monkeypatch.setattr(halted, "sleep", lambda _: feed(copy, postgres, name))
        refused(store)
    assert store.write(add("a"))


def feed(copy: psycopg.Copy, postgres: PostgresServer, name: str) -> None:
    before = arrived(postgres, name)
    copy.write(LINE)
    copy.connection.pgconn.flush()
    until(lambda: arrived(postgres, name) == before + len(LINE))


def test_who_works_keeps_it(store: PostgresStore, postgres: PostgresServer, name: str) -> None:
    with psycopg.connect(postgres.url(name)) as holder:
        working = threading.Thread(target=lambda: work(holder))
        working.start()
        until(lambda: waits(postgres, name, holder, "PgSleep"))
        refused(store)
        holder.cancel()
        working.join()
        holder.rollback()
    assert store.write(add("a"))


def work(holder: psycopg.Connection[object]) -> None:
    with suppress(psycopg.errors.QueryCanceled):
        holder.execute(ROW)
        holder.execute("SELECT pg_sleep(600)")


def test_who_holds_another_row_keeps_it(
    store: PostgresStore, postgres: PostgresServer, name: str
) -> None:
    with psycopg.connect(postgres.url(name)) as others:
        others.execute(ROW)
        with copying_beside(postgres, name):
            refused(store)
    assert store.write(add("a"))


@contextmanager
def copying_beside(postgres: PostgresServer, name: str) -> Iterator[None]:
    """Stand still in a COPY that is in nobody's way."""
    with psycopg.connect(postgres.url(name)) as beside:
        beside.execute("CREATE TEMPORARY TABLE fed (line text)")
        with beside.cursor().copy("COPY fed FROM STDIN"):
            yield


def refused(store: PostgresStore) -> None:
    with pytest.raises(RollbookError) as failed:
        store.write(add("late"))
    assert failed.value.reason is Reason.STORE_UNAVAILABLE

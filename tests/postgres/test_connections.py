"""A server that gets few connections does with those that it has."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from rollbook_server.domain.errors import Reason, RollbookError
from rollbook_server.storage.postgres import away, database
from rollbook_server.storage.postgres import store as postgres_store
from rollbook_server.storage.postgres.store import PostgresStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from postgres_server import PostgresServer
    from rollbook_server.domain.ports import Roll


@pytest.fixture
def role(postgres: PostgresServer, name: str) -> Iterator[str]:
    """Give a role that gets two connections: one to write, one to read."""
    role = f"poor_{name}"
    postgres.execute(f"CREATE ROLE {role} LOGIN CONNECTION LIMIT 2")
    postgres.change(name, f"GRANT ALL ON SCHEMA public TO {role}")
    yield role
    postgres.change(name, f"DROP OWNED BY {role}")
    postgres.execute(f"DROP ROLE {role}")


@pytest.fixture
def store(
    postgres: PostgresServer, name: str, role: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[PostgresStore]:
    monkeypatch.setattr(postgres_store, "_WAIT_SECONDS", 600)
    url = postgres.url(name).replace("rollbook@", f"{role}@")
    with closing(PostgresStore(url, str.encode)) as store:
        yield store


def test_who_gets_no_more_connections_waits_for_one_of_its_own(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, met, over = threading.Event(), threading.Event(), threading.Event()

    def hold(_: Roll) -> None:
        begun.set()
        over.wait()

    def notice(error: BaseException) -> bool:
        met.set()
        return away.is_full(error)

    monkeypatch.setattr(database, "is_full", notice)
    with ThreadPoolExecutor(2) as pool:
        holder = pool.submit(store.read, hold)
        begun.wait()
        waiting = pool.submit(store.read, lambda roll: roll.tokens.epoch())
        met.wait()
        over.set()
        assert (holder.result(), waiting.result()) == (None, 0)


def test_who_gets_none_at_all_is_told_at_once(
    postgres: PostgresServer, store: PostgresStore, role: str
) -> None:
    postgres.execute(f"ALTER ROLE {role} CONNECTION LIMIT 1")
    with pytest.raises(RollbookError) as failed:
        store.read(lambda roll: roll.tokens.epoch())
    assert failed.value.reason is Reason.STORE_UNAVAILABLE

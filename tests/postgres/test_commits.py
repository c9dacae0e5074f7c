"""A COMMIT whose answer is lost is looked up, never repeated, and believed once it is safe."""

from __future__ import annotations

import itertools
import threading
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

import postgres_server
from postgres.cuts import COMMIT, Cut
from rollbook_server.domain.profiles import Profile
from rollbook_server.storage.postgres.store import PostgresStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

    from postgres_server import PostgresServer
    from rollbook_server.domain.ports import Roll

NOW = datetime(2026, 11, 28, 9, 0, tzinfo=UTC)
HANG_SECONDS = 60
_WAITING = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'"


def add(name: str) -> Callable[[Roll], bool]:
    """Give work that is True only the first time."""
    return lambda roll: roll.profiles.add(Profile(f"prf-{name}", name, NOW, NOW))


def has(store: PostgresStore, name: str) -> bool:
    return store.read(lambda roll: roll.profiles.get(f"prf-{name}")) is not None


def once(cut: Cut, seen: bytes = COMMIT) -> Callable[[bytes], Cut]:
    """Cut the first piece that comes with this in it."""
    cuts = iter([cut])
    return lambda data: next(cuts, Cut.NOT) if seen in data else Cut.NOT


def until(holds: Callable[[], bool]) -> None:
    for _ in range(HANG_SECONDS * 50):
        if holds():
            return
        threading.Event().wait(0.02)
    raise AssertionError("it never came to that")


def test_a_connection_to_a_server_that_takes_no_writes_any_more_is_replaced(
    store: PostgresStore,
) -> None:
    def demote(roll: Roll) -> None:
        database = roll.profiles._database  # type: ignore[attr-defined]
        database.execute_sql("SET default_transaction_read_only = on")

    store.write(demote)
    assert store.write(add("a"))


@pytest.fixture(scope="module")
def lonely() -> Iterator[PostgresServer]:
    """Give a server of one's own, whose settings may be changed."""
    postgres_server.require()
    with postgres_server.running() as server:
        yield server


def set_standbys(server: PostgresServer, names: str) -> None:
    server.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{names}'")
    server.execute("SELECT pg_reload_conf()")


def waiting(server: PostgresServer) -> list[int]:
    """Give the processes whose COMMIT waits for a standby."""
    return [pid for (pid,) in server.query("postgres", _WAITING)]


def waiting_write(store: PostgresStore, server: PostgresServer) -> tuple[str, Future[bool]]:
    """Write until the server has noticed that it has to wait for a standby."""
    for number in itertools.count():
        name = f"a{number}"
        future = store.submit(add(name))
        until(lambda: bool(future.done() or waiting(server)))  # noqa: B023 - used at once
        if not future.done():
            return name, future
    raise AssertionError


@pytest.mark.parametrize("heard", ["warning", "error"])
@pytest.mark.parametrize("how", ["pg_cancel_backend", "pg_terminate_backend"])
def test_what_only_a_primary_without_its_standby_has_is_not_answered(
    lonely: PostgresServer, how: str, heard: str
) -> None:
    """Not even where somebody wants to hear of no warnings, which tell of it."""
    name = lonely.create()
    lonely.execute(f"ALTER DATABASE {name} SET client_min_messages = {heard}")
    with closing(PostgresStore(lonely.url(name), str.encode)) as store:
        set_standbys(lonely, "absent")
        try:
            name, future = waiting_write(store, lonely)
            [pid] = waiting(lonely)
            lonely.execute(f"SELECT {how}({pid})")  # what waits is committed, here
            until(lambda: has(store, name))
            until(lambda: bool(future.done() or waiting(lonely)))
            assert not future.done()
        finally:
            set_standbys(lonely, "")
        assert future.result(HANG_SECONDS)
